"""ItemKNN: products are alike when the same customers buy them.

Cosine with a shrinkage term, as in Deshpande and Karypis, "Item-based top-N recommendation
algorithms" (TOIS 2004), and Bell and Koren's shrinkage; only the nearest neighbours are kept.
Costs one sparse product of the user-product matrix with itself, taken in blocks.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import FloatMatrix, InteractionGraph
from loaders.progress import Progress, silent
from ranking.matrices import (
    bought_pairs,
    largest_per_row,
    pack,
    sparse_rows,
    unpack,
)
from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["ItemKNN", "cosine_neighbours", "fit_itemknn"]

BLOCK = 1024
WORKERS = min(4, os.cpu_count() or 1)
"""Blocks at work at once."""


@dataclass(frozen=True)
class ItemKNN:
    """A user's score for a product is the sum of similarities from what they bought to it.

    Attributes:
        name: what it is called.
        profiles: how much each user has of each product, CSR float32 [n_users, n_products].
        weights: from each product held to each product scored, CSR float32
            [n_products, n_products].
    """

    name: str
    profiles: FloatMatrix
    weights: FloatMatrix
    parts: Sequence[SavedScorer] = ()

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Scores, float32 [len(user_rows), n_products]."""
        return (sparse_rows(self.profiles, user_rows) @ self.weights).toarray()

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """Scores of a basket or session, float32 [n_products]."""
        # By hand, as scipy takes several times as long to multiply so little.
        matrix = self.weights
        amounts = np.ones(len(product_rows), np.float32) if weights is None else weights
        spans = [slice(matrix.indptr[row], matrix.indptr[row + 1]) for row in product_rows]
        if not spans:
            return np.zeros(matrix.shape[1], np.float32)
        columns = np.concatenate([matrix.indices[span] for span in spans])
        data = np.concatenate(
            [matrix.data[span] * amount for span, amount in zip(spans, amounts, strict=True)]
        )
        summed = np.bincount(columns, weights=data, minlength=matrix.shape[1])
        return np.asarray(summed, np.float32)

    def arrays(self) -> Arrays:
        """Both matrices in parts."""
        return {**pack("profiles", self.profiles), **pack("weights", self.weights)}

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> ItemKNN:
        """Made of both matrices' parts."""
        return cls(name, unpack("profiles", arrays), unpack("weights", arrays))


def fit_itemknn(
    graph: InteractionGraph,
    *,
    neighbours: int = 100,
    shrink: float = 5.0,
    progress: Progress = silent,
) -> ItemKNN:
    """Fit ItemKNN on who ever bought what.

    Args:
        graph: events; only purchases count.
        neighbours: for each product scored, the number of most similar products that count.
        shrink: added to the cosine's denominator, in buyers.
        progress: told the products done.
    """
    profiles = bought_pairs(graph)
    near = cosine_neighbours(profiles, neighbours, shrink=shrink, progress=progress)
    return ItemKNN("ItemKNN", profiles, near.T.tocsr())


def cosine_neighbours(
    incidence: FloatMatrix, n: int, *, shrink: float = 0.0, progress: Progress = silent
) -> FloatMatrix:
    """For each column its ``n`` most similar other columns, CSR float32 [n_columns, n_columns].

    The similarity of columns a and b is ``a·b / (|a||b| + shrink)``; row i of the answer holds
    the neighbours of column i.

    Args:
        incidence: CSR float32 [n_rows, n_columns], non-negative.
        n: neighbours kept.
        shrink: tempers columns with few entries.
        progress: told the columns done.
    """
    columns = incidence.shape[1]
    by_column = incidence.T.tocsr()
    norms = np.sqrt(by_column.power(2).sum(axis=1)).astype(np.float32)

    def block(start: int) -> FloatMatrix:
        """Neighbours of ``BLOCK`` columns; scipy lets other threads work meanwhile."""
        common = by_column[start : start + BLOCK] @ incidence
        return largest_per_row(_cosine(common, start, norms, shrink), n)

    starts, found = range(0, columns, BLOCK), []
    with ThreadPoolExecutor(WORKERS) as pool:
        for start, near in zip(starts, pool.map(block, starts), strict=True):
            found.append(near)
            progress("neighbours", min(start + BLOCK, columns), columns)
    return sparse.vstack(found, format="csr")


def _cosine(
    common: FloatMatrix, start: int, norms: npt.NDArray[np.float32], shrink: float
) -> FloatMatrix:
    """Inner products of columns ``start`` .. with all, made cosines, without the diagonal."""
    row, column = np.repeat(np.arange(common.shape[0]), np.diff(common.indptr)), common.indices
    common.data /= norms[row + start] * norms[column] + np.float32(shrink)
    common.data[row + start == column] = 0
    common.eliminate_zeros()
    return common
