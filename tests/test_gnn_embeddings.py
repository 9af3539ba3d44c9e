from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gnn.embeddings import Embeddings
from graph.ids import IdMap
from loaders.errors import DataError


def small() -> Embeddings:
    return Embeddings(
        np.array([[1, 0], [0, 2]], np.float32),
        np.array([[1, 1], [2, 0], [0, 0]], np.float32),
        np.array([0, 0.5, 3], np.float32),
    )


def test_scores_are_products_plus_bias() -> None:
    scores = small().scores(np.array([1, 0]))
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, [[2, 0.5, 3], [1, 2.5, 3]])


def test_folded_vectors_give_the_same_scores() -> None:
    users, products = small().folded()
    assert users.shape == (2, 3) and products.shape == (3, 3)
    np.testing.assert_array_equal(users @ products.T, small().scores(np.array([0, 1])))


def test_save_and_load_are_identical(tmp_path: Path) -> None:
    small().save(tmp_path / "vectors")
    for mmap in (None, "r"):
        loaded = Embeddings.load(tmp_path / "vectors", mmap=mmap)  # type: ignore[arg-type]
        np.testing.assert_array_equal(loaded.user_vectors, small().user_vectors)
        np.testing.assert_array_equal(loaded.product_vectors, small().product_vectors)
        np.testing.assert_array_equal(loaded.product_bias, small().product_bias)
    assert isinstance(Embeddings.load(tmp_path / "vectors", mmap="r").user_vectors, np.memmap)
    assert sorted(p.name for p in (tmp_path / "vectors").iterdir()) == [
        "product_bias.npy",
        "product_vectors.npy",
        "user_vectors.npy",
    ]


@pytest.mark.parametrize("content", [None, b"", b"not an array"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    small().save(tmp_path)
    path = tmp_path / "product_vectors.npy"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=r"product_vectors\.npy.*train again"):
        Embeddings.load(tmp_path)


def test_shapes_must_fit() -> None:
    with pytest.raises(DataError, match=r"\(2, 3\), \(4, 2\) and \(4,\)"):
        Embeddings(
            np.zeros((2, 3), np.float32), np.zeros((4, 2), np.float32), np.zeros(4, np.float32)
        )


def test_moved_vectors_follow_their_ids() -> None:
    users = IdMap.of(["ann", "bob"]), IdMap.of(["bob", "cleo", "ann"])
    products = IdMap.of(["p", "q", "r"]), IdMap.of(["r", "q"])
    moved = small().moved(users, products)
    np.testing.assert_array_equal(moved.user_vectors, [[0, 2], [0, 0], [1, 0]])
    np.testing.assert_array_equal(moved.product_vectors, [[0, 0], [2, 0]])
    np.testing.assert_array_equal(moved.product_bias, [3, 0.5])


def test_moving_by_a_map_that_does_not_fit_is_refused() -> None:
    users, products = IdMap.of(["ann"]), IdMap.of(["p", "q", "r"])
    with pytest.raises(DataError, match="2 users and 3 products"):
        small().moved((users, users), (products, products))
