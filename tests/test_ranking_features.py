"""What a ranker knows of a moment, on purchases written by hand."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import graph_of

from graph.interactions import InteractionGraph
from ranking.candidates import Candidates, candidates_of
from ranking.features import add_places, features_of
from ranking.habits import habits
from ranking.moment import Moment, moment_of
from ranking.popularity import fit_popularity

NOW = 100.0
# Customer 0 buys product 0 on days 40, 60 and (twice) 90; product 1 on day 95. Customer 1 buys
# products 1 and 2 once; customer 2 buys product 2 and, first on day 98, product 3.
LINES = [
    (0, 0, 40.0, 0), (0, 0, 60.0, 1), (0, 0, 90.0, 2), (0, 0, 90.5, 3), (0, 1, 95.0, 4),
    (1, 1, 10.0, 5), (1, 2, 10.0, 5), (2, 2, 20.0, 6), (2, 3, 98.0, 7),
]  # fmt: skip
GROUPS = [np.array([0, 0, 1, 1, -1])]


@pytest.fixture(scope="module")
def graph() -> InteractionGraph:
    return graph_of(LINES, 3, 5)


@pytest.fixture(scope="module")
def moment(graph: InteractionGraph) -> Moment:
    return moment_of(graph, GROUPS, NOW, [fit_popularity(graph)])


def test_a_habit_is_counted_in_days_with_a_purchase(graph: InteractionGraph) -> None:
    found = habits(graph, graph.product_rows, 5, NOW)
    place = found.find(np.array([0, 0, 1]), np.array([0, 3, 2]))
    np.testing.assert_array_equal(place[1], [True, False, True])
    np.testing.assert_array_equal(found.at("lines", place), [4, 0, 1])
    np.testing.assert_array_equal(found.at("visits", place), [3, 0, 1])
    np.testing.assert_array_equal(found.at("age_last", place), [10, np.nan, 90])
    np.testing.assert_array_equal(found.at("gap", place), [25, np.nan, np.nan])
    np.testing.assert_array_equal(found.at("gap_mid", place), [25, np.nan, np.nan])
    np.testing.assert_array_equal(found.at("gap_sd", place), [5, np.nan, np.nan])
    np.testing.assert_array_equal(found.at("gap_last", place), [30, np.nan, np.nan])
    np.testing.assert_array_equal(found.at("recent_0", place), [1, 0, 0])
    halves = sum(2 ** (-age / 60) for age in (60, 40, 10))
    np.testing.assert_allclose(found.at("decay_60", place)[0], halves, rtol=1e-6)


def test_things_of_no_group_are_left_out(graph: InteractionGraph) -> None:
    found = habits(graph, np.full(len(graph), -1), 1, NOW)
    assert not len(found.keys)
    place = found.find(np.array([0]), np.array([0]))
    assert not place[1].any()
    assert np.isnan(found.at("gap", place)).all()


def test_candidates_hold_the_past_and_the_best_of_the_rest(moment: Moment) -> None:
    found = candidates_of(moment, np.array([0, 2]), each=1, pool=5)
    mine = {(int(u), int(p)): bool(h) for u, p, h in zip(*_pairs(found), strict=True)}
    assert {p for (u, p), held in mine.items() if u == 0 and held} == {0, 1}
    assert {p for (u, p), held in mine.items() if u == 2 and held} == {2, 3}
    assert (0, 3) in mine, "product 3 is new to someone, and customer 0 never had it"
    assert not any(p == 4 for _, p in mine), "nobody ever bought product 4"


def _pairs(found: Candidates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    return found.users, found.products, found.held


def test_features_of_a_pair_say_what_the_lines_say(moment: Moment) -> None:
    found = add_places(candidates_of(moment, np.array([0, 1, 2]), each=5, pool=5))
    names, values = features_of(moment, found)
    assert len(names) == len(set(names)) == values.shape[1]
    row = {(int(u), int(p)): v for u, p, v in zip(found.users, found.products, values, strict=True)}

    def of(user: int, product: int, name: str) -> float:
        return float(row[user, product][names.index(name)])

    assert of(0, 0, "x_trips_last") == 1  # the trip of day 95
    assert of(0, 0, "x_trips_first") == 4
    assert of(0, 0, "x_due_gap") == pytest.approx(10 / 25)
    assert of(0, 0, "u_trips") == 4
    assert of(0, 0, "p_buyers") == 1
    assert of(0, 1, "p_buyers") == 2
    assert of(0, 0, "g0_visits") == 4, "both products of the group"
    assert of(0, 0, "g0_tried") == 2
    assert of(0, 3, "g0_visits") == 0
    assert np.isnan(of(0, 3, "x_age_last"))
    assert of(2, 3, "p_new_7") == 1
    assert of(0, 2, "r_popularity") < of(0, 3, "r_popularity"), "two buyers rank before one"


def test_features_know_nothing_that_follows(graph: InteractionGraph) -> None:
    later = graph_of([*LINES, (0, 3, 120.0, 9), (1, 0, 130.0, 10)], 3, 5)
    tables = []
    for shop in (graph, later.before(NOW)):
        moment = moment_of(shop, GROUPS, NOW, [fit_popularity(shop)])
        found = add_places(candidates_of(moment, np.array([0, 1, 2]), each=5, pool=5))
        names, values = features_of(moment, found)
        # Places of equal scores hang on the last bit of a decomposition.
        tables.append(values[:, [not name.startswith("r_") for name in names]])
    np.testing.assert_allclose(tables[0], tables[1], atol=1e-5)
