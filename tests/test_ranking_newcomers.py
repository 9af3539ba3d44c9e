"""Products nobody bought yet, and likeness in two spaces, small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loaders.errors import SnapshotMissing
from ranking.history import build_history
from ranking.likeness import Likeness
from ranking.newcomers import Newcomers, newcomers_of
from ranking.personal import fit_personal
from ranking.popularity import fit_popularity, recent_buyers
from ranking.recommender import Recommender
from ranking.similar import Neighbours, similar_products
from tests.graphs import graph_of

# p0 and p1 were bought, p2 and p3 never; p2 is like p1, p3 like nothing.
LINES = [(0, 0, 1.0, 0), (0, 1, 2.0, 1), (0, 1, 3.0, 2), (1, 0, 9.0, 3)]
FEATURES = np.array([[1, 0, 0], [0, 1, 0], [0, 4, 3], [0, 0, 0]], np.float32)


@pytest.fixture
def newcomers() -> Newcomers:
    unbought = np.array([False, False, True, True])
    near = similar_products(FEATURES, 2, candidates=~unbought, asked=unbought)
    assert near.rows[:2].tolist() == [[-1, -1], [-1, -1]]
    return newcomers_of(near, unbought)


def test_a_newcomer_is_known_by_what_it_is_like(newcomers: Newcomers) -> None:
    assert newcomers.rows.tolist() == [2]
    assert newcomers.nearest(2) == (1, pytest.approx(0.8))
    assert newcomers.nearest(1) is None and newcomers.nearest(3) is None
    rows, cosines = newcomers.like(1)
    assert (rows.tolist(), cosines.tolist()) == ([2], [pytest.approx(0.8)])
    assert len(newcomers.like(0)[0]) == 0


def served(newcomers: Newcomers | None) -> Recommender:
    graph = graph_of(LINES, 2, 4)
    personal = fit_personal(graph)
    return Recommender(
        {"all": personal, "discover": personal},
        build_history(graph),
        fit_popularity(graph).buyers,
        np.array([True, True, False, False]),
        newcomers,
    )


def test_it_competes_with_the_score_of_its_likest_for_the_places_given(
    newcomers: Newcomers,
) -> None:
    lists = served(newcomers).recommend(np.array([0]), 4, new=1)
    # p1 was bought twice, so p2 scores .8 times 2, which is more than p0's 1.
    assert lists.rows[0].tolist() == [1, 2, 0, 3]
    assert lists.scores[0, :3].tolist() == pytest.approx([2, 1.6, 1])
    assert lists.sources[0].tolist() == [0, 3, 0, 2]
    without = served(newcomers).recommend(np.array([0]), 4)
    assert without.rows[0].tolist() == served(None).recommend(np.array([0]), 4).rows[0].tolist()
    assert without.sources[0].tolist() == [0, 0, 2, 2]


def test_a_newcomer_keeps_to_what_is_allowed(newcomers: Newcomers) -> None:
    lists = served(newcomers).recommend(np.array([0]), 4, exclude=[2], new=1)
    assert lists.rows[0].tolist() == [1, 0, 3, -1]


def test_newcomers_survive_saving(newcomers: Newcomers, tmp_path: Path) -> None:
    served(newcomers).save(tmp_path / "r")
    loaded = Recommender.load(tmp_path / "r").newcomers
    assert loaded is not None and loaded.nearest(2) == newcomers.nearest(2)
    served(None).save(tmp_path / "none")
    assert Recommender.load(tmp_path / "none").newcomers is None


LEARNED = np.array([[1, 0], [3, 4], [0, 0], [0, 2]], np.float32)


def test_the_nearest_come_by_customers_first_and_then_by_features() -> None:
    likeness = Likeness.of(LEARNED, FEATURES)
    rows, cosines, spaces = likeness.nearest(1, np.ones(4, np.bool_), 4)
    assert rows.tolist() == [3, 0, 2]
    assert cosines.tolist() == pytest.approx([0.8, 0.6, 0.8])
    assert spaces.tolist() == [0, 0, 1]
    rows, _, spaces = likeness.nearest(2, np.ones(4, np.bool_), 4)
    assert (rows.tolist(), spaces.tolist()) == ([1, 0], [1, 1])
    assert len(likeness.nearest(1, np.zeros(4, np.bool_), 4)[0]) == 0
    only = likeness.nearest(1, np.arange(4) == 0, 4)
    assert only[0].tolist() == [0]


def test_both_spaces_count_half() -> None:
    both = Likeness.of(LEARNED, FEATURES).both(np.array([0, 1, 2]))
    assert float(both[0] @ both[1]) == pytest.approx((0.6 + 0) / 2)
    assert float(both[1] @ both[2]) == pytest.approx((0 + 0.8) / 2)
    assert float(both[1] @ both[1]) == pytest.approx(1)


def test_likeness_survives_saving(tmp_path: Path) -> None:
    likeness = Likeness.of(LEARNED, FEATURES)
    likeness.save(tmp_path / "l")
    np.testing.assert_array_equal(Likeness.load(tmp_path / "l").features, likeness.features)
    with pytest.raises(SnapshotMissing):
        Likeness.load(tmp_path / "none")


def test_neighbours_are_completed_where_there_are_none() -> None:
    some = Neighbours(np.array([[1, -1], [-1, -1]]), np.array([[0.5, 0], [0, 0]], np.float32))
    other = Neighbours(np.array([[0, 0], [0, -1]]), np.array([[0.9, 0.9], [0.7, 0]], np.float32))
    assert some.completed(other).rows.tolist() == [[1, -1], [0, -1]]


def test_recent_buyers_by_group() -> None:
    history = build_history(graph_of(LINES, 2, 4))
    counts = recent_buyers(history, np.array([0, 1]), 2, 7.0).toarray()
    # The last event is on day 9; u0 bought p1 last on day 3, p0 on day 1.
    assert counts.tolist() == [[0, 1, 0, 0], [1, 0, 0, 0]]
    everyone = recent_buyers(history, np.array([0, 0]), 1, 100.0).toarray()
    assert everyone.tolist() == [[2, 1, 0, 0]]
    assert recent_buyers(history, np.array([-1, 0]), 1, 100.0).toarray().tolist() == [[1, 0, 0, 0]]
