"""Nearest vectors by the index against exact search, and what happens without it."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt
import pytest

from ranking import nearby
from ranking.nearby import search_of
from ranking.similar import similar_products


@pytest.fixture(scope="module")
def vectors() -> npt.NDArray[np.float32]:
    """Two thousand vectors in clusters of twenty, of length 1."""
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((100, 16), np.float32)
    made = np.repeat(centres, 20, axis=0) + 0.4 * rng.standard_normal((2000, 16), np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def test_the_index_finds_nearly_all_and_scores_them_exactly(
    vectors: npt.NDArray[np.float32],
) -> None:
    pytest.importorskip("usearch", reason="pip install usearch")
    exact = similar_products(vectors, 10)
    index = similar_products(vectors, 10, exact_up_to=100)
    shared = [len(np.intersect1d(a, b)) for a, b in zip(exact.rows, index.rows, strict=True)]
    assert np.mean(shared) > 9.8
    cosines = np.einsum("ijk,ik->ij", vectors[index.rows], vectors)
    np.testing.assert_allclose(index.scores, cosines, atol=1e-6)
    assert (np.diff(index.scores, axis=1) <= 0).all()
    assert (index.rows != np.arange(2000)[:, None]).all()
    again = similar_products(vectors, 10, exact_up_to=100)
    np.testing.assert_array_equal(again.rows, index.rows)


def test_the_index_holds_candidates_only_and_runs_short_like_exact_search(
    vectors: npt.NDArray[np.float32],
) -> None:
    pytest.importorskip("usearch", reason="pip install usearch")
    among, rows = np.array([3, 5, 8, 900]), np.array([5, 7])
    exact, index = (search_of(vectors, among, 5, exact_up_to=n) for n in (10, 0))
    for left, right in zip(exact(rows), index(rows), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)
    assert (index(rows)[0] >= 0).sum(axis=1).tolist() == [3, 4]


def test_without_the_library_search_is_exact_and_says_so(
    vectors: npt.NDArray[np.float32],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(nearby, "find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING, "coterie.ranking"):
        found = similar_products(vectors[:200], 5, exact_up_to=100)
    assert "200 candidates" in caplog.text and "pip install usearch" in caplog.text
    np.testing.assert_array_equal(found.rows, similar_products(vectors[:200], 5).rows)
