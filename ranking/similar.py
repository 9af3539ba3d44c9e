"""Similar products: the nearest by cosine.

Up to ``EXACT_UP_TO`` candidates exactly, which costs one matrix product of the candidates with
themselves; beyond it through a graph index, ``ranking.nearby``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import FloatMatrix, InteractionGraph
from loaders.progress import Progress, silent
from ranking.arrays import load_arrays, save_arrays
from ranking.itemknn import cosine_neighbours
from ranking.nearby import EXACT_UP_TO, search_of
from ranking.scorer import Scores

__all__ = ["ALIKE", "Neighbours", "bought_together", "similar_products"]

ALIKE = 0.5
"""Least cosine by which one product is said to be like another."""
BLOCK = 512


@dataclass(frozen=True)
class Neighbours:
    """The ``m`` most similar products of each.

    Attributes:
        rows: product rows, int32 [n_products, m], most similar first, -1 where there are fewer.
        scores: cosines, float32 [n_products, m]; 0 where there are fewer.
    """

    rows: npt.NDArray[np.int32]
    scores: Scores

    def save(self, folder: Path) -> None:
        """Write both arrays to ``folder``."""
        save_arrays(folder, {"rows": self.rows, "scores": self.scores})

    def completed(self, other: Neighbours) -> Neighbours:
        """The neighbours ``other`` has for products that have none here; of equal shape."""
        none = self.rows[:, :1] < 0
        return Neighbours(
            np.where(none, other.rows, self.rows), np.where(none, other.scores, self.scores)
        )

    @staticmethod
    def load(folder: Path, *, mmap: bool = True) -> Neighbours:
        """Read what ``save`` wrote.

        Raises:
            SnapshotMissing: the folder does not hold them.
        """
        return Neighbours(**load_arrays(folder, ("rows", "scores"), mmap=mmap))


def similar_products(
    product_vectors: Scores,
    m: int,
    *,
    candidates: npt.NDArray[np.bool_] | None = None,
    asked: npt.NDArray[np.bool_] | None = None,
    exact_up_to: int = EXACT_UP_TO,
    progress: Progress = silent,
) -> Neighbours:
    """Nearest products by cosine of their vectors.

    Args:
        product_vectors: float32 [n_products, dim]; a vector of zeros is similar to nothing.
        m: neighbours of each.
        candidates: products that may be a neighbour, bool [n_products]; all by default. Every
            product with a vector gets neighbours all the same.
        asked: products that get neighbours, bool [n_products]; all by default.
        exact_up_to: candidates beyond which an index is searched, if ``usearch`` is installed.
        progress: told the products done.
    """
    n = len(product_vectors)
    length = np.linalg.norm(product_vectors, axis=1, keepdims=True)
    unit = np.divide(product_vectors, length, out=np.zeros_like(product_vectors), where=length > 0)
    known = length.ravel() > 0
    among = np.flatnonzero(known if candidates is None else known & candidates)
    rows, scores = np.full((n, m), -1, np.int32), np.zeros((n, m), np.float32)
    wanted = np.flatnonzero(known if asked is None else known & asked)
    nearest = search_of(unit, among, m, exact_up_to=exact_up_to)
    for start in range(0, len(wanted), BLOCK):
        block = wanted[start : start + BLOCK]
        place, best = nearest(block)
        found = place >= 0
        rows[block] = np.where(found, among[np.maximum(place, 0)], -1) if len(among) else -1
        scores[block] = np.where(found, best, 0)
        progress("similar products", start + len(block), len(wanted))
    return Neighbours(rows, scores)


def bought_together(graph: InteractionGraph, m: int, *, progress: Progress = silent) -> Neighbours:
    """Nearest products by cosine over the orders that hold them.

    For shops without vectors. Lines of unknown order count as one order a user.

    Args:
        graph: events; only purchases count.
        m: neighbours of each.
        progress: told the products done.
    """
    near = cosine_neighbours(_orders_by_products(graph.purchases()), m, progress=progress)
    rows = np.full((near.shape[0], m), -1, np.int32)
    scores = np.zeros((near.shape[0], m), np.float32)
    for row in np.flatnonzero(np.diff(near.indptr)):
        span = slice(near.indptr[row], near.indptr[row + 1])
        best = np.lexsort((near.indices[span], -near.data[span]))
        rows[row, : len(best)] = near.indices[span][best]
        scores[row, : len(best)] = near.data[span][best]
    return Neighbours(rows, scores)


def _orders_by_products(bought: InteractionGraph) -> FloatMatrix:
    """Which order holds which product: 1 for each pair, CSR float32 [n_orders, n_products]."""
    unknown = -1 - bought.user_rows.astype(np.int64)
    key = np.where(bought.orders >= 0, bought.orders.astype(np.int64), unknown)
    order_ids, order = np.unique(key, return_inverse=True)
    ones = np.ones(len(bought), np.float32)
    shape = (len(order_ids), bought.shape[1])
    matrix = sparse.coo_array((ones, (order, bought.product_rows)), shape=shape).tocsr()
    matrix.data = np.ones_like(matrix.data)
    return matrix
