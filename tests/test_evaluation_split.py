"""Splits worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.split import fixed_split, time_split
from loaders.errors import DataError
from tests.graphs import graph_of

# Cut at day 10, two lines needed: p0 and p1 are eligible; p2 has one line before, p3 none.
BEFORE = [(0, 0, 1.0, 0), (1, 0, 2.0, 1), (1, 1, 2.0, 1), (2, 1, 3.0, 2), (3, 2, 4.0, 3)]
AFTER = [(0, 0, 10.0, 4), (0, 1, 11.0, 5), (0, 1, 30.0, 6), (0, 3, 11.0, 5)]
AFTER += [(1, 1, 12.0, 7), (2, 0, 25.0, 8), (3, 0, 12.0, 9), (4, 0, 12.0, 10)]
GRAPH = graph_of(BEFORE + AFTER, 5, 4)


def test_a_cut_in_time() -> None:
    split = time_split(GRAPH, 10.0, min_lines=2)
    assert split.eligible.tolist() == [True, True, False, False]
    assert len(split.train) == 4
    assert split.train.days.max() < 10
    dense = {mode: matrix.toarray().astype(int) for mode, matrix in split.relevant.items()}
    # u3 had bought only what is not eligible, u4 came after the cut: neither is tested.
    assert dense["all"][:, :2].tolist() == [[1, 1], [0, 1], [1, 0], [0, 0], [0, 0]]
    assert dense["repeat"][:, :2].tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    assert dense["discover"][:, :2].tolist() == [[0, 1], [0, 0], [1, 0], [0, 0], [0, 0]]
    assert not dense["all"][:, 2:].any()
    assert split.users("repeat").tolist() == [0, 1]
    assert split.counts == {
        "train_lines": 4,
        "train_users": 3,
        "test_lines": 5,
        "products": 2,
        "users_all": 3,
        "users_repeat": 2,
        "users_discover": 2,
    }


def test_the_window_ends_the_test() -> None:
    split = time_split(GRAPH, 10.0, window_days=10, min_lines=2)
    assert split.users("all").tolist() == [0, 1]
    assert split.counts["test_lines"] == 3


def test_of_many_some_are_drawn() -> None:
    some = [time_split(GRAPH, 10.0, None, 2, 2, seed) for seed in range(20)]
    drawn = {tuple(split.users("all")) for split in some}
    assert drawn == {(0, 1), (0, 2), (1, 2)}
    whole = time_split(GRAPH, 10.0, min_lines=2)
    for split in some:
        users = split.users("all")
        assert split.counts["users_left_out"] == 1 and split.counts["train_lines"] == 4
        for mode, relevant in split.relevant.items():
            kept = relevant[users].toarray()
            np.testing.assert_array_equal(kept, whole.relevant[mode][users].toarray())
    assert time_split(GRAPH, 10.0, None, 2, 3).counts == whole.counts


def test_what_may_be_listed_by_mode() -> None:
    split = time_split(GRAPH, 10.0, min_lines=2)
    users = np.array([0])
    assert split.allowed(users, "all").tolist() == [[True, True, False, False]]
    assert split.allowed(users, "repeat").tolist() == [[True, False, False, False]]
    assert split.allowed(users, "discover").tolist() == [[False, True, False, False]]


def test_visitors_without_an_account_are_learned_from_but_not_tested() -> None:
    graph = replace(GRAPH, registered=np.array([False, True, True, True, True]))
    split = time_split(graph, 10.0, min_lines=2)
    assert split.users("all").tolist() == [1, 2]
    assert split.counts["train_lines"] == 4


def test_views_are_no_purchases() -> None:
    graph = replace(GRAPH, kinds=np.where(GRAPH.days >= 10, 1, 0).astype(np.int8))
    with pytest.raises(DataError, match="no user has purchases"):
        time_split(graph, 10.0, min_lines=2)


def test_a_fixed_split_looks_for_what_training_lacks() -> None:
    train, test = GRAPH.before(10.0), GRAPH.since(10.0)
    split = fixed_split(train, test)
    assert list(split.relevant) == ["discover"]
    assert split.eligible.all()
    assert split.relevant["discover"].toarray().astype(int).tolist() == [
        [0, 1, 0, 1],
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_a_fixed_split_needs_the_same_ids() -> None:
    with pytest.raises(DataError, match="must share"):
        fixed_split(GRAPH, graph_of(AFTER, 5, 5))
