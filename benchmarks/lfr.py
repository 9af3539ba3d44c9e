"""Graphs with communities that are known, after Lancichinetti, Fortunato and Radicchi (2008).

Degrees and sizes of communities follow power laws; each node has a share of its links, the mixing,
outside its community ("Benchmark graphs for testing community detection algorithms", Physical
Review E 78, 046110). networkx has a generator of its own, whose links leave communities more often
than is asked for, which makes its figures hard to set beside published ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["Lfr", "lfr_graph"]

Graph = sparse.csr_array[np.float64, tuple[int, int]]
Ints = npt.NDArray[np.int64]
Wrong = Callable[[Ints], npt.NDArray[np.bool_]]

ROUNDS = 200
"""How often links that may not be are drawn again; those that remain are left out."""


@dataclass(frozen=True)
class Lfr:
    """What graphs are drawn from; by default the usual one of large communities.

    Attributes:
        nodes: how many.
        degree: mean number of links of a node.
        most: largest number of links.
        smallest, largest: nodes of a community.
        degree_power, size_power: exponents of the two laws.
    """

    nodes: int = 1000
    degree: float = 20.0
    most: int = 50
    smallest: int = 20
    largest: int = 100
    degree_power: float = 2.0
    size_power: float = 1.0


def lfr_graph(mixing: float, seed: int, shape: Lfr | None = None) -> tuple[Graph, Ints]:
    """A graph and the community of each node.

    Args:
        mixing: share of each node's links that leave its community, 0 to 1.
        seed: of all draws.
        shape: what it is drawn from.

    Returns:
        Links, symmetric, 1.0 where there is one, CSR [nodes, nodes]; communities, int64 [nodes].
    """
    shape, rng = shape or Lfr(), np.random.default_rng(seed)
    degree = _degrees(shape, rng)
    inside = np.minimum(np.rint((1 - mixing) * degree).astype(np.int64), shape.largest - 1)
    member = _placed(inside, _sizes(shape, rng), rng)
    links = [
        _paired(np.repeat(nodes, inside[nodes]), _loop_or_twice, rng)
        for nodes in (np.flatnonzero(member == c) for c in range(int(member.max()) + 1))
    ]
    outside = np.repeat(np.arange(shape.nodes), degree - inside)
    links.append(_paired(outside, lambda e: (np.diff(member[e])[:, 0] == 0) | _twice(e), rng))
    ends = np.concatenate(links)
    ones = np.ones(len(ends))
    half = sparse.coo_array((ones, (ends[:, 0], ends[:, 1])), shape=(shape.nodes, shape.nodes))
    graph = sparse.csr_array(half)
    return sparse.csr_array(graph + graph.T), member


def _drawn(low: int, high: int, power: float, n: int, rng: np.random.Generator) -> Ints:
    values = np.arange(low, high + 1)
    weight = values.astype(np.float64) ** -power
    return np.asarray(rng.choice(values, n, p=weight / weight.sum()), np.int64)


def _degrees(shape: Lfr, rng: np.random.Generator) -> Ints:
    """Of two laws whose least degrees are neighbours, mixed to have the mean asked for."""
    values = np.arange(1, shape.most + 1, dtype=np.float64)
    weight = values**-shape.degree_power
    means = [float((values * weight)[i:].sum() / weight[i:].sum()) for i in range(shape.most)]
    low = int(np.searchsorted(means, shape.degree))
    share = (shape.degree - means[low - 1]) / (means[low] - means[low - 1])
    first, second = (
        _drawn(least, shape.most, shape.degree_power, shape.nodes, rng) for least in (low, low + 1)
    )
    return np.where(rng.random(shape.nodes) < share, second, first)


def _sizes(shape: Lfr, rng: np.random.Generator) -> Ints:
    """Sizes that add up to all nodes; the last is what is left, drawn anew while too small."""
    enough = -(-shape.nodes // shape.smallest)
    while True:
        sizes = _drawn(shape.smallest, shape.largest, shape.size_power, enough, rng)
        count = int(np.searchsorted(np.cumsum(sizes), shape.nodes)) + 1
        sizes = sizes[:count]
        sizes[-1] -= int(sizes.sum()) - shape.nodes
        if sizes[-1] >= shape.smallest:
            return sizes


def _placed(inside: Ints, sizes: Ints, rng: np.random.Generator) -> Ints:
    """Nodes into communities large enough for their links; a full one sends another away."""
    member = np.full(len(inside), -1, np.int64)
    held: list[list[int]] = [[] for _ in sizes]
    waiting = list(rng.permutation(len(inside)))
    while waiting:
        node = int(waiting.pop())
        place = int(rng.choice(np.flatnonzero(sizes > inside[node])))
        if len(held[place]) == sizes[place]:
            waiting.insert(0, held[place].pop(int(rng.integers(len(held[place])))))
        held[place].append(node)
        member[node] = place
    return member


def _paired(stubs: Ints, wrong: Wrong, rng: np.random.Generator) -> Ints:
    """Ends joined at random, int64 [n_links, 2]; links that are wrong swap ends with others."""
    ends = rng.permutation(stubs)[: len(stubs) // 2 * 2].reshape(-1, 2)
    for _ in range(ROUNDS):
        found = np.flatnonzero(wrong(ends))
        if not len(found):
            break
        for one, other in zip(found, rng.permutation(len(ends)), strict=False):
            ends[one, 1], ends[other, 1] = ends[other, 1], ends[one, 1]
    return ends[~wrong(ends)]


def _loop_or_twice(ends: Ints) -> npt.NDArray[np.bool_]:
    return (ends[:, 0] == ends[:, 1]) | _twice(ends)


def _twice(ends: Ints) -> npt.NDArray[np.bool_]:
    """Which links are there already, in either direction."""
    _, first = np.unique(np.sort(ends, axis=1), axis=0, return_index=True)
    again = np.ones(len(ends), np.bool_)
    again[first] = False
    return again
