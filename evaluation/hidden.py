"""Completing baskets: one product hidden from each, and where a method ranks it among all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from loaders.errors import DataError

__all__ = ["Hidden", "gains", "hide_one", "hits", "ranks"]

BATCH = 64

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Hidden:
    """Baskets of two products and more, with one taken out of each.

    Attributes:
        kept: product rows that stay in each basket.
        hidden: the row taken out, int64 [n].
    """

    kept: tuple[Rows, ...]
    hidden: Rows

    def __len__(self) -> int:
        return len(self.hidden)

    def matrix(self, n_products: int) -> sparse.csr_array[np.float32, tuple[int, int]]:
        """What stays in each basket: 1 for each product, CSR float32 [n, n_products]."""
        starts = np.cumsum([0, *(len(rows) for rows in self.kept)])
        held = np.concatenate([np.empty(0, np.int64), *self.kept])
        shape = (len(self.kept), n_products)
        return sparse.csr_array((np.ones(len(held), np.float32), held, starts), shape=shape)


def hide_one(baskets: sparse.csr_array, most: int, seed: int) -> Hidden:
    """Hide a random product of each basket that has another one left.

    Args:
        baskets: which basket holds which product, CSR [n_baskets, n_products].
        most: baskets taken, at random where there are more.
        seed: of what is drawn.

    Raises:
        DataError: no basket holds two products.
    """
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(np.diff(baskets.indptr) > 1)
    if not len(rows):
        raise DataError("no basket of the window holds two products that were known before it")
    rows = np.sort(rng.permutation(rows)[:most])
    held = [baskets.indices[slice(*baskets.indptr[r : r + 2])].astype(np.int64) for r in rows]
    out = [int(rng.integers(len(h))) for h in held]
    kept = tuple(np.delete(h, o) for h, o in zip(held, out, strict=True))
    return Hidden(kept, np.array([h[o] for h, o in zip(held, out, strict=True)], np.int64))


def ranks(
    score: Callable[[Rows], npt.NDArray[np.float32]],
    baskets: Hidden,
    eligible: npt.NDArray[np.bool_],
    order: Rows,
) -> Rows:
    """Place of each hidden product among all that the basket does not hold, 0 for the first.

    Args:
        score: scores of all products, float32 [n, n_products], for places int64 [n] of baskets.
        baskets: with one product hidden each.
        eligible: products that may be listed, bool [n_products].
        order: products from the most popular, int64 [n_products]; decides between equals.
    """
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    found = np.empty(len(baskets), np.int64)
    for start in range(0, len(baskets), BATCH):
        batch = np.arange(start, min(start + BATCH, len(baskets)))
        scores = np.where(eligible, score(batch), -np.inf)
        for line, number in zip(scores, batch, strict=True):
            line[baskets.kept[number]] = -np.inf
            hidden = baskets.hidden[number]
            equal = (line == line[hidden]) & (place < place[hidden])
            found[number] = int((line > line[hidden]).sum() + equal.sum())
    return found


def hits(found: Rows, k: int) -> npt.NDArray[np.float64]:
    """Whether each rank int64 [n] is among the first ``k``, float64 [n]."""
    return (found < k).astype(np.float64)


def gains(found: Rows, k: int) -> npt.NDArray[np.float64]:
    """NDCG at ``k`` of one hidden product, float64 [n]: 1 / log2(rank + 2), 0 beyond ``k``."""
    return np.where(found < k, 1 / np.log2(found + 2.0), 0.0)
