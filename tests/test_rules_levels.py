"""Brands, several levels at once, and sequences: planted ones are found, tautologies never."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from insight_shop import line_shop, shop_of

from graph.shop import Shop
from loaders.synthetic import Planted
from rules.baskets import brand_baskets, product_baskets
from rules.candidates import Candidates
from rules.config import RulesConfig
from rules.itemsets import Itemsets
from rules.mine import level_names, mine_level, mine_rules, mine_sequences
from rules.mixed import mixed_items, without_general
from rules.sequences import occasions

SETTINGS = RulesConfig(product_support=0.01, mixed_support=0.01, holdout_days=0, within_days=0)


@pytest.fixture(scope="module")
def shop(planted: Planted) -> Shop:
    return shop_of(planted.dataset)


def test_brands_are_a_level(shop: Shop) -> None:
    baskets = brand_baskets(shop, 100)
    assert baskets.items.ids.to_list() == [f"Brand {n}" for n in range(6)]
    brand = shop.products["brand"].to_list()
    products = product_baskets(shop.graph, 100).matrix.toarray()
    held = {brand[p] for p in np.flatnonzero(products[7])}
    assert {baskets.items.id(i) for i in np.flatnonzero(baskets.matrix.toarray()[7])} == held
    assert level_names(shop, SETTINGS) == ["product", "category:0", "category:1", "brand", "mixed"]
    assert "brand" not in level_names(shop, RulesConfig(brands=False))


def test_rules_across_levels_hold_no_tautology(shop: Shop) -> None:
    items = mixed_items(shop)
    baskets = items.baskets(product_baskets(shop.graph, 100))
    frame = mine_level(baskets, SETTINGS, mixed=items)
    assert frame.height > 20
    of = {
        name: set(np.flatnonzero(column))
        for name, column in zip(items.items.ids, items.of_product.toarray().T, strict=True)
    }
    for antecedent, consequent in frame.select("antecedent", "consequent").iter_rows():
        rule = [*antecedent, *consequent]
        kinds = {i.split(":")[0] + str(i.count("/")) for i in rule}
        assert len(kinds) > 1
        assert all(not of[a] & of[b] for a in rule for b in rule if a != b)


def test_parents_of_products_and_categories(shop: Shop) -> None:
    items = mixed_items(shop)
    row = items.items.row
    for child, parent in (
        ("product:product-4", "category:aisle-0/shelf-1"),
        ("category:aisle-0/shelf-1", "category:aisle-0"),
    ):
        assert items.parent[row(child)] == row(parent)
    assert items.parent[row("category:aisle-0")] == items.parent[row("brand:Brand 1")] == -1


def test_a_rule_that_the_general_one_implies_goes() -> None:
    # Items: 0 and 1 are kinds of 2; of 100 baskets with 2, half have 3; with 0 half, with 1 90 %.
    sets = [np.array([[0], [1], [2], [3]]), np.array([[0, 3], [1, 3], [2, 3]])]
    counts = [np.array([40, 20, 100, 80]), np.array([20, 18, 50])]
    itemsets = Itemsets.of(4, sets, counts)
    rules = Candidates(
        np.array([[0], [1], [2]]),
        np.array([3, 3, 3]),
        np.array([20, 18, 50]),
        np.array([40, 20, 100]),
        np.array([80, 80, 80]),
    )
    parent = np.array([2, 2, -1, -1])
    assert without_general(rules, itemsets, parent, 1.1).tolist() == [False, True, True]


def _then_shop(follow: float) -> Shop:
    """Customers buy a or x now and then; some days after a, b follows with a chance."""
    rng = np.random.default_rng(0)
    lines = []
    for user in range(300):
        for visit in range(8):
            day = visit * 45 + rng.uniform(0, 5)
            bought = int(rng.integers(0, 2)) * 2
            lines.append((user, bought, day, 1.0, len(lines)))
            if rng.random() < (follow if bought == 0 else 0.1):
                lines.append((user, 1, day + rng.uniform(8, 12), 1.0, len(lines)))
    return line_shop([f"u{n}" for n in range(300)], lines, ["a", "b", "x"])


def test_a_planted_sequence_is_found_with_its_wait() -> None:
    config = RulesConfig(within_days=20, holdout_days=60)
    found = mine_sequences(product_baskets(_then_shop(0.6).graph, 10), config)
    rule = found.row(0, named=True)
    assert (rule["kind"], rule["antecedent"], rule["consequent"]) == ("then", ["a"], ["b"])
    assert rule["confidence"] == pytest.approx(0.6, abs=0.05)
    assert rule["wait_low"] < rule["wait_days"] < rule["wait_high"]
    assert rule["wait_days"] == pytest.approx(10, abs=0.5)
    assert rule["later_low"] < 0.6 < rule["later_high"]
    assert found.height == 1
    chance = mine_sequences(product_baskets(_then_shop(0.1).graph, 10), config)
    assert chance.height == 0


def test_visits_lie_apart_and_habits_are_no_sequence() -> None:
    # b is bought every 5 days whatever happens; c for the first time after a.
    lines = [(0, 1, float(d), 1.0, d) for d in range(0, 100, 5)]
    lines += [(0, 0, 50.0, 1.0, 900), (0, 2, 57.0, 1.0, 901)]
    seen = occasions(product_baskets(line_shop(["u"], lines, ["a", "b", "c"]).graph, 10), 10)
    days = np.sort(seen.visits.days)
    assert (np.diff(days) > 10).all() and days.min() >= 10 and days.max() <= 85
    started = seen.visits.matrix.toarray()[:, 3:]
    assert not started[:, 1].any()
    waited = seen.days_until.toarray()
    at = int(np.flatnonzero(started[:, 2])[0])
    assert waited[at, 2] == 57.0 - seen.visits.days[at]


def test_a_shop_too_short_for_a_sequence_has_none() -> None:
    shop = line_shop(["u"], [(0, 0, 1.0, 1.0, 1), (0, 1, 2.0, 1.0, 2)], ["a", "b"])
    assert mine_sequences(product_baskets(shop.graph, 10), RulesConfig()).height == 0


def test_all_levels_come_together(planted: Planted) -> None:
    table = mine_rules(shop_of(planted.dataset), RulesConfig(), member=planted.group)
    kinds = {tuple(row) for row in table.frame.select("level", "kind").unique().iter_rows()}
    assert {("product", "together"), ("category:1", "together"), ("mixed", "together")} <= kinds
    assert table.frame.filter(pl.col("kind") == "together")["wait_days"].null_count() > 0
