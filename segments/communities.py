"""Leiden communities of the user graph, at the resolution on which its runs agree most.

Rule for the resolution: run Leiden ``runs`` times at each of ``resolutions``, join communities
that are too small to act on, and of the resolutions whose number of communities a marketer can
read (``min_segments`` to ``max_segments``) take the one whose runs agree best, by mean adjusted
Rand; of those that agree as well, but for ``ALIKE``, the one with the fewest communities. Of its
runs the one closest to the others is the answer. (Traag et al. 2019.) With counts of what users
buy, each run's communities are refined by them before runs are compared (``segments.refine``).
A build that has a predecessor goes on from its communities (``continued``) unless a fresh start
explains purchases better by more than ``renew``: a customer should not change segments because
Leiden was run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import graspologic_native
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score

from loaders.progress import Progress, silent
from segments.config import SegmentsConfig
from segments.mix import Counts
from segments.neighbours import UserGraph
from segments.refine import explained, refined

__all__ = [
    "Partition",
    "Tried",
    "all_connected",
    "chosen",
    "communities",
    "continued",
    "least_size",
    "leiden",
    "merge_small",
    "modularity",
    "partitioned",
    "run",
]

Labels = npt.NDArray[np.int64]

ITERATIONS = 3
"""Leiden cycles in a run, each from the last; more change next to nothing."""

ALIKE = 0.02
"""Agreements of runs that differ by less are equal: another seed differs by as much."""


class Tried(NamedTuple):
    """A resolution: how far outside the range its communities are, and how well runs agree."""

    outside: int
    resolution: float
    stability: float
    labels: Labels


@dataclass(frozen=True)
class Partition:
    """Users in communities.

    Attributes:
        labels: community of each node, int64 [n], 0 the largest; -1 for nodes that only a
            community too small and without links to others would take.
        strength: share of each node's link weight that stays inside, float32 [n].
        modularity: of ``labels``, at resolution 1.
        connected: whether every community is one piece of the graph.
        resolution: the resolution chosen.
        stability: mean adjusted Rand between its runs.
    """

    labels: Labels
    strength: npt.NDArray[np.float32]
    modularity: float
    connected: bool
    resolution: float
    stability: float


def communities(
    graph: UserGraph,
    config: SegmentsConfig,
    progress: Progress = silent,
    counts: Counts | None = None,
) -> Partition:
    """Partition the users of ``graph``; deterministic by ``config.seed``.

    Args:
        graph: links of users.
        config: settings.
        progress: told after each resolution tried.
        counts: lines of each user in each item, [n, n_items]; links alone decide without.
    """
    tried: list[Tried] = []
    # No two values of ``config.seed`` share a run, or they would agree by it alone.
    seeds = range(config.seed * config.runs, (config.seed + 1) * config.runs)
    for done, resolution in enumerate(config.resolutions):
        runs = [run(graph, resolution, seed, config, counts) for seed in seeds]
        stability, best = _agreement(runs)
        tried.append(Tried(_outside(best, config), resolution, stability, best))
        progress("segments", done + 1, len(config.resolutions))
    _, resolution, stability, labels = chosen(tried)
    return partitioned(graph, labels, resolution, stability)


def run(
    graph: UserGraph, resolution: float, seed: int, config: SegmentsConfig, counts: Counts | None
) -> Labels:
    """One run: Leiden, small communities joined, and moves by purchases where there are any."""
    least = least_size(graph, config)
    labels = merge_small(graph, leiden(graph, resolution, seed), least)
    if counts is None:
        return labels
    return merge_small(graph, refined(graph, _by_size(labels), counts), least)


def continued(
    graph: UserGraph, before: Labels, fresh: Partition, config: SegmentsConfig, counts: Counts
) -> Partition:
    """The communities of before on the graph of now, or ``fresh`` where that tells much more.

    Args:
        graph: links of users.
        before: community of each user in the last build or -1, int64 [n].
        fresh: what a start from nothing gives.
        config: ``renew`` is what a fresh start must gain.
        counts: lines of each user in each item, [n, n_items].
    """
    labels = _by_size(merge_small(graph, refined(graph, before, counts), least_size(graph, config)))
    gain = explained(counts, fresh.labels) / max(explained(counts, labels), 1e-12) - 1
    outside = _outside(labels, config) > _outside(fresh.labels, config)
    if gain > config.renew or outside or labels.max(initial=-1) < 0:
        return fresh
    return partitioned(graph, labels, fresh.resolution, fresh.stability)


def partitioned(graph: UserGraph, labels: Labels, resolution: float, stability: float) -> Partition:
    """``labels`` numbered by size, with what can be said of them."""
    labels = _by_size(labels)
    return Partition(
        labels,
        strength(graph, labels),
        modularity(graph, labels),
        all_connected(graph, labels),
        resolution,
        stability,
    )


def least_size(graph: UserGraph, config: SegmentsConfig) -> int:
    """Users a community must have, by count and by share."""
    return max(config.min_size, int(np.ceil(config.min_share * graph.shape[0])))


def leiden(graph: UserGraph, resolution: float, seed: int) -> Labels:
    """Communities of one Leiden run, int64 [n]."""
    if not graph.nnz:
        return np.arange(graph.shape[0], dtype=np.int64)
    _, found = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data.astype(np.float64),
        graph.shape[0],
        resolution=resolution,
        iterations=ITERATIONS,
        seed=seed,
    )
    return np.array([found[node] for node in range(graph.shape[0])], np.int64)


def merge_small(graph: UserGraph, labels: Labels, least: int) -> Labels:
    """Join each community of fewer than ``least`` nodes to the one it is linked to most strongly.

    The smallest goes first. Joining along links keeps communities connected; one without links
    to others becomes -1.
    """
    labels = labels.copy()
    while True:
        names, sizes = np.unique(labels[labels >= 0], return_counts=True)
        if not len(names) or sizes.min() >= least:
            return labels
        small = int(names[sizes.argmin()])
        links = graph[labels == small].sum(axis=0)
        other = (labels >= 0) & (labels != small)
        weight = np.bincount(labels[other], weights=links[other], minlength=int(names[-1]) + 1)
        labels[labels == small] = int(weight.argmax()) if weight.max() > 0 else -1


def strength(graph: UserGraph, labels: Labels) -> npt.NDArray[np.float32]:
    """Share of each node's link weight inside its community, float32 [n]; 0 for -1."""
    row = np.repeat(np.arange(len(labels)), np.diff(graph.indptr))
    inside = (labels[row] == labels[graph.indices]) & (labels[row] >= 0)
    within = np.bincount(row, weights=graph.data * inside, minlength=len(labels))
    total = np.bincount(row, weights=graph.data, minlength=len(labels))
    return (within / np.where(total > 0, total, 1)).astype(np.float32)


def modularity(graph: UserGraph, labels: Labels) -> float:
    """Newman's modularity of ``labels``; nodes of -1 count as communities of their own."""
    total = float(graph.data.sum())
    if not total:
        return 0.0
    row = np.repeat(np.arange(len(labels)), np.diff(graph.indptr))
    inside = (labels[row] == labels[graph.indices]) & (labels[row] >= 0)
    own = np.where(labels >= 0, labels, labels.max(initial=0) + 1 + np.arange(len(labels)))
    degree = np.bincount(own, weights=graph.sum(axis=1))
    return float(graph.data[inside].sum() / total - np.square(degree / total).sum())


def all_connected(graph: UserGraph, labels: Labels) -> bool:
    """Whether each community is connected through links between its own members."""
    row = np.repeat(np.arange(len(labels)), np.diff(graph.indptr))
    inside = (labels[row] == labels[graph.indices]) & (labels[row] >= 0)
    entries = (graph.data[inside], (row[inside], graph.indices[inside]))
    within = sparse.csr_array(sparse.coo_array(entries, shape=graph.shape))
    pieces = connected_components(within, directed=False)[1][labels >= 0]
    return len(np.unique(pieces)) == len(np.unique(labels[labels >= 0]))


def _agreement(runs: list[Labels]) -> tuple[float, Labels]:
    """Mean adjusted Rand over pairs of runs, and the run closest to the others."""
    scores = np.zeros((len(runs), len(runs)))
    for a, b in combinations(range(len(runs)), 2):
        scores[a, b] = scores[b, a] = adjusted_rand_score(runs[a], runs[b])
    mean = float(scores.sum() / (len(runs) * (len(runs) - 1)))
    return mean, runs[int(scores.sum(axis=1).argmax())]


def chosen(tried: list[Tried]) -> Tried:
    """Nearest to the range wanted, then agreeing best; of those that agree as well, the fewest."""
    nearest = min(each.outside for each in tried)
    ranged = [each for each in tried if each.outside == nearest]
    best = max(each.stability for each in ranged)
    alike = [each for each in ranged if each.stability >= best - ALIKE]
    return min(alike, key=lambda each: (_count(each.labels), -each.stability))


def _count(labels: Labels) -> int:
    return len(np.unique(labels[labels >= 0]))


def _outside(labels: Labels, config: SegmentsConfig) -> int:
    """How far the number of communities lies outside the range wanted."""
    found = _count(labels)
    return max(config.min_segments - found, found - config.max_segments, 0)


def _by_size(labels: Labels) -> Labels:
    """Renumber communities 0.. by size, larger first, ties by their first member."""
    names, first, size = np.unique(labels, return_index=True, return_counts=True)
    order = sorted(
        (place for place in range(len(names)) if names[place] >= 0),
        key=lambda place: (-size[place], first[place]),
    )
    rank = {int(names[place]): new for new, place in enumerate(order)}
    return np.array([rank.get(int(label), -1) for label in labels], np.int64)
