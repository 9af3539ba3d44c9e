from __future__ import annotations

import numpy as np
import pytest

from ranking.history import build_history
from ranking.reasons import Explainer, Reason, RulePairs, SegmentLift
from ranking.similar import Neighbours
from tests.graphs import graph_of

TITLES = ["Milk", "Bread", "Butter", "Jam", "Tea"]
# u0: Milk on days 0, 7, 14, Bread on day 19; u1: Butter; Tea is never bought. Last event: day 20.
LINES = [(0, 0, 0.0, 0), (0, 0, 7.0, 1), (0, 0, 14.0, 2), (0, 1, 19.0, 3), (1, 2, 20.0, 4)]
LINES += [(1, 3, 20.0, 4)]


@pytest.fixture
def explainer() -> Explainer:
    rows = np.array([[1, -1], [0, 2], [-1, -1], [4, 1], [-1, -1]], np.int32)
    scores = np.array([[0.9, 0], [0.9, 0.5], [0, 0], [0.8, 0.6], [0, 0]], np.float32)
    return Explainer(
        titles=TITLES,
        history=build_history(graph_of(LINES, 2, 5)),
        rules=RulePairs(
            np.array([1, 0, 3, 0]),
            np.array([2, 2, 2, 1]),
            np.array([0.1, 0.2, 0.3, 0.1]),
            np.array([0.4, 0.6, 0.9, 0.3]),
            np.array([2.0, 3.25, 5.0, 1.5]),
        ),
        neighbours=Neighbours(rows, scores),
        segments=SegmentLift(
            np.array([0, -1]), ["Bakers"], np.array([0]), np.array([2]), np.array([2.5])
        ),
    )


def texts(reasons: list[Reason]) -> list[str]:
    return [reason.text for reason in reasons]


def test_history_comes_first_with_its_rhythm(explainer: Explainer) -> None:
    milk, bread = explainer.explain(0, np.array([0, 1]))
    assert texts(milk)[0] == "Bought 3 times, last 6 days ago, usually every 7 days"
    assert milk[0].numbers == {"times": 3, "days_ago": 6, "interval_days": 7}
    assert texts(bread)[0] == "Bought once, last 1 day ago"


def test_the_rule_of_most_orders_beyond_chance_from_what_is_held(explainer: Explainer) -> None:
    (butter,) = explainer.explain(0, np.array([2]))
    assert [reason.kind for reason in butter] == ["rule", "segment", "popular"]
    assert texts(butter) == [
        "60% of orders with Milk also hold it, 3.2 times the usual share",
        "Bought 2.5 times as often in segment Bakers as in the whole shop",
        "Bought by 1 customer",
    ]
    assert butter[0].product == 0


def test_similar_names_the_nearest_product_held(explainer: Explainer) -> None:
    (jam,) = explainer.explain(0, np.array([3]))
    assert texts(jam) == ["Similar to Bread", "Bought by 1 customer"]
    assert jam[0].product == 1
    assert jam[0].numbers["similarity"] == pytest.approx(0.6)


def test_the_basket_counts_as_held(explainer: Explainer) -> None:
    butter, jam = explainer.explain(-1, np.array([2, 3]), basket=[3, 4])
    assert texts(butter)[0] == "90% of orders with Jam also hold it, 5.0 times the usual share"
    assert texts(jam) == ["Similar to Tea", "Bought by 1 customer"]


def test_a_product_is_no_reason_for_itself(explainer: Explainer) -> None:
    (jam,) = explainer.explain(-1, np.array([3]), basket=[3])
    assert texts(jam) == ["Bought by 1 customer"]


def test_nothing_true_to_say_says_nothing(explainer: Explainer) -> None:
    assert explainer.explain(-1, np.array([4, -1])) == [[], []]


def test_someone_without_a_segment_has_no_segment_reason(explainer: Explainer) -> None:
    (butter,) = explainer.explain(1, np.array([2]))
    assert [reason.kind for reason in butter] == ["history", "rule", "popular"]


def test_the_limit_is_kept(explainer: Explainer) -> None:
    assert [len(r) for r in explainer.explain(0, np.array([2, 0]), limit=1)] == [1, 1]


def test_what_is_not_given_is_not_mentioned() -> None:
    plain = Explainer(TITLES, build_history(graph_of(LINES, 2, 5)))
    (butter,) = plain.explain(0, np.array([2]))
    assert texts(butter) == ["Bought by 1 customer"]
