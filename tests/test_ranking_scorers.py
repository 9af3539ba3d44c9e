"""Scorers against answers worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from loaders.errors import ConfigError, SnapshotMissing
from ranking.blend import Blend, tune_blend
from ranking.ease import fit_ease
from ranking.itemknn import cosine_neighbours, fit_itemknn
from ranking.matrices import bought_pairs, largest_per_row
from ranking.personal import fit_personal
from ranking.popularity import Popularity, fit_popularity
from ranking.saved import load_scorer, load_scorers, save_scorer, save_scorers
from tests.graphs import graph_of

ALL = np.array([0, 1, 2])
# u0: p0 twice, p1; u1: p0, p1; u2: p1, p2
LINES = [(0, 0, 0.0, 0), (0, 0, 60.0, 1), (0, 1, 60.0, 1), (1, 0, 60.0, 2), (1, 1, 90.0, 3)]
LINES += [(2, 1, 100.0, 4), (2, 2, 120.0, 5)]


def test_popularity_counts_buyers_and_not_lines() -> None:
    graph = graph_of(LINES, 3, 4)
    np.testing.assert_array_equal(fit_popularity(graph).score(ALL)[2], [2, 3, 1, 0])
    recent = fit_popularity(graph, window_days=30)
    np.testing.assert_array_equal(recent.score(ALL)[0], [0, 2, 1, 0])
    assert recent.name == "recent popularity"


def test_personal_frequency_halves_by_age() -> None:
    graph = graph_of(LINES, 3, 4)
    np.testing.assert_array_equal(fit_personal(graph).score(ALL)[0], [2, 1, 0, 0])
    # Ages at day 120: 120 and 60 days for p0, 60 for p1.
    decayed = fit_personal(graph, half_life=60).score(ALL)
    np.testing.assert_allclose(decayed[0], [0.25 + 0.5, 0.5, 0, 0], rtol=1e-6)


def test_only_purchases_are_scored() -> None:
    graph = graph_of(LINES, 3, 4)
    graph.kinds[:] = 1
    assert not fit_personal(graph).score(ALL).any()
    assert not fit_popularity(graph).score(ALL).any()


def test_itemknn_is_shrunk_cosine_of_buyers() -> None:
    graph = graph_of(LINES, 3, 4)
    near = cosine_neighbours(bought_pairs(graph), 3, shrink=1.0).toarray()
    # Buyers: p0 {0, 1}, p1 {0, 1, 2}, p2 {2}.
    expected = 2 / (np.sqrt(2 * 3) + 1)
    assert near[0, 1] == pytest.approx(expected)
    assert near[1, 0] == pytest.approx(expected)
    assert near[1, 2] == pytest.approx(1 / (np.sqrt(3) + 1))
    assert near[0, 0] == near[0, 2] == 0
    scores = fit_itemknn(graph, neighbours=3, shrink=1.0).score(ALL)
    assert scores[0, 2] == pytest.approx(1 / (np.sqrt(3) + 1))


def test_itemknn_keeps_the_nearest_of_the_product_scored() -> None:
    graph = graph_of(LINES, 3, 4)
    scores = fit_itemknn(graph, neighbours=1, shrink=0.0).score_profile(np.array([1]))
    # p1's only neighbour is p0, but p2's only neighbour is p1, which is what counts for p2.
    np.testing.assert_allclose(scores, [2 / np.sqrt(6), 0, 1 / np.sqrt(3), 0], rtol=1e-6)


def test_ease_equals_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    pairs = np.argwhere(rng.random((40, 12)) < 0.3)
    graph = graph_of([(int(u), int(p), 1.0, 0) for u, p in pairs], 40, 13)
    x = bought_pairs(graph).toarray()[:, :12]
    inverse = np.linalg.inv(x.T @ x + 5 * np.eye(12))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    scores = fit_ease(graph, l2=5).score(np.arange(40))
    np.testing.assert_allclose(scores[:, :12], x @ weights, atol=2e-4)
    assert not scores[:, 12].any()


def test_ease_is_limited_to_the_most_bought() -> None:
    ease = fit_ease(graph_of(LINES, 3, 4), products=2, l2=1)
    np.testing.assert_array_equal(ease.chosen, [0, 1])
    assert not ease.score(ALL)[:, 2:].any()
    assert not ease.score_profile(np.array([2, 3])).any()


def test_ease_in_blocks_equals_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    pairs = np.argwhere(rng.random((60, 25)) < 0.2)
    graph = graph_of([(int(u), int(p), 1.0, 0) for u, p in pairs], 60, 25)
    whole = fit_ease(graph, l2=3)
    monkeypatch.setattr("ranking.ease.BLOCK", 7)
    monkeypatch.setattr("ranking.ease.CHUNK", 2)
    monkeypatch.setattr("ranking.itemknn.BLOCK", 7)
    users = np.arange(60)
    np.testing.assert_allclose(fit_ease(graph, l2=3).score(users), whole.score(users), atol=1e-4)


def test_ease_that_cannot_be_inverted_says_what_to_do() -> None:
    graph = graph_of([(0, 0, 0.0, 0), (0, 1, 0.0, 0)], 1, 2)
    with pytest.raises(ConfigError, match="larger ease_l2"):
        fit_ease(graph, l2=1e-12)


def test_largest_per_row_keeps_magnitudes_and_lower_columns_of_equals() -> None:
    graph = graph_of([(0, p, 0.0, 0) for p in range(5)], 1, 5)
    matrix = graph.matrix(np.array([1, -3, 2, 2, 2], np.float32))
    np.testing.assert_array_equal(largest_per_row(matrix, 3).toarray(), [[0, -3, 2, 2, 0]])


def _fixed(name: str, *scores: float) -> Popularity:
    return Popularity(name, np.array(scores, np.float32))


def test_blend_divides_by_the_users_top_score() -> None:
    parts = (_fixed("a", 10, 5, 0), _fixed("b", 0, 1, 2), _fixed("zero", 0, 0, 0))
    blend = Blend("ab", parts, np.array([1, 0.5, 9], np.float32))
    np.testing.assert_allclose(blend.score(np.array([0]))[0], [1, 0.75, 0.5])


def test_blend_needs_one_weight_a_part() -> None:
    with pytest.raises(ConfigError, match="one weight a part; got 2 for 1"):
        Blend("b", (_fixed("a", 1),), np.ones(2, np.float32))


def test_tuning_finds_the_part_that_helps_and_drops_the_one_that_does_not() -> None:
    good = _fixed("good", 3, 2, 1, 0, 0, 0)
    helps = _fixed("helps", 0, 0, 0, 9, 1, 0)
    noise = _fixed("noise", 0, 0, 0, 0, 0, 5)
    everything = np.ones((1, 6), np.bool_)

    def judge(lists: np.ndarray) -> float:
        """Wants 0, then 3."""
        return float((lists[:, 0] == 0).mean() + (lists[:, 1] == 3).mean())

    tuned = tune_blend(
        (noise, good, helps), np.array([0]), judge, lambda rows: everything, k=2, candidates=3
    )
    blend = tuned.blend
    assert tuned.single == 1 and tuned.single_lists.tolist() == [[0, 1]]
    assert tuned.lists.tolist() == [[0, 3]]
    assert [part.name for part in blend.parts] == ["good", "helps"]
    assert judge(np.argsort(-blend.score(np.array([0])), axis=1)[:, :2]) == 2


def test_tuning_never_lists_what_is_not_allowed() -> None:
    seen = []

    def judge(lists: np.ndarray) -> float:
        seen.append(lists)
        return 0.0

    allowed = np.array([[False, True, False, True]])
    tune_blend(
        (_fixed("a", 4, 3, 2, 1), _fixed("b", 1, 2, 3, 4)),
        np.array([0]),
        judge,
        lambda rows: allowed,
        k=3,
    )
    assert all(set(lists.ravel()) <= {1, 3, -1} for lists in seen)


def test_shared_parts_are_saved_once_and_shared_again(tmp_path: Path) -> None:
    part = _fixed("a", 1, 2)
    blends = {m: Blend(m, (part,), np.array([w], np.float32)) for m, w in (("all", 1), ("new", 2))}
    save_scorers(tmp_path, blends)
    assert len(json.loads((tmp_path / "scorers.json").read_text())["scorers"]) == 3
    loaded = load_scorers(tmp_path)
    assert loaded["all"].parts[0] is loaded["new"].parts[0]


def test_loading_what_is_missing_or_damaged_says_so(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissing, match="build again"):
        load_scorer(tmp_path)
    save_scorer(tmp_path, _fixed("a", 1, 2))
    (tmp_path / "0" / "buyers.npy").write_bytes(b"not an array")
    with pytest.raises(SnapshotMissing, match="array 'buyers'"):
        load_scorer(tmp_path)


def test_a_class_without_a_kind_is_refused(tmp_path: Path) -> None:
    class Own(Popularity):
        pass

    with pytest.raises(ConfigError, match=r"Own cannot be saved; name it in ranking\.saved"):
        save_scorer(tmp_path, Own("own", np.ones(2, np.float32)))
