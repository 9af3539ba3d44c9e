"""Evidence beyond chance: later days, segments, and rules that differ between customers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from insight_shop import basket_shop, line_shop, shop_of
from scipy import sparse
from scipy.stats import binomtest, fisher_exact

from graph.ids import IdMap
from loaders.synthetic import Planted
from rules.baskets import PRODUCT, Baskets, product_baskets
from rules.bits import counts_by_group
from rules.candidates import Candidates
from rules.config import RulesConfig
from rules.contrast import segment_rules
from rules.evidence import later_evidence, segment_evidence, wilson
from rules.mine import mine_level, mine_rules

LOOSE = RulesConfig(min_count=2, product_support=0.01, min_confidence=0, max_false_discovery=1)


def _pair(first: int, second: int) -> Candidates:
    none = np.zeros(1, np.int64)
    return Candidates(np.array([[first]]), np.array([second]), none, none, none)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_counts_by_group_equal_counting(data: st.DataObject) -> None:
    items, n = data.draw(st.integers(3, 6)), data.draw(st.integers(1, 140))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    held, group = rng.random((n, items)) < 0.5, rng.integers(-1, 3, n)
    baskets = Baskets(PRODUCT, IdMap.of(map(str, range(items))), sparse.csr_array(held))
    none = np.zeros(2, np.int64)
    rules = Candidates(np.array([[0, -1], [0, 1]]), np.array([1, 2]), none, none, none)
    both, left, right = counts_by_group(rules, baskets, group, 3)
    for g in range(3):
        h = held[group == g]
        assert left[:, g].tolist() == [h[:, 0].sum(), (h[:, 0] & h[:, 1]).sum()]
        assert right[:, g].tolist() == [h[:, 1].sum(), h[:, 2].sum()]
        assert both[:, g].tolist() == [(h[:, 0] & h[:, 1]).sum(), h[:, :3].all(axis=1).sum()]


@given(st.integers(1, 500), st.data())
def test_wilson_equals_scipys(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    low, high = wilson(np.array([hits]), np.array([trials]))
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_later_days_by_hand() -> None:
    later = product_baskets(basket_shop([["a", "b"], ["a"], ["b"], ["c"]]).graph, 10)
    found = later_evidence(_pair(0, 1), later).row(0, named=True)
    # One of two baskets with a holds b; half of all do.
    assert found["later_baskets"] == 2
    assert (found["later_confidence"], found["later_lift"]) == (0.5, 1.0)
    assert found["later_low"] == pytest.approx(0.0945, abs=1e-4)
    empty = later_evidence(_pair(2, 0), later.where(np.array([True, True, True, False])))
    assert empty["later_confidence"].to_list() == [None]


def test_a_rule_between_kinds_of_customers_falls_inside_segments() -> None:
    # Some customers buy a and b, each at random; others neither. Together it looks like a rule.
    rng = np.random.default_rng(0)
    held = np.zeros((400, 3), np.bool_)
    held[:200, :2] = rng.random((200, 2)) < 0.5
    held[:, 2] = True
    users = np.arange(400, dtype=np.int32)
    baskets = Baskets(
        PRODUCT, IdMap.of("abc"), sparse.csr_array(held), users=users, days=users * 1.0
    )
    whole = mine_level(baskets, LOOSE).filter(pl.col("consequent").list.first() == "b")
    assert whole["lift"][0] > 1.5
    found = segment_evidence(_pair(0, 1), baskets, np.repeat([0, 1], 200)).row(0, named=True)
    assert found["segments_tested"] == 1
    assert found["lift_within"] == pytest.approx(1, abs=0.2)


def test_rules_are_judged_on_days_they_were_not_found_in(planted: Planted) -> None:
    shop = shop_of(planted.dataset)
    table = mine_rules(shop, RulesConfig(mixed=False), member=planted.group)
    whole = product_baskets(shop.graph, 100)
    late = whole.where(whole.days > whole.days.max() - 30)
    assert table.baskets["product"] == len(whole) - len(late)
    first, second = planted.pairs[0]
    rule = table.index.find([first], second)
    assert rule is not None
    a, b = (whole.items.row(p) for p in (first, second))
    held = late.matrix.toarray()
    assert rule.known("later_baskets") == held[:, a].sum()
    assert rule.known("later_confidence") == pytest.approx(held[held[:, a]][:, b].mean())
    assert rule.known("later_low") < 0.8 < rule.known("later_high") + 0.1
    assert rule.known("segments_held") >= 1
    everything = mine_rules(shop, RulesConfig(mixed=False, holdout_days=0))
    assert everything.baskets["product"] == len(whole)
    assert everything.frame["later_confidence"].null_count() == len(everything)


def test_a_young_shop_holds_nothing_out() -> None:
    lines = [(u, p, float(u), 1.0, u) for u in range(40) for p in (0, 1)]
    shop = line_shop([f"u{u}" for u in range(40)], lines, ["a", "b"])
    assert mine_rules(shop, RulesConfig()).baskets["product"] == 40


def test_what_differs_in_a_segment() -> None:
    # Inside, every basket with a holds b; outside one in four.
    inside = [["a", "b"]] * 20 + [["c"]] * 20
    outside = [["a", "b"]] * 10 + [["a"]] * 30 + [["c"]] * 20
    baskets = product_baskets(basket_shop([*inside, *outside]).graph, 10)
    mine = np.arange(len(baskets)) < 40
    found = segment_rules(baskets, mine, LOOSE).filter(pl.col("consequent").list.first() == "b")
    row = found.row(0, named=True)
    # In the whole shop 30 of 100 baskets hold both, 60 hold a, and 30 hold b.
    assert (row["support"], row["shop_support"]) == (0.5, 0.3)
    assert (row["confidence"], row["shop_confidence"], row["rest_confidence"]) == (1.0, 0.5, 0.25)
    assert row["times_as_sure"] == 2.0
    assert row["shop_lift"] == pytest.approx(0.5 / 0.3)
    expected = fisher_exact([[20, 0], [10, 30]], "greater").pvalue
    # Two rules are listed, this one with the smaller p-value.
    assert row["difference_q"] == pytest.approx(2 * expected, rel=1e-6)
    everyone = segment_rules(baskets, np.ones(len(baskets), np.bool_), LOOSE)
    assert everyone["rest_confidence"].null_count() == len(everyone)
    assert everyone["times_as_sure"].to_list() == [1.0] * len(everyone)
    assert replace(baskets, capped=1).where(mine).capped == 1
