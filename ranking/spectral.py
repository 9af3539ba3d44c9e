"""Spectral filters of the user-product graph: training-free, minutes on a CPU.

With R the user-product matrix and D its degrees, ``P = D_u^-1/2 R D_i^-1/2`` has singular values
from 0 to 1; those near 1 are the slow variations of the graph, what many customers share. A
filter keeps them and dampens the rest: a user's products, as a signal over all products, are
multiplied by a polynomial of ``P'P``, and an ideal low-pass over the largest singular vectors is
added. One class covers two published filters:

- GF-CF: Shen et al., "How Powerful is Graph Convolution for Recommendation?" (CIKM 2021, arXiv
  2108.07567): the polynomial is ``P'P`` itself.
- Chebyshev: Kim et al., "Graph Spectral Filtering with Chebyshev Interpolation for
  Recommendation" (SIGIR 2025, arXiv 2505.00552): a plateau that falls from 1 to 0, by Chebyshev
  interpolation, between powers of the degrees.

A score costs ``2 * order`` sparse products with P and two with the vectors; nothing of the size
products by products is ever made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.interactions import FloatMatrix, InteractionGraph
from ranking.matrices import pack, profile_row, sparse_rows, unpack
from ranking.order import lines_of
from ranking.scorer import Arrays, SavedScorer, Scores
from ranking.svd import right_singular_vectors

__all__ = ["Spectral", "fit_chebyshev", "fit_gfcf", "plateau"]

BLOCK = 64
"""Users filtered at once: their signals and what they become must stay in the cache."""


@dataclass(frozen=True)
class Spectral:
    """A filter, and the signals of the shop's customers.

    Attributes:
        name: what it is called.
        profiles: how much each user's product counts, CSR float32 [n_users, n_known].
        pairs: P, CSR float32 [n_users, n_known].
        coefficients: of the Chebyshev polynomials of ``I - 2 P'P``, float32 [order + 1].
        vectors: float32 [n_known, n_vectors], orthonormal columns.
        weight: of the ideal low-pass, float32 [1].
        scales: what signals are divided by and results multiplied with, float32 [2, n_known]:
            for the polynomial, and for the ideal low-pass.
        known: rows of the products that were ever bought, int64 [n_known], ascending.
        n_products: int64 [1], size of the catalogue.
    """

    name: str
    profiles: FloatMatrix
    pairs: FloatMatrix
    coefficients: Scores
    vectors: Scores
    weight: Scores
    scales: Scores
    known: npt.NDArray[np.int64]
    n_products: npt.NDArray[np.int64]
    parts: Sequence[SavedScorer] = ()

    @cached_property
    def _transposed(self) -> FloatMatrix:
        return self.pairs.T.tocsr()

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Filtered signals, float32 [len(user_rows), n_products]."""
        return self._filtered(sparse_rows(self.profiles, user_rows))

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """The basket or session as a signal, filtered, float32 [n_products]."""
        amounts = np.ones(len(product_rows), np.float32) if weights is None else weights
        place = np.searchsorted(self.known, product_rows)
        held = np.isin(product_rows, self.known)
        return self._filtered(profile_row(place[held], amounts[held], len(self.known))).ravel()

    def _filtered(self, signals: FloatMatrix) -> Scores:
        """Polynomial and low-pass of ``signals`` CSR [n, n_known], float32 [n, n_products]."""
        by_polynomial, by_vectors = (signals.multiply(1 / row).tocsr() for row in self.scales)
        out = np.zeros((signals.shape[0], int(self.n_products[0])), np.float32)
        for start in range(0, signals.shape[0], BLOCK):
            rows = slice(start, start + BLOCK)
            columns = np.ascontiguousarray(by_polynomial[rows].toarray().T)
            found = self._polynomial(columns).T * self.scales[0]
            if self.weight[0] and self.vectors.shape[1]:
                coordinates = (by_vectors[rows] @ self.vectors) * self.weight
                found += (coordinates @ self.vectors.T) * self.scales[1]
            out[rows, self.known] = found
        return out

    def _polynomial(self, signal: Scores) -> Scores:
        """The sum of Chebyshev polynomials, by their recurrence; float32 [n_products, n]."""
        before, here = signal, self._laplacian(signal)
        total: Scores = self.coefficients[0] * before + self.coefficients[1] * here
        for coefficient in self.coefficients[2:]:
            before, here = here, 2 * self._laplacian(here) - before
            total += coefficient * here
        return total

    def _laplacian(self, signal: Scores) -> Scores:
        """``I - 2 P'P`` applied: eigenvalues from -1, what many share, to 1."""
        return np.asarray(signal - 2 * (self._transposed @ (self.pairs @ signal)), np.float32)

    def arrays(self) -> Arrays:
        """Both matrices in parts, and the rest as it is."""
        return {
            **pack("profiles", self.profiles),
            **pack("pairs", self.pairs),
            **{name: getattr(self, name) for name in PLAIN},
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Spectral:
        """Made of what ``arrays`` gave."""
        coefficients, vectors, weight, scales, known, n_products = (arrays[n] for n in PLAIN)
        matrices = unpack("profiles", arrays), unpack("pairs", arrays)
        return cls(name, *matrices, coefficients, vectors, weight, scales, known, n_products)


PLAIN: Final = ("coefficients", "vectors", "weight", "scales", "known", "n_products")


def fit_gfcf(
    graph: InteractionGraph, *, vectors: int = 256, weight: float = 0.3, seed: int = 0
) -> Spectral:
    """Fit GF-CF.

    Args:
        graph: events; only purchases count, each pair once.
        vectors: singular vectors that the ideal low-pass keeps.
        weight: of the ideal low-pass beside the linear filter.
        seed: of the singular vectors' start.
    """
    profiles = lines_of(graph).matrix()
    linear = np.array([0.5, -0.5], np.float32)
    return _fit("GF-CF", profiles, profiles, linear, (0.0, 0.5), vectors, weight, seed)


def fit_chebyshev(
    graph: InteractionGraph,
    *,
    order: int = 4,
    flatness: float = 1.5,
    vectors: int = 512,
    weight: float = 0.2,
    power: float = 0.4,
    reach: float = math.inf,
    floor: float = 0.0,
    seed: int = 0,
) -> Spectral:
    """Fit the Chebyshev filter.

    Args:
        graph: events; only purchases count, each pair once.
        order: of the polynomial, at least 1; each costs two sparse products a score.
        flatness: of the plateau, see ``plateau``.
        vectors: singular vectors that the ideal low-pass keeps.
        weight: of the ideal low-pass beside the polynomial.
        power: signals are divided by buyers to this power, results multiplied with it.
        reach: later products that halve a product's weight in the signal, see ``Lines.recent``.
        floor: what the oldest still count.
        seed: of the singular vectors' start.
    """
    lines = lines_of(graph)
    coefficients = plateau(order, flatness)
    profiles = lines.recent(reach, floor)
    powers = (power, power)
    return _fit("Chebyshev", profiles, lines.matrix(), coefficients, powers, vectors, weight, seed)


def plateau(order: int, flatness: float) -> Scores:
    """Coefficients of the polynomial that falls from 1 at -1 through 1/2 at 0 to 0 at 1.

    Between, ``1/2 - sign(x) |x|**flatness / 2``, interpolated at the Chebyshev nodes.

    Returns:
        float32 [order + 1].
    """
    n = order + 1
    angle = np.pi * (np.arange(n) + 0.5) / n
    x = np.cos(angle)
    response = 0.5 - np.sign(x) * np.abs(x) ** flatness / 2
    coefficients = 2 / n * np.cos(np.arange(n)[:, None] * angle) @ response
    coefficients[0] /= 2
    return np.asarray(coefficients, np.float32)


def _fit(
    name: str,
    profiles: FloatMatrix,
    pairs: FloatMatrix,
    coefficients: Scores,
    powers: tuple[float, float],
    vectors: int,
    weight: float,
    seed: int,
) -> Spectral:
    buyers = np.bincount(pairs.indices, minlength=pairs.shape[1]).astype(np.float32)
    known = np.flatnonzero(buyers).astype(np.int64)
    bought = np.diff(pairs.indptr).astype(np.float32)
    root = np.sqrt(np.repeat(bought, np.diff(pairs.indptr)) * buyers[pairs.indices])
    even = pairs.copy()
    even.data = (pairs.data / root).astype(np.float32)
    even = even[:, known].tocsr()
    return Spectral(
        name,
        profiles[:, known].tocsr(),
        even,
        coefficients,
        right_singular_vectors(even, vectors, seed=seed)[1],
        np.array([weight], np.float32),
        np.stack([buyers[known] ** np.float32(power) for power in powers]),
        known,
        np.array([pairs.shape[1]]),
    )
