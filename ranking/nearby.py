"""The nearest of many vectors: exactly in small catalogues, by an index in large ones.

Exact search takes time of n squared. Beyond ``EXACT_UP_TO`` vectors a navigable small-world graph
(Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
Navigable Small World graphs", TPAMI 2020) is searched instead, through ``usearch``; what it finds
is scored and ordered exactly. ``python -m benchmarks.neighbours`` measures both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from ranking.lists import top_k
from ranking.scorer import Scores

__all__ = ["EXACT_UP_TO", "Search", "search_of"]

EXACT_UP_TO = 50_000
"""Candidates up to which all are compared with all."""
LINKS, BUILD_WIDTH, SEARCH_WIDTH = 16, 128, 96
SPARE = 4
"""Neighbours asked of the index beyond those wanted, as its order is its own."""

Rows = npt.NDArray[np.int64]
Search = Callable[[Rows], tuple[Rows, Scores]]
"""From rows int64 [n] to places among the candidates int64 [n, m], the nearest other than the row
itself first and -1 where there are fewer, and their cosines float32 [n, m], -inf there."""

_log = logging.getLogger("coterie.ranking")


def search_of(unit: Scores, among: Rows, m: int, *, exact_up_to: int = EXACT_UP_TO) -> Search:
    """What finds the ``m`` nearest of the candidates.

    Args:
        unit: vectors of length 1, float32 [n, dim].
        among: rows of the candidates, int64 [n_candidates].
        m: how many are wanted of each.
        exact_up_to: candidates beyond which an index is used.
    """
    if len(among) <= exact_up_to:
        return _exact(unit, among, m)
    if find_spec("usearch") is None:
        _log.warning(
            "similar products of %s candidates are found exactly, which takes long; "
            "pip install usearch finds nearly all of them in a fraction of the time",
            f"{len(among):,}",
        )
        return _exact(unit, among, m)
    return _indexed(unit, among, m)


def _exact(unit: Scores, among: Rows, m: int) -> Search:
    candidates = unit[among]

    def nearest(rows: Rows) -> tuple[Rows, Scores]:
        cosines = unit[rows] @ candidates.T
        cosines[rows[:, None] == among] = -np.inf
        return top_k(cosines, None, m)

    return nearest


def _indexed(unit: Scores, among: Rows, m: int) -> Search:
    from usearch.index import BatchMatches, Index

    candidates = unit[among]
    index = Index(
        ndim=unit.shape[1],
        metric="ip",
        dtype="f32",
        connectivity=LINKS,
        expansion_add=BUILD_WIDTH,
        expansion_search=max(SEARCH_WIDTH, 2 * m),
    )
    # One thread, as the graph depends on the order that vectors come in.
    index.add(np.arange(len(among)), candidates, threads=1)
    width = min(m + 1 + SPARE, len(among))

    def nearest(rows: Rows) -> tuple[Rows, Scores]:
        found = index.search(unit[rows], width, threads=1)
        assert isinstance(found, BatchMatches)  # the answer to more than one vector
        # A short answer is padded with keys that stand for nothing.
        there = np.arange(width) < np.asarray(found.counts)[:, None]
        places = np.sort(np.where(there, found.keys, len(among)).astype(np.int64), axis=1)
        some = np.minimum(places, len(among) - 1)
        cosines = np.einsum("ijk,ik->ij", candidates[some], unit[rows])
        cosines[(places == len(among)) | (among[some] == rows[:, None])] = -np.inf
        chosen, best = top_k(cosines, None, m)
        picked = np.take_along_axis(places, np.maximum(chosen, 0), axis=1)
        return np.where(chosen >= 0, picked, -1), best

    return nearest
