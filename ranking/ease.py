"""EASE: item-item weights in closed form.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019, arXiv 1905.03375): with
G = X'X + l2 I and P = G^-1, the weight from i to j is -P_ij / P_jj and 0 on the diagonal.

The inverse takes memory of n² and time of n³, so it is limited to the ``products`` most bought;
others score 0. At the default 8,000 that is 256 MB and about 10 s on two cores. Afterwards only
the largest weights into each product are kept.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import lapack

from graph.interactions import FloatMatrix, InteractionGraph
from loaders.errors import ConfigError
from ranking.itemitem import ItemItem, profiles_of

__all__ = ["fit_ease"]

BLOCK = 1000


def fit_ease(
    graph: InteractionGraph,
    *,
    products: int = 8000,
    l2: float = 1000.0,
    neighbours: int = 400,
) -> ItemItem:
    """Fit EASE on who ever bought what.

    Args:
        graph: events; only purchases count.
        products: weights are learned among this many products with most buyers.
        l2: ridge penalty, in buyers.
        neighbours: weights into each product that are kept, the largest by magnitude.

    Raises:
        ConfigError: ``l2`` is too small for the matrix to be inverted in float32.
    """
    profiles = profiles_of(graph)
    buyers = np.bincount(profiles.indices, minlength=profiles.shape[1])
    chosen = np.sort(np.argsort(-buyers, kind="stable")[: min(products, np.count_nonzero(buyers))])
    inverse = _inverse(_gram(profiles[:, chosen].tocsr(), l2))
    weights = _weights(inverse, chosen, neighbours, profiles.shape[1])
    return ItemItem("EASE", profiles, weights)


def _gram(x: FloatMatrix, l2: float) -> npt.NDArray[np.float32]:
    """X'X + l2 I, float32 [n, n] in Fortran order, made in blocks of columns."""
    n = x.shape[1]
    gram = np.zeros((n, n), np.float32, order="F")
    transposed = x.T.tocsr()
    for start in range(0, n, BLOCK):
        block = x[:, start : start + BLOCK]
        gram[:, start : start + BLOCK] = (transposed @ block).toarray()
    gram[np.diag_indices(n)] += l2
    return gram


def _inverse(gram: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Inverse by Cholesky, in place; only the lower triangle of the answer is filled."""
    if not len(gram):
        return gram
    factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1, clean=0)
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ConfigError("EASE's matrix cannot be inverted; set a larger ease_l2")
    return np.asarray(inverse, np.float32)


def _weights(
    inverse: npt.NDArray[np.float32],
    chosen: npt.NDArray[np.int64],
    neighbours: int,
    n_products: int,
) -> FloatMatrix:
    """The ``neighbours`` largest weights into each product, CSR [n_products, n_products].

    Row is the product held, column the product scored.
    """
    n = len(inverse)
    keep = min(neighbours, n)
    diagonal = np.diag(inverse).copy()
    nothing = np.zeros(0, np.int64)
    rows, columns, data = [nothing], [nothing], [nothing.astype(np.float32)]
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        block = _columns(inverse, start, end) / -diagonal[start:end]
        block[np.arange(start, end), np.arange(end - start)] = 0
        top = np.argpartition(-np.abs(block), keep - 1, axis=0)[:keep]
        rows.append(top.ravel())
        columns.append(np.tile(np.arange(start, end), keep))
        data.append(np.take_along_axis(block, top, 0).ravel())
    shape = (n_products, n_products)
    place = (chosen[np.concatenate(rows)], chosen[np.concatenate(columns)])
    weights = sparse.coo_array((np.concatenate(data), place), shape=shape).tocsr()
    weights.eliminate_zeros()
    return weights


def _columns(lower: npt.NDArray[np.float32], start: int, end: int) -> npt.NDArray[np.float32]:
    """Columns of the symmetric matrix of which ``lower`` holds the lower triangle."""
    block = np.array(lower[:, start:end])
    block[:start] = lower[start:end, :start].T
    corner = np.tril(lower[start:end, start:end])
    block[start:end] = corner + np.tril(corner, -1).T
    return block
