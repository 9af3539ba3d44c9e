"""Claims: tests by hand, one correction over all, nothing claimed by chance; and actions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from insight_shop import line_shop
from scipy import stats

from graph.shop import Shop
from segments.actions import Suggesting
from segments.claims import Claims, find_claims
from segments.config import SegmentsConfig
from segments.facts import FACTS, customer_facts
from segments.significance import amounts_against, shares_against

MEMBER = np.array([0] * 20 + [1] * 20, np.int32)
LEVELS = [(("a", "b"), MEMBER)]


def two_kinds() -> Shop:
    """40 customers, of whom the first 20 buy tea dear and in the evening, the others bread.

    One in five bought the other once.
    """
    lines = []
    for user in range(40):
        tea = user < 20
        for order in range(2):
            day = 10 * order + (0.8 if tea else 0.3) + user / 1_000
            value = (9.0 if tea else 3.0) + user % 3
            swapped = user % 5 == 0 and order == 0
            lines.append((user, int(tea == swapped), day, value, 2 * user + order))
    kinds: list[str | None] = ["old"] * 18 + ["young"] * 2 + ["young"] * 20
    return line_shop(
        [f"u{i:02}" for i in range(40)],
        lines,
        ["tea", "bread"],
        {"tea": "drinks", "bread": "food"},
        {"age": kinds},
    )


def test_rank_and_exact_tests_agree_with_scipy() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 9, 60).astype(float)
    values[rng.random(60) < 0.1] = np.nan
    member = rng.integers(-1, 2, 60).astype(np.int32)
    found = amounts_against(values, member, 2, 1)
    yes = np.where(np.isnan(values), np.nan, values > 5)
    shares = shares_against(yes, member, 2, 1)
    for segment in range(2):
        mine, rest = values[member == segment], values[member != segment]
        mine, rest = mine[~np.isnan(mine)], rest[~np.isnan(rest)]
        expected = stats.mannwhitneyu(mine, rest, method="asymptotic")
        assert found.p_value[segment] == pytest.approx(expected.pvalue)
        assert found.superiority[segment] == pytest.approx(
            expected.statistic / len(mine) / len(rest)
        )
        assert found.mean[segment] == pytest.approx(mine.mean())
        table = [[(g > 5).sum(), (g <= 5).sum()] for g in (mine, rest)]
        sides = [stats.fisher_exact(table, s).pvalue for s in ("less", "greater")]
        assert shares.p_value[segment] == pytest.approx(min(1, 2 * min(sides)))


def test_what_sets_a_segment_apart_is_claimed_with_its_counts() -> None:
    shop = two_kinds()
    found = find_claims(shop, customer_facts(shop), LEVELS, SegmentsConfig())
    of = {(c.about, c.id): c for c in found.of["a"]}
    assert set(of) == {
        ("age", "old"),
        ("evening", ""),
        ("morning", ""),
        ("days_since_last", ""),
        ("spend", ""),
        ("basket_value", ""),
        ("category:0", "drinks"),
    }
    old = of["age", "old"]
    assert (old.group, old.customers, old.known) == ("basics", 18, 20)
    assert (old.shop_customers, old.shop_known) == (18, 40)
    assert (old.value, old.shop_value, old.lift) == pytest.approx((0.9, 0.45, 2.0))
    evening = of["evening", ""]
    assert (evening.value, evening.shop_value, evening.superiority) == (1.0, 0.5, 1.0)
    assert of["category:0", "drinks"].customers == 20
    assert all(c.p_value <= 0.05 for claims in found.of.values() for c in claims)
    assert Claims.from_dict(found.to_dict()) == found


def test_p_values_are_corrected_over_all_claims_of_all_segments() -> None:
    shop = two_kinds()
    found = find_claims(shop, customer_facts(shop), LEVELS, SegmentsConfig())
    raw = stats.hypergeom.sf(17, 40, 18, 20)
    (old,) = (c for c in found.of["a"] if c.about == "age")
    assert raw < old.p_value <= raw * found.tested


def test_chance_is_not_claimed() -> None:
    shop, rng = two_kinds(), np.random.default_rng(0)
    for _ in range(5):
        mixed = [(("a", "b"), rng.permutation(MEMBER))]
        found = find_claims(shop, customer_facts(shop), mixed, SegmentsConfig())
        assert found.of == {"a": (), "b": ()}


def test_facts_a_shop_cannot_tell_are_null() -> None:
    shop = two_kinds()
    facts = customer_facts(shop)
    assert tuple(facts.columns) == tuple(FACTS)
    for name in ("redeemed", "below_price", "price_level", "returned", "churn_risk"):
        assert facts[name].null_count() == 40
    empty = customer_facts(line_shop(["u"], [], ["p"]))
    assert empty.null_count().row(0) == (1,) * len(FACTS)


def test_facts_of_prices_campaigns_and_outliers_by_hand() -> None:
    lines = [(0, 0, float(d), 4.0, d) for d in range(6)] + [(1, 1, 7.0, 20.0, 9)]
    lines += [(1, 0, 8.0, 4_000.0, 10)]
    shop = line_shop(["u", "v"], lines, ["p", "q"])
    redeemed = pl.DataFrame({"user_id": ["v"], "campaign_id": ["c"], "at": [datetime.now(UTC)]})
    products = shop.products.with_columns(price=pl.Series([5.0, 20.0]))
    facts = customer_facts(replace(shop, products=products, redemptions=redeemed))
    assert facts["redeemed"].to_list() == [0, 1]
    assert facts["below_price"].to_list() == [1, 0]
    assert facts["price_level"].to_list() == [0, 0.5]
    assert facts["large_lines"].to_list() == [0, 1]


def suggesting(shop: Shop, least: int = 2) -> Suggesting:
    """Six customers, two of each stage, who like the second product and then the first."""
    customers = pl.DataFrame(
        {
            "stage": ["at risk", "lost", "mature", "growing", "new", "new"],
            "expected_orders": [0.5, 0.5, 2.0, 2.0, 1.0, 1.0],
            "expected_value": [5.0, 5.0, 40.0, 40.0, None, None],
            "churn_risk": [None, None, 0.1, 0.1, None, None],
        }
    )
    liked = np.array([[1, 0]] * 2 + [[0, -1]] * 4, np.int32)
    pairs = pl.DataFrame({"source": ["p"], "target": ["q"], "lift": [3.0], "confidence": [0.4]})
    return Suggesting(shop, customers, customer_facts(shop), liked, pairs, least)


def six() -> Shop:
    users = [f"u{i}" for i in range(6)]
    return line_shop(users, [(i, 0, float(i), 4.0, i) for i in range(6)], ["p", "q"])


def test_actions_by_hand() -> None:
    everybody = suggesting(six()).actions(np.ones(6, np.bool_))
    assert [(a.goal, a.customers) for a in everybody] == [
        ("upsell", 2),
        ("win back", 2),
        ("second purchase", 2),
    ]
    upsell, back, second = everybody
    assert upsell.expected_value == pytest.approx(2 * (1 - np.exp(-2)) * 20)
    assert back.expected_value == pytest.approx(2 * (1 - np.exp(-0.5)) * 10)
    assert second.expected_value is None and second.probability == pytest.approx(1 - np.exp(-1))
    first = back.products[0]
    assert (first.product, first.liking, first.lift) == (1, 1.0, pytest.approx(3.0))
    assert (first.bought_with, first.rule_lift, first.confidence) == ("p", 3.0, 0.4)
    assert back.discount.basis is None


def test_answers_to_campaigns_are_of_those_who_were_sent_one() -> None:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    redeemed = pl.DataFrame({"user_id": ["u0"], "campaign_id": ["c"], "at": [moment]})
    targets = pl.DataFrame({"campaign_id": ["c"] * 4, "user_id": ["u0", "u1", "u2", "u3"]})
    shop = replace(six(), redemptions=redeemed, targets=targets)
    (back,) = suggesting(shop).actions(np.arange(6) < 2)
    told = back.discount
    assert (told.basis, told.rate, told.shop_rate, told.customers) == ("campaigns", 0.5, 0.25, 2)


def test_too_few_are_no_group_to_approach() -> None:
    assert suggesting(six(), least=3).actions(np.ones(6, np.bool_)) == ()
