"""Filters and singular vectors against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from graph.interactions import FloatMatrix, InteractionGraph
from loaders.synthetic import Planted
from ranking.matrices import bought_pairs
from ranking.spectral import fit_chebyshev, fit_gfcf, plateau
from ranking.svd import right_singular_vectors
from tests.graphs import graph_of_shop


@pytest.fixture(scope="module")
def graph(planted: Planted) -> InteractionGraph:
    return graph_of_shop(planted)


@pytest.fixture(scope="module")
def even(graph: InteractionGraph) -> np.ndarray:
    """R, and P = R over the roots of both degrees, dense float64."""
    pairs = bought_pairs(graph).toarray().astype(float)
    return pairs / np.sqrt(pairs.sum(1, keepdims=True) * pairs.sum(0))


def test_gfcf_is_its_formula(graph: InteractionGraph, even: np.ndarray) -> None:
    pairs = bought_pairs(graph).toarray().astype(float)
    low = np.linalg.svd(even)[2][:6].T
    root = np.sqrt(pairs.sum(0))
    expected = pairs @ even.T @ even + 0.3 * (pairs / root) @ low @ low.T * root
    users = np.arange(20)
    scores = fit_gfcf(graph, vectors=6, weight=0.3).score(users)
    np.testing.assert_allclose(scores, expected[:20], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("order", [1, 4, 7])
def test_chebyshev_filters_each_eigenvalue(
    graph: InteractionGraph, even: np.ndarray, order: int
) -> None:
    eigenvalues, basis = np.linalg.eigh(even.T @ even)
    response = np.polynomial.chebyshev.chebval(1 - 2 * eigenvalues, plateau(order, 1.5))
    pairs = bought_pairs(graph).toarray().astype(float)
    scale = pairs.sum(0) ** 0.4
    expected = (pairs / scale) @ (basis * response) @ basis.T * scale
    scores = fit_chebyshev(graph, order=order, vectors=4, weight=0).score(np.arange(20))
    np.testing.assert_allclose(scores, expected[:20], rtol=1e-3, atol=1e-4)


def test_the_plateau_falls_from_one_through_a_half_to_zero() -> None:
    x = np.array([-1, -0.5, 0, 0.5, 1])
    wanted = [1, 0.5 + 0.5**2.5, 0.5, 0.5 - 0.5**2.5, 0]
    response = np.polynomial.chebyshev.chebval(x, plateau(40, 1.5))
    np.testing.assert_allclose(response, wanted, atol=0.002)


def test_a_flatness_of_one_is_a_straight_line_at_any_order() -> None:
    np.testing.assert_allclose(plateau(5, 1.0), [0.5, -0.5, 0, 0, 0, 0], atol=1e-6)


def test_recent_products_lead_where_asked(graph: InteractionGraph) -> None:
    flat = fit_chebyshev(graph, vectors=4)
    recent = fit_chebyshev(graph, vectors=4, reach=1)
    assert set(flat.profiles.data) == {1.0}
    assert recent.profiles.data.max() == 1.0 and recent.profiles.data.min() < 0.2


def _matrix(seed: int) -> FloatMatrix:
    rng = np.random.default_rng(seed)
    dense = rng.standard_normal((40, 6)) * 3.0 ** -np.arange(6) @ rng.standard_normal((6, 200))
    return sparse.csr_array(dense.astype(np.float32))


def test_singular_vectors_are_those_of_lapack() -> None:
    matrix = _matrix(0)
    values, vectors = right_singular_vectors(matrix, 4)
    _, expected, right = np.linalg.svd(matrix.toarray())
    np.testing.assert_allclose(values, expected[:4], rtol=1e-3)
    np.testing.assert_allclose(np.abs((right[:4] * vectors.T).sum(1)), 1, atol=1e-3)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(4), atol=1e-4)


def test_no_more_vectors_than_the_matrix_has() -> None:
    ones = sparse.csr_array(np.ones((5, 7), np.float32))
    values, vectors = right_singular_vectors(ones, 3)
    np.testing.assert_allclose(values, [np.sqrt(35)], rtol=1e-5)
    np.testing.assert_allclose(np.abs(vectors[:, 0]), 7**-0.5, rtol=1e-4)
