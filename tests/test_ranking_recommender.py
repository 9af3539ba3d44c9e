"""Recommender and history on a shop small enough to work out by hand."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.errors import ConfigError, SnapshotMissing
from ranking.arrangement import Arrangement, Slots
from ranking.history import History, build_history
from ranking.itemknn import fit_itemknn
from ranking.personal import fit_personal
from ranking.popularity import fit_popularity
from ranking.ranked import Ranked
from ranking.recommender import Recommender
from ranking.scorer import MODES, Mode
from tests.graphs import graph_of

# u0 bought p0 in three orders and p1 once; u1 p1 and p2; u2 nothing; p4 is rare; p5 never sold.
LINES = [(0, 0, 1.25, 0), (0, 0, 5.5, 1), (0, 0, 5.5, 1), (0, 0, 11.25, 2), (0, 1, 11.25, 2)]
LINES += [(1, 1, 8.0, 3), (1, 2, 9.0, 4), (1, 3, 10.0, 5), (1, 4, 20.0, 6), (3, 3, 20.5, 7)]
ELIGIBLE = np.array([True, True, True, True, False, False])


@pytest.fixture
def recommender() -> Recommender:
    graph = graph_of(LINES, 4, 6)
    personal, knn = fit_personal(graph), fit_itemknn(graph, shrink=0)
    return Recommender(
        {"all": personal, "repeat": personal, "discover": knn},
        build_history(graph),
        fit_popularity(graph, window_days=15).buyers,
        ELIGIBLE,
    )


def test_history_counts_orders_days_and_money() -> None:
    history = build_history(graph_of(LINES, 4, 6))
    mine = history.of(0)
    assert mine.products.tolist() == [0, 1]
    assert mine.times.tolist() == [3, 1]
    assert mine.last_days.tolist() == [11.25, 11.25]
    assert mine.intervals[0] == 5.0
    assert np.isnan(mine.intervals[1])
    assert mine.values.tolist() == [4, 1]
    assert history.buyers.tolist() == [1, 2, 1, 2, 1, 0]
    assert history.now[0] == 20.5
    assert len(history.of(2)) == len(history.of(-1)) == 0


def test_lines_of_unknown_order_count_one_each() -> None:
    history = build_history(graph_of([(0, 0, 1.0, -1), (0, 0, 1.0, -1), (0, 0, 2.0, 4)], 1, 1))
    assert history.of(0).times.tolist() == [3]


def test_history_survives_saving(tmp_path: Path) -> None:
    history = build_history(graph_of(LINES, 4, 6))
    history.save(tmp_path / "h")
    loaded = History.load(tmp_path / "h")
    np.testing.assert_array_equal(loaded.intervals, history.intervals)
    np.testing.assert_array_equal(
        loaded.bought(np.array([0, -1])), history.bought(np.array([0, -1]))
    )
    with pytest.raises(SnapshotMissing):
        History.load(tmp_path / "none")


def test_personal_first_then_recently_popular_then_rare(recommender: Recommender) -> None:
    lists = recommender.recommend(np.array([0]), 6)
    # In the last 15 days p3 has two buyers, p1 two, p0, p2 and p4 one; p1 and p0 are listed.
    assert lists.rows[0].tolist() == [0, 1, 3, 2, 4, 5]
    assert lists.sources[0].tolist() == [0, 0, 1, 1, 2, 2]
    assert lists.scores[0].tolist() == [4, 1, 0, 0, 0, 0]


def test_repeat_lists_only_what_was_bought(recommender: Recommender) -> None:
    lists = recommender.recommend(np.array([1]), 5, "repeat")
    # p4 was bought as often, but too rarely by the shop to be judged.
    assert lists.rows[0].tolist() == [1, 2, 3, 4, -1]
    assert lists.sources[0].tolist() == [0, 0, 0, 2, -1]


def test_discover_lists_only_what_was_not(recommender: Recommender) -> None:
    lists = recommender.recommend(np.array([0]), 6, "discover")
    # p2 and p3 share a buyer with p1; p2's similarity is 1/sqrt(2), p3's 1/2.
    assert lists.rows[0].tolist() == [2, 3, 4, 5, -1, -1]


@pytest.mark.parametrize("user", [2, -1])
def test_nobody_knows_them_so_popular_it_is(recommender: Recommender, user: int) -> None:
    for mode in ("all", "discover"):
        lists = recommender.recommend(np.array([user]), 3, mode)
        assert lists.rows[0].tolist() == [1, 3, 0]
        assert lists.source(0) == "popular"
    empty = recommender.recommend(np.array([user]), 3, "repeat")
    assert empty.rows[0].tolist() == [-1, -1, -1]
    assert empty.source(0) == "empty"


def test_allowed_and_exclude_are_kept_and_lists_still_filled(recommender: Recommender) -> None:
    allowed = np.array([True, True, False, True, True, True])
    lists = recommender.recommend(np.array([0, 1]), 4, "all", allowed, exclude=[0])
    assert lists.rows.tolist() == [[1, 3, 4, 5], [1, 3, 4, 5]]


def test_basket_leaves_out_what_is_in_it(recommender: Recommender) -> None:
    lists = recommender.recommend_basket(np.array([2]), 3)
    # p1, p3 and p4 share u1 with p2; p4 is rare, and p1 and p3 each have one buyer more.
    assert lists.rows[0].tolist() == [1, 3, 0]
    assert lists.sources[0].tolist() == [0, 0, 1]


def test_batch_equals_single(recommender: Recommender) -> None:
    users = np.array([0, 1, 2, 3, -1])
    batch = recommender.recommend(users, 4, "discover")
    for i, user in enumerate(users):
        single = recommender.recommend(np.array([user]), 4, "discover")
        assert batch.rows[i].tolist() == single.rows[0].tolist()


def test_saved_and_loaded_recommends_the_same(recommender: Recommender, tmp_path: Path) -> None:
    recommender.save(tmp_path / "r")
    loaded = Recommender.load(tmp_path / "r")
    users = np.array([0, 1, 2, -1])
    for mode in ("all", "repeat", "discover"):
        a, b = recommender.recommend(users, 5, mode), loaded.recommend(users, 5, mode)
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(a.sources, b.sources)


def test_a_mode_without_a_scorer_says_which_there_are(recommender: Recommender) -> None:
    only = Recommender(
        {"all": recommender.scorers["all"]},
        recommender.history,
        recommender.popularity,
        ELIGIBLE,
    )
    with pytest.raises(ConfigError, match=r"no scorer for mode 'repeat'; there is \['all'\]"):
        only.recommend(np.array([0]), 3, "repeat")


def test_k_of_zero_is_an_empty_list(recommender: Recommender) -> None:
    assert recommender.recommend(np.array([0]), 0).rows.shape == (1, 0)


@given(st.integers(0, 2**16), st.integers(1, 8), st.sampled_from(MODES))
@settings(max_examples=200, deadline=None)
def test_kept_lists_alone_give_what_the_whole_ranker_gives(seed: int, k: int, mode: Mode) -> None:
    rng = np.random.default_rng(seed)
    lines = [(int(u), int(p), float(d), i) for i, (u, p, d) in enumerate(
        zip(rng.integers(0, 6, 30), rng.integers(0, 9, 30), rng.integers(0, 40, 30), strict=True)
    )]  # fmt: skip
    graph = graph_of(lines, 7, 9)
    kept = np.argsort(rng.random((7, 9)), axis=1)[:, :5].astype(np.int32)
    kept[rng.random((7, 5)) < 0.2] = -1
    chances = np.sort(rng.random((7, 5)))[:, ::-1].astype(np.float16)
    ranked = Ranked("ranked", kept, chances, (fit_personal(graph),))
    rest = (build_history(graph), fit_popularity(graph).buyers, rng.random(9) < 0.8)
    users, wanted = rng.integers(-1, 7, 3), _wanted(rng)
    exclude = rng.integers(0, 9, rng.integers(0, 3))
    fast, plain = (Recommender({mode: ranked}, *rest) for _ in range(2))
    short = fast.recommend(users, k, mode, exclude=exclude, arrangement=wanted)
    with mock.patch("ranking.recommender.shortlists", lambda *_: None):
        whole = plain.recommend(users, k, mode, exclude=exclude, arrangement=wanted)
    np.testing.assert_array_equal(short.rows, whole.rows)
    np.testing.assert_array_equal(short.sources, whole.sources)


@given(st.integers(0, 2**16), st.integers(1, 12), st.booleans())
@settings(max_examples=100, deadline=None)
def test_repeats_that_were_all_kept_need_no_scores_of_the_rest(
    seed: int, k: int, forgetful: bool
) -> None:
    rng = np.random.default_rng(seed)
    bought = zip(rng.integers(0, 4, 20), rng.integers(0, 9, 20), strict=True)
    graph = graph_of([(int(u), int(p), float(i), i) for i, (u, p) in enumerate(bought)], 5, 9)
    history, eligible = build_history(graph), rng.random(9) < 0.7
    kept = np.full((5, 9), -1, np.int32)
    for user in range(5):
        held = rng.permutation(history.of(user).products)
        held = held[eligible[held]][int(forgetful) :]
        kept[user, : len(held)] = held
    chances = np.tile(np.linspace(0.9, 0.1, 9), (5, 1)).astype(np.float16)
    ranked = Ranked("ranked", kept, chances, (fit_personal(graph),))
    recommender = Recommender({"repeat": ranked}, history, fit_popularity(graph).buyers, eligible)
    users = np.flatnonzero(history.known(np.arange(5)))
    exclude = rng.integers(0, 9, rng.integers(0, 3))
    with nullcontext() if forgetful else mock.patch.object(Ranked, "score", None):
        short = recommender.recommend(users, k, "repeat", exclude=exclude)
    with mock.patch("ranking.recommender.shortlists", lambda *_: None):
        whole = recommender.recommend(users, k, "repeat", exclude=exclude)
    np.testing.assert_array_equal(short.rows, whole.rows)
    np.testing.assert_array_equal(short.sources, whole.sources)


def _wanted(rng: np.random.Generator) -> Arrangement | None:
    """What a shop may want of lists over nine products; nothing every other time."""
    if rng.random() < 0.5:
        return None
    return Arrangement(
        allowed=rng.random(9) < 0.9 if rng.random() < 0.5 else None,
        factor=rng.random(9).astype(np.float32) if rng.random() < 0.5 else None,
        at_most=(Slots(rng.random(9) < 0.5, int(rng.integers(0, 3))),),
        pins=tuple((int(place), int(row)) for place, row in rng.integers(0, 9, (2, 2))),
    )
