"""Communities made to tell what their members buy, without leaving the user graph.

Leiden looks at links alone. Here each customer goes to the community, of those they are linked to,
under whose mix of categories their own purchases are most likely; mixes are then counted anew, and
so on (classification EM over multinomials: Celeux and Govaert, "A classification EM algorithm for
clustering", 1992). Pieces that the moves cut off join the community they are linked to most, so
that communities stay connected.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from segments.mix import Counts
from segments.neighbours import UserGraph

__all__ = ["SMOOTHING", "explained", "mixes", "refined", "rejoined"]

Labels = npt.NDArray[np.int64]

SMOOTHING: Final = 200.0
"""Lines of the whole shop's mix added to each community's."""

ROUNDS: Final = 10
"""Rounds of moves at most; most runs rest after six to ten."""


def mixes(counts: Counts, labels: Labels, communities: int) -> npt.NDArray[np.float64]:
    """log2 of each community's smoothed share of an item over the shop's, float64 [k, n_items].

    Args:
        counts: lines of each user in each item, [n_users, n_items].
        labels: community of each user or -1, int [n_users].
        communities: how many there are.
    """
    shop = counts.sum(axis=0) + 0.5
    shop = shop / shop.sum()
    lines = sparse.csr_array(_members(labels, communities).T @ counts).toarray()
    share = (lines + SMOOTHING * shop) / (lines.sum(axis=1, keepdims=True) + SMOOTHING)
    return np.asarray(np.log2(share / shop), np.float64)


def explained(counts: Counts, labels: Labels) -> float:
    """Bits saved per line by knowing the buyer's community; 0 for lines of users in none."""
    told = mixes(counts, labels, int(labels.max(initial=-1)) + 1)
    placed = np.flatnonzero(labels >= 0)
    saved = counts[placed].multiply(told[labels[placed]]).sum() if len(placed) else 0.0
    return float(saved / max(counts.sum(), 1))


def refined(graph: UserGraph, labels: Labels, counts: Counts) -> Labels:
    """``labels`` after the moves, int64 [n]; who is in none (-1) joins along a link.

    Args:
        graph: links of users.
        labels: community of each or -1.
        counts: lines of each user in each item, [n, n_items].
    """
    size = int(labels.max(initial=-1)) + 1
    for _ in range(ROUNDS if size > 1 else 0):
        linked = (graph @ _members(labels, size)).toarray() > 0
        likely = np.where(linked, np.asarray(counts @ mixes(counts, labels, size).T), -np.inf)
        moved = np.where(linked.any(axis=1), likely.argmax(axis=1), labels)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return rejoined(graph, labels)


def rejoined(graph: UserGraph, labels: Labels) -> Labels:
    """``labels`` with each community in one piece: its largest; the others join along links.

    A piece without a link to another community gets -1.
    """
    while True:
        stray = _strays(graph, labels)
        if not stray.any():
            return labels
        home = np.where(stray, -1, labels)
        links = (graph @ _members(home, int(labels.max()) + 1)).toarray()
        labels = np.where(stray, np.where(links.max(axis=1) > 0, links.argmax(axis=1), -1), labels)


def _strays(graph: UserGraph, labels: Labels) -> npt.NDArray[np.bool_]:
    """Members outside the largest piece of their community, bool [n]."""
    row = np.repeat(np.arange(len(labels)), np.diff(graph.indptr))
    inside = (labels[row] == labels[graph.indices]) & (labels[row] >= 0)
    entries = (graph.data[inside], (row[inside], graph.indices[inside]))
    within = sparse.csr_array(sparse.coo_array(entries, shape=graph.shape))
    piece = connected_components(within, directed=False)[1]
    size = np.bincount(piece, minlength=1)
    # The largest piece of each community, the first of equals.
    order = np.lexsort((piece, -size[piece], labels))
    first = order[np.r_[True, np.diff(labels[order]) > 0]] if len(order) else order
    largest = np.full(int(labels.max(initial=-1)) + 2, -1, np.int64)
    largest[labels[first]] = piece[first]
    return np.asarray((labels >= 0) & (largest[labels] != piece), np.bool_)


def _members(labels: Labels, communities: int) -> Counts:
    """1 where a user is in a community, float64 CSR [n, communities]."""
    users = np.flatnonzero(labels >= 0)
    entries = (np.ones(len(users)), (users, labels[users]))
    return sparse.csr_array(sparse.coo_array(entries, shape=(len(labels), communities)))
