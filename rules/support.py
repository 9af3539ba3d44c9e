"""How low mining may go: the support at which a shop has about as many sets as are affordable.

A share of baskets that suits a grocer finds millions of sets where baskets are long: a wholesale
order of a hundred items alone holds 161,700 triples. So sets are counted before they are mined:
items and pairs exactly, longer ones by extending a sample of those one shorter.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy import sparse

from rules.baskets import Baskets
from rules.cooccurrence import pair_counts

__all__ = ["affordable_count", "set_counts"]

SAMPLE = 2000
"""Sets of a length that are extended to estimate how many the next has."""

BLOCK = 64
"""Sets extended at a time: memory holds the baskets of so many items."""

Rows = npt.NDArray[np.int64]
Matrix = sparse.csr_array[np.int32, tuple[int, int]]
Counted = tuple[Rows, float]
"""Baskets with each set, int64 [n], and how many sets of the shop each stands for."""


def affordable_count(baskets: Baskets, count: int, max_length: int, most: int) -> int:
    """Least baskets, at least ``count``, in which about ``most`` sets or fewer are.

    Args:
        baskets: of one level.
        count: least baskets wanted.
        max_length: most items in a set.
        most: sets to afford; exact up to pairs, an estimate beyond.
    """
    items, pairs = int((baskets.counts >= count).sum()), len(pair_counts(baskets, count)[0]) // 2
    if items + _most_sets(pairs, max_length) <= most:
        return count
    counted = set_counts(baskets, count, max_length)
    both = np.concatenate([sets for sets, _ in counted])
    weight = np.concatenate([np.full(len(sets), each) for sets, each in counted])
    if weight.sum() <= most:
        return count
    levels, place = np.unique(both, return_inverse=True)
    at_least = np.cumsum(np.bincount(place, weights=weight)[::-1])[::-1]
    affordable = levels[at_least <= most]
    return int(affordable[0] if len(affordable) else levels[-1] + 1)


def set_counts(baskets: Baskets, count: int, max_length: int) -> list[Counted]:
    """Baskets with each set of 1, 2, … ``max_length`` items in at least ``count`` baskets.

    Sets beyond pairs come from a sample, the same each time, where there are many.
    """
    first, second, both = pair_counts(baskets, count)
    once = first < second
    sets = np.column_stack([first[once], second[once]])
    counted: list[Counted] = [(baskets.counts[baskets.counts >= count], 1.0), (both[once], 1.0)]
    rng, weight = np.random.default_rng(0), 1.0
    # Items that are not frequent extend no set; without them a basket is a fraction as long.
    frequent = np.flatnonzero(baskets.counts >= count)
    matrix = sparse.csr_array(baskets.matrix[:, frequent].astype(np.int32))
    sets = np.searchsorted(frequent, sets)
    by_item = sparse.csr_array(matrix.T)
    for _ in range(3, max_length + 1):
        if len(sets) > SAMPLE:
            weight *= len(sets) / SAMPLE
            sets = sets[np.sort(rng.choice(len(sets), SAMPLE, replace=False))]
        blocks = [np.empty((0, sets.shape[1] + 2), np.int64)]
        for start in range(0, len(sets), BLOCK):
            blocks.append(_extended(by_item, matrix, sets[start : start + BLOCK], count))
        extended = np.concatenate(blocks)
        sets, both = extended[:, :-1], extended[:, -1]
        counted.append((both, weight))
    return counted


def _most_sets(pairs: int, max_length: int) -> float:
    """Most sets of 2 to ``max_length`` items whose pairs are all among ``pairs``.

    As many as among items of whom all pairs are there (Kruskal 1963, Katona 1968; in the
    form of Lovász 1979). Spares most shops the counting.
    """
    from scipy.special import binom  # takes a server 4 MB and is of builds alone

    items = (1 + sqrt(1 + 8 * pairs)) / 2
    return float(sum(binom(items, length) for length in range(2, max_length + 1)))


def _extended(by_item: Matrix, matrix: Matrix, sets: Rows, count: int) -> Rows:
    """Each set with each later item where ``count`` baskets have them all, and those baskets.

    Returns:
        Items of the longer set, then baskets, int64 [n, length + 2].
    """
    held = by_item[sets[:, 0]]
    for column in sets.T[1:]:
        held = sparse.csr_array(held.multiply(by_item[column]))
    cells = sparse.coo_array(held @ matrix)
    row, item = (coordinate.astype(np.int64) for coordinate in cells.coords)
    keep = (cells.data >= count) & (item > sets[row, -1])
    return np.column_stack([sets[row[keep]], item[keep], cells.data[keep].astype(np.int64)])
