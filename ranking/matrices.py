"""Small helpers on sparse matrices: what scorers share to prune, slice and save them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import FloatMatrix, InteractionGraph
from ranking.scorer import Arrays, Scores

__all__ = [
    "bought_pairs",
    "dense_rows",
    "largest_per_row",
    "pack",
    "profile_row",
    "sparse_rows",
    "unpack",
]


def bought_pairs(graph: InteractionGraph) -> FloatMatrix:
    """Who ever bought what: 1 for each pair, CSR float32 [n_users, n_products]."""
    pairs = graph.purchases().matrix()
    pairs.data = np.ones_like(pairs.data)
    return pairs


def dense_rows(matrix: FloatMatrix, rows: npt.NDArray[np.int64]) -> Scores:
    """The rows asked for as a dense array, float32 [len(rows), n_columns]; row -1 is all zero."""
    out = np.zeros((len(rows), matrix.shape[1]), np.float32)
    for i, row in enumerate(rows):
        if row >= 0:
            span = slice(matrix.indptr[row], matrix.indptr[row + 1])
            out[i, matrix.indices[span]] = matrix.data[span]
    return out


def sparse_rows(matrix: FloatMatrix, rows: npt.NDArray[np.int64]) -> FloatMatrix:
    """The rows asked for, CSR [len(rows), n_columns]; row -1 is empty."""
    lengths = np.where(rows >= 0, np.diff(matrix.indptr)[rows], 0)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    starts = np.where(rows >= 0, matrix.indptr[rows], 0)
    place = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
    parts = (matrix.data[place], matrix.indices[place], indptr)
    return sparse.csr_array(parts, shape=(len(rows), matrix.shape[1]))


def profile_row(
    product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None, n_products: int
) -> FloatMatrix:
    """A basket or session as one row, CSR [1, n_products]; weights of repeated products add up."""
    data = np.ones(len(product_rows), np.float32) if weights is None else weights
    place = (np.zeros(len(product_rows), np.int64), product_rows)
    coo = sparse.coo_array((data.astype(np.float32), place), shape=(1, n_products))
    return coo.tocsr()


def largest_per_row(matrix: FloatMatrix, n: int) -> FloatMatrix:
    """Keep in each row the ``n`` entries of largest magnitude; ties go to the lower column."""
    matrix.sort_indices()
    keep = np.ones(matrix.nnz, np.bool_)
    size = np.abs(matrix.data)
    for row in np.flatnonzero(np.diff(matrix.indptr) > n):
        start, end = matrix.indptr[row], matrix.indptr[row + 1]
        keep[start:end] = _largest(size[start:end], n)
    kept = np.concatenate([[0], np.cumsum(keep)])
    parts = (matrix.data[keep], matrix.indices[keep], kept[matrix.indptr])
    return sparse.csr_array(parts, shape=matrix.shape)


def _largest(size: npt.NDArray[np.float32], n: int) -> npt.NDArray[np.bool_]:
    """Mask of the ``n`` largest, the earlier of equals first, bool [len(size)]."""
    bar = np.partition(size, len(size) - n)[len(size) - n]
    mask = np.asarray(size > bar)
    ties = np.flatnonzero(size == bar)
    mask[ties[: n - int(mask.sum())]] = True
    return mask


def pack(prefix: str, matrix: FloatMatrix) -> dict[str, npt.NDArray[np.generic]]:
    """A CSR matrix as four arrays whose names start with ``prefix``."""
    return {
        f"{prefix}_data": matrix.data,
        f"{prefix}_indices": matrix.indices.astype(np.int32, copy=False),
        f"{prefix}_indptr": matrix.indptr.astype(np.int64, copy=False),
        f"{prefix}_shape": np.array(matrix.shape, np.int64),
    }


def unpack(prefix: str, arrays: Arrays) -> FloatMatrix:
    """The CSR matrix that ``pack`` made arrays of; nothing is copied where they are mapped."""
    data, indices, starts = (arrays[f"{prefix}_{part}"] for part in ("data", "indices", "indptr"))
    if len(indices) <= np.iinfo(np.int32).max:
        # Of two widths scipy takes the larger for both, and would copy all indices to widen them.
        starts = starts.astype(np.int32, copy=False)
    rows, columns = (int(n) for n in arrays[f"{prefix}_shape"])
    return sparse.csr_array((data, indices, starts), shape=(rows, columns), copy=False)
