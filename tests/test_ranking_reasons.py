from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ranking.history import build_history
from ranking.newcomers import Newcomers
from ranking.reasons import Explainer, Reason, Recent, RulePairs, SegmentLift
from ranking.similar import Neighbours
from ranking.wording import sentence
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
            np.array([0, -1]),
            ["Bakers"],
            np.array([0]),
            np.array([2]),
            np.array([2.5]),
            np.array([10]),
        ),
        recent=Recent(np.array([0, 1, 1, 0, 0], np.int32), 2.0),
    )


def texts(reasons: list[Reason]) -> list[str]:
    return [reason.text for reason in reasons]


def test_history_comes_first_with_its_rhythm(explainer: Explainer) -> None:
    milk, bread = explainer.explain(0, np.array([0, 1]))
    assert texts(milk)[0] == "Bought 3 times, last on 15 Jan 1970, usually every 7 days"
    assert milk[0].numbers == {
        "times": 3,
        "last": "1970-01-15",
        "days_ago": 6,
        "interval_days": 7,
    }
    assert texts(bread)[0] == "Bought once, on 20 Jan 1970"


def test_the_rule_of_most_orders_beyond_chance_from_what_is_held(explainer: Explainer) -> None:
    (butter,) = explainer.explain(0, np.array([2]))
    assert [reason.kind for reason in butter] == ["rule", "segment", "popular"]
    assert texts(butter) == [
        "60% of orders with Milk (bought 3 times, last on 15 Jan 1970) also hold this,"
        " 3.2 times the usual share; 20% of all orders hold both",
        "The share of buyers in segment Bakers is 2.5 times the whole shop's",
        "Bought by 1 customer in the 2 days to 21 Jan 1970, 1 in all",
    ]
    assert butter[0].product == 0
    assert (butter[1].segment, butter[1].numbers) == (0, {"lift": 2.5, "buyers": 10})


def test_similar_names_the_nearest_product_held(explainer: Explainer) -> None:
    (jam,) = explainer.explain(0, np.array([3]))
    assert texts(jam) == ["Similar to Bread (bought once, on 20 Jan 1970)", "Bought by 1 customer"]
    assert jam[0].product == 1
    assert jam[0].numbers["similarity"] == pytest.approx(0.6)


def test_the_basket_counts_as_held(explainer: Explainer) -> None:
    butter, jam = explainer.explain(-1, np.array([2, 3]), basket=[3, 4])
    assert texts(butter)[0] == (
        "90% of orders with Jam also hold this, 5.0 times the usual share;"
        " 30% of all orders hold both"
    )
    assert texts(jam) == ["Similar to Tea", "Bought by 1 customer"]


def test_a_product_is_no_reason_for_itself(explainer: Explainer) -> None:
    (jam,) = explainer.explain(-1, np.array([3]), basket=[3])
    assert texts(jam) == ["Bought by 1 customer"]


def test_nothing_true_to_say_says_nothing(explainer: Explainer) -> None:
    assert explainer.explain(-1, np.array([4, -1])) == [[], []]


def test_someone_without_a_segment_has_no_segment_reason(explainer: Explainer) -> None:
    (butter,) = explainer.explain(1, np.array([2]))
    assert [reason.kind for reason in butter] == ["history", "rule", "popular"]


CHINESE = {
    0: ["买过3次，最近一次是1970年1月15日，平均每7天买一次"],
    2: [
        "“Milk”买过3次，最近一次是1970年1月15日；含有它的订单中，60%也含有本商品，"
        "是平均比例的3.2倍；全部订单中有20%同时含有两者",
        "“Bakers”客群中买过本商品的顾客比例是全体顾客的2.5倍",
        "截至1970年1月21日的2天内有1位顾客购买，累计1位",
    ],
    3: ["与“Bread”相似，后者买过1次（1970年1月20日）", "共有1位顾客买过"],
}


@pytest.mark.parametrize("product", CHINESE)
def test_reasons_in_chinese(explainer: Explainer, product: int) -> None:
    (found,) = explainer.explain(0, np.array([product]), language="zh")
    assert texts(found)[: len(CHINESE[product])] == CHINESE[product]


def test_a_product_nobody_bought_says_what_it_is_like(explainer: Explainer) -> None:
    new = Newcomers(np.array([4]), np.array([[1]], np.int32), np.array([[0.75]], np.float32))
    told = replace(explainer, newcomers=new)
    (tea,) = told.explain(1, np.array([4]))
    assert texts(tea) == ["Not bought by anyone yet; by category, brand and title most like Bread"]
    assert (tea[0].product, tea[0].numbers) == (1, {"similarity": 0.75})
    (tea,) = told.explain(1, np.array([4]), language="zh")
    assert texts(tea) == ["还没有顾客买过；从品类、品牌和名称看，与“Bread”最相似"]


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100%"), (0.604, "60%"), (0.0949, "9.5%"), (0.012, "1.2%"), (3e-4, "0.030%")],
)
def test_small_shares_keep_two_digits(share: float, text: str) -> None:
    numbers: dict[str, float | str] = {"confidence": 0.5, "support": share, "lift": 2.0}
    assert f"{text} of all orders" in sentence("rule", "Milk", numbers, "en")


def test_the_limit_is_kept(explainer: Explainer) -> None:
    assert [len(r) for r in explainer.explain(0, np.array([2, 0]), limit=1)] == [1, 1]


def test_what_is_not_given_is_not_mentioned() -> None:
    plain = Explainer(TITLES, build_history(graph_of(LINES, 2, 5)))
    (butter,) = plain.explain(0, np.array([2]))
    assert texts(butter) == ["Bought by 1 customer"]
