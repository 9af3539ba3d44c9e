"""Exact counts of every pair of items, by a sparse matrix product, down to a few baskets.

Sets need a support that all but the popular products miss; counting pairs alone costs one
product of the basket matrix with itself, so it covers the long tail. Done in blocks of columns,
memory stays with the pairs that are frequent enough.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from rules.baskets import Baskets
from rules.candidates import Candidates
from rules.measures import telling

__all__ = ["pair_candidates", "pair_counts"]

BLOCK = 2048

Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def pair_counts(baskets: Baskets, min_count: int) -> Pairs:
    """Pairs of different items in at least ``min_count`` baskets.

    Returns:
        First item, second item, baskets with both, int64 [n] each; every pair in both orders.
    """
    frequent = np.flatnonzero(baskets.counts >= min_count)
    matrix = sparse.csr_array(baskets.matrix[:, frequent].astype(np.int32))
    by_item = sparse.csr_array(matrix.T)
    none = np.empty(0, np.int64)
    blocks = [(none, none, none)]
    for start in range(0, len(frequent), BLOCK):
        product = by_item[start : start + BLOCK] @ matrix
        blocks.append(_frequent(product, start, min_count))
    first, second, count = (np.concatenate(column) for column in zip(*blocks, strict=True))
    return frequent[first], frequent[second], count


def pair_candidates(baskets: Baskets, min_count: int, below: int, per_item: int) -> Candidates:
    """Rules of one item to one other, for pairs in ``min_count`` up to ``below`` - 1 baskets.

    Of each antecedent only the ``per_item`` most telling stay, by ``measures.telling``.
    """
    first, second, both = pair_counts(baskets, min_count)
    mask = both < below
    first, second, both = first[mask], second[mask], both[mask]
    left, right = baskets.counts[first], baskets.counts[second]
    weight = telling(both / left, (both / left) / (right / len(baskets)))
    keep = _best(first, second, weight, per_item)
    return Candidates(first[keep, None], second[keep], both[keep], left[keep], right[keep])


def _frequent(product: sparse.csr_array, start: int, min_count: int) -> Pairs:
    block = sparse.coo_array(product)
    row, column, count = (v.astype(np.int64) for v in (*block.coords, block.data))
    row += start
    keep = (count >= min_count) & (row != column)
    return row[keep], column[keep], count[keep]


def _best(
    group: npt.NDArray[np.int64],
    item: npt.NDArray[np.int64],
    score: npt.NDArray[np.float64],
    top: int,
) -> npt.NDArray[np.int64]:
    """Places of the ``top`` highest scores of each group; ties go to the earlier item."""
    order = np.lexsort((item, -score, group))
    size = np.bincount(group, minlength=1)
    place = np.arange(len(group)) - np.repeat(np.cumsum(size) - size, size)
    return np.asarray(order[place < top], np.int64)
