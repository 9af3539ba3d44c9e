from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loaders.synthetic import Planted
from ranking.similar import Neighbours, bought_together, similar_products
from tests.graphs import graph_of, graph_of_shop

VECTORS = np.array([[2, 0], [1, 1], [0, 3], [0, 0], [5, 0.1]], np.float32)


def test_neighbours_are_by_cosine_and_not_by_length() -> None:
    near = similar_products(VECTORS, 2)
    assert near.rows.tolist() == [[4, 1], [4, 0], [1, 4], [-1, -1], [0, 1]]
    assert near.scores[1, 1] == pytest.approx(np.sqrt(0.5))
    assert near.scores[3].tolist() == [0, 0]


def test_only_candidates_are_neighbours_but_all_have_some() -> None:
    near = similar_products(VECTORS, 2, candidates=np.array([True, False, True, True, False]))
    assert near.rows.tolist() == [[2, -1], [0, 2], [0, -1], [-1, -1], [0, 2]]


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    whole = similar_products(vectors, 5)
    monkeypatch.setattr("ranking.similar.BLOCK", 8)
    np.testing.assert_array_equal(similar_products(vectors, 5).rows, whole.rows)
    exact = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = exact @ exact.T
    np.fill_diagonal(cosines, -np.inf)
    np.testing.assert_array_equal(whole.rows, np.argsort(-cosines, axis=1)[:, :5])


def test_no_candidates_no_neighbours() -> None:
    assert (similar_products(VECTORS, 2, candidates=np.zeros(5, np.bool_)).rows == -1).all()


def test_bought_together_is_cosine_over_orders() -> None:
    # Orders: {0, 1}, {0, 1}, {1, 2}; user 1's lines of unknown order are one more: {0, 2}.
    lines = [(0, 0, 0.0, 0), (0, 1, 0.0, 0), (0, 0, 1.0, 1), (0, 1, 1.0, 1)]
    lines += [(0, 1, 2.0, 2), (0, 2, 2.0, 2), (1, 0, 3.0, -1), (1, 2, 4.0, -1)]
    near = bought_together(graph_of(lines, 2, 4), 2)
    assert near.rows.tolist() == [[1, 2], [0, 2], [0, 1], [-1, -1]]
    assert near.scores[0, 0] == pytest.approx(2 / 3)
    assert near.scores[2, 1] == pytest.approx(1 / np.sqrt(6))


def test_planted_pairs_are_found_together(planted: Planted) -> None:
    graph = graph_of_shop(planted)
    near = bought_together(graph, 1)
    for first, second in planted.pairs:
        row = graph.products.row(second)
        assert near.rows[row, 0] == graph.products.row(first)


def test_neighbours_survive_saving(tmp_path: Path) -> None:
    near = similar_products(VECTORS, 2)
    near.save(tmp_path / "n")
    np.testing.assert_array_equal(Neighbours.load(tmp_path / "n").rows, near.rows)
