"""Customers whom the graph cannot place: by centre, by those most like them, or not at all."""

from __future__ import annotations

import numpy as np
import polars as pl

from segments.assign import by_attributes, by_vectors


def test_the_nearest_centre_takes_a_user() -> None:
    vectors = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [0.2, 2]], np.float32)
    member = np.array([0, 0, 1, 1, -1], np.int32)
    strength = by_vectors(vectors, member, member < 0)
    assert member.tolist() == [0, 0, 1, 1, 1]
    assert strength[:4].tolist() == [0, 0, 0, 0]
    assert 0.99 < strength[4] <= 1


def _users(town: list[str | None], age: list[float | None]) -> pl.DataFrame:
    ids = [str(i) for i in range(len(town))]
    return pl.DataFrame({"user_id": ids, "anonymous": False, "town": town, "age": age})


def test_complete_attributes_place_by_those_most_alike() -> None:
    users = _users(["a"] * 30 + ["b"] * 30 + ["a", "b"], [20.0, 30.0] * 31)
    member = np.array([0] * 30 + [1] * 30 + [-1, -1], np.int32)
    strength = by_attributes(users, member, member < 0, "most_frequent")
    assert member[-2:].tolist() == [0, 1]
    assert (strength[-2:] > 0.5).all()
    assert not strength[:-2].any()


def test_gaps_are_filled_but_nobody_is_made_up() -> None:
    users = _users(
        ["a"] * 30 + ["b"] * 30 + ["b", None, None], [*[20.0, 30.0] * 30, None, None, 30]
    )
    member = np.array([0] * 30 + [1] * 30 + [-1, -1, -1], np.int32)
    for method in ("median", "most_frequent", "knn"):
        again = member.copy()
        strength = by_attributes(users, again, again < 0, method)  # type: ignore[arg-type]
        assert again[60] == 1
        assert again[61] == -1
        assert strength[61] == 0
        assert again[62] >= 0


def test_without_attributes_or_members_nobody_is_placed() -> None:
    bare = pl.DataFrame({"user_id": ["a", "b"], "anonymous": [False, False]})
    member = np.array([0, -1], np.int32)
    assert by_attributes(bare, member, member < 0, "median").tolist() == [0, 0]
    nobody = np.array([-1, -1, -1], np.int32)
    users = _users(["a", "b", "a"], [1.0, 2.0, 3.0])
    assert by_attributes(users, nobody, nobody < 0, "median").tolist() == [0, 0, 0]
    assert by_vectors(np.eye(3, dtype=np.float32), nobody, nobody < 0).tolist() == [0, 0, 0]
    assert nobody.tolist() == [-1, -1, -1]
