"""EASE: item-item weights in closed form.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019, arXiv 1905.03375): with
G = X'X + l2 I and P = G^-1, the weight from i to j is -P_ij / P_jj and 0 on the diagonal.

The inverse takes memory of n² and time of n³, so it is limited to the ``products`` most bought;
others score 0. The weights stay dense: keeping even the 1,000 largest of 8,000 into each product
lowers NDCG@20 on Complete Journey (November 2017, all) from .2055 to .1991. They are kept as
int16 with a scale for each product instead, 128 MB at 8,000, which changes no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.interactions import FloatMatrix, InteractionGraph
from loaders.errors import ConfigError
from ranking.matrices import bought_pairs, pack, unpack
from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["Ease", "fit_ease"]

BLOCK = 1000
CHUNK = 16
STEPS = np.float32(32_767)


@dataclass(frozen=True)
class Ease:
    """A user's score for a product is the sum of weights from what they bought to it.

    Attributes:
        name: what it is called.
        profiles: who bought which of the chosen products, CSR float32 [n_users, n_chosen].
        chosen: product rows that have weights, int64 [n_chosen], ascending.
        weights: int16 [n_chosen, n_chosen], from the product held (row) to the one scored.
        scale: float32 [n_chosen]; a weight is its integer times the scale of its column.
        n_products: int64 [1], size of the catalogue.
    """

    name: str
    profiles: FloatMatrix
    chosen: npt.NDArray[np.int64]
    weights: npt.NDArray[np.int16]
    scale: Scores
    n_products: npt.NDArray[np.int64]
    parts: Sequence[SavedScorer] = ()

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Scores, float32 [len(user_rows), n_products]; 0 for products that are not chosen."""
        out = np.zeros((len(user_rows), int(self.n_products[0])), np.float32)
        for i, row in enumerate(user_rows):
            if row >= 0:
                place = slice(self.profiles.indptr[row], self.profiles.indptr[row + 1])
                out[i, self.chosen] = self._sum(
                    self.profiles.indices[place], self.profiles.data[place]
                )
        return out

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """Scores of a basket or session, float32 [n_products]."""
        amounts = np.ones(len(product_rows), np.float32) if weights is None else weights
        place = np.searchsorted(self.chosen, product_rows)
        known = np.isin(product_rows, self.chosen)
        out = np.zeros(int(self.n_products[0]), np.float32)
        out[self.chosen] = self._sum(place[known], amounts[known])
        return out

    def _sum(self, held: npt.NDArray[np.integer], amounts: Scores) -> Scores:
        """Weighted sum of the weights of ``held`` places, float32 [n_chosen]."""
        total = np.zeros(len(self.chosen), np.float32)
        for start in range(0, len(held), CHUNK):
            part = slice(start, start + CHUNK)
            # einsum and not a product: BLAS would wake its threads for a millisecond's work.
            total += np.einsum(
                "i,ij->j", amounts[part], self.weights[held[part]].astype(np.float32)
            )
        return total * self.scale

    def arrays(self) -> Arrays:
        """Profiles in parts, and the rest as it is."""
        return {
            **pack("profiles", self.profiles),
            "chosen": self.chosen,
            "weights": self.weights,
            "scale": self.scale,
            "n_products": self.n_products,
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Ease:
        """Made of what ``arrays`` gave."""
        return cls(
            name,
            unpack("profiles", arrays),
            arrays["chosen"],
            arrays["weights"],
            arrays["scale"],
            arrays["n_products"],
        )


def fit_ease(graph: InteractionGraph, *, products: int = 8000, l2: float = 1000.0) -> Ease:
    """Fit EASE on who ever bought what.

    Args:
        graph: events; only purchases count.
        products: weights are learned among this many products with most buyers.
        l2: ridge penalty, in buyers.

    Raises:
        ConfigError: ``l2`` is too small for the matrix to be inverted in float32.
    """
    pairs = bought_pairs(graph)
    buyers = np.bincount(pairs.indices, minlength=pairs.shape[1])
    bought = min(products, int(np.count_nonzero(buyers)))
    chosen = np.sort(np.argsort(-buyers, kind="stable")[:bought]).astype(np.int64)
    profiles = pairs[:, chosen].tocsr()
    weights, scale = _weights(_inverse(_gram(profiles, l2)))
    return Ease("EASE", profiles, chosen, weights, scale, np.array([pairs.shape[1]]))


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
    from scipy.linalg import lapack  # takes a server 7 MB and is of builds alone

    if not len(gram):
        return gram
    factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1, clean=0)
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ConfigError("EASE's matrix cannot be inverted; set a larger ease_l2")
    return np.asarray(inverse, np.float32)


def _weights(inverse: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int16], Scores]:
    """Weights as int16 [n, n], and the scale float32 [n] of each column."""
    n = len(inverse)
    diagonal = np.diag(inverse).copy()
    weights, scale = np.zeros((n, n), np.int16), np.zeros(n, np.float32)
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        block = _columns(inverse, start, end) / -diagonal[start:end]
        block[np.arange(start, end), np.arange(end - start)] = 0
        scale[start:end] = np.abs(block).max(axis=0) / STEPS
        unit = np.where(scale[start:end] > 0, scale[start:end], np.float32(1))
        weights[:, start:end] = np.rint(block / unit)
    return weights, scale


def _columns(lower: npt.NDArray[np.float32], start: int, end: int) -> npt.NDArray[np.float32]:
    """Columns of the symmetric matrix of which ``lower`` holds the lower triangle."""
    block = np.array(lower[:, start:end])
    block[:start] = lower[start:end, :start].T
    corner = np.tril(lower[start:end, start:end])
    block[start:end] = corner + np.tril(corner, -1).T
    return block
