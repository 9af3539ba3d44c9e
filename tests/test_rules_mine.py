"""Mining: literal rules, equality with mlxtend, planted pairs, and silence on shuffled baskets."""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from insight_shop import basket_shop, shop_of
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy import sparse

from graph.ids import IdMap
from loaders.synthetic import Planted
from rules.baskets import PRODUCT, Baskets, product_baskets
from rules.candidates import Candidates
from rules.config import Miner, RulesConfig
from rules.cooccurrence import pair_candidates, pair_counts
from rules.derive import rules_of
from rules.itemsets import Itemsets
from rules.mine import MINERS, level_itemsets, mine_level, mine_rules
from rules.shuffle import shuffled

FIVE = [["bread", "milk"], ["bread", "butter"], ["bread", "milk", "butter"], ["milk"], ["bread"]]
LOOSE = RulesConfig(
    product_support=0.001,
    category_support=0.001,
    min_count=2,
    min_confidence=0,
    min_lift=1,
    min_improvement=0,
    max_false_discovery=1,
)
MEASURES = {
    "support": "support",
    "confidence": "confidence",
    "lift": "lift",
    "leverage": "leverage",
    "zhang": "zhangs_metric",
    "kulczynski": "kulczynski",
}
"""Ours, and mlxtend's names of the same."""


def test_itemsets_of_five_baskets() -> None:
    baskets = product_baskets(basket_shop(FIVE).graph, 10)
    names = baskets.items.to_ids
    sets, count = level_itemsets(baskets, LOOSE)
    found = {tuple(names(list(s))): n for s, n in sets.to_dict().items()}
    assert count == 2
    assert found == {
        ("bread",): 4,
        ("butter",): 2,
        ("milk",): 3,
        ("bread", "milk"): 2,
        ("bread", "butter"): 2,
    }


def test_rules_of_five_baskets() -> None:
    table = mine_rules(basket_shop(FIVE), LOOSE)
    # Bread with butter is the only pair above chance: 2 of 5 baskets against .8 x .4.
    got = table.frame.select(
        "antecedent", "consequent", "count", "confidence", "lift", "conviction"
    )
    assert sorted(got.rows()) == [
        (["bread"], ["butter"], 2, 0.5, 1.25, 1.2),
        (["butter"], ["bread"], 2, 1.0, 1.25, None),
    ]
    assert table.frame["leverage"].to_list() == pytest.approx([0.08, 0.08])
    # All 2 butter baskets hold bread, of 5 baskets 4 do: C(4,2)/C(5,2) = .6.
    assert table.frame["p_value"].to_list() == pytest.approx([0.6, 0.6])
    assert table.baskets == {"product": 5}


def test_a_longer_rule_must_add_to_the_shorter_ones() -> None:
    single, pairs = [[0], [1], [2]], [[0, 1], [0, 2], [1, 2]]
    itemsets = Itemsets.of(
        3,
        [np.array(single), np.array(pairs), np.array([[0, 1, 2]])],
        [np.array([50, 50, 40]), np.array([20, 20, 10]), np.array([9])],
    )
    found = rules_of(itemsets, 1.1)
    longer = {
        (tuple(a), int(c))
        for a, c in zip(found.antecedent.tolist(), found.consequent, strict=True)
        if -1 not in a
    }
    # 0,1 -> 2 has .45 against .4 and .2; 1,2 -> 0 has .9 against .4 and .5; 0,2 -> 1 only .45 / .4.
    assert longer == {((0, 1), 2), ((1, 2), 0), ((0, 2), 1)}
    strict = rules_of(itemsets, 1.2)
    assert int((strict.antecedent >= 0).all(axis=1).sum()) == 1


def _random_baskets(data: st.DataObject) -> Baskets:
    items = data.draw(st.integers(2, 7))
    rows = data.draw(st.lists(st.lists(st.booleans(), min_size=items, max_size=items), min_size=5))
    matrix = sparse.csr_array(np.array(rows, np.bool_))
    return Baskets(PRODUCT, IdMap.of(f"i{c}" for c in range(items)), matrix)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_pair_counts_equal_mlxtends(data: st.DataObject) -> None:
    baskets = _random_baskets(data)
    least = data.draw(st.integers(1, 4))
    first, second, count = pair_counts(baskets, least)
    table = pd.DataFrame(baskets.matrix.toarray())
    reference = fpgrowth(table, min_support=(least - 0.5) / len(baskets), max_len=2)
    expected = {
        (a, b): round(support * len(baskets))
        for support, items in reference.itertuples(index=False)
        if len(items) == 2
        for a, b in (sorted(items), sorted(items, reverse=True))
    }
    got = dict(zip(zip(first.tolist(), second.tolist(), strict=True), count.tolist(), strict=True))
    assert got == expected


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_measures_equal_mlxtends_rules(data: st.DataObject) -> None:
    baskets = _random_baskets(data)
    table = pd.DataFrame(baskets.matrix.toarray(), columns=list(baskets.items.ids))
    itemsets = fpgrowth(table, min_support=1.5 / len(baskets), max_len=3, use_colnames=True)
    rules = (
        association_rules(itemsets, min_threshold=0, return_metrics=list(MEASURES.values()))
        if len(itemsets)
        else pd.DataFrame()
    )
    expected = {
        (tuple(sorted(r.antecedents)), *r.consequents): tuple(
            getattr(r, m) for m in MEASURES.values()
        )
        for r in rules.itertuples()
        if len(r.consequents) == 1 and r.lift > 1 + 1e-9
    }
    frame = mine_level(baskets, LOOSE)
    got = {
        (tuple(sorted(r["antecedent"])), *r["consequent"]): tuple(r[m] for m in MEASURES)
        for r in frame.filter(pl.col("lift") > 1 + 1e-9).iter_rows(named=True)
    }
    assert got.keys() == expected.keys()
    for rule, values in expected.items():
        assert got[rule] == pytest.approx(values)


@pytest.mark.parametrize("miner", MINERS)
def test_rules_do_not_depend_on_the_miner(planted: Planted, miner: Miner) -> None:
    baskets = product_baskets(shop_of(planted.dataset).graph, 100)
    settings = RulesConfig(product_support=0.01)
    by_default = mine_level(baskets, settings)
    assert by_default.filter(pl.col("antecedent").list.len() > 1).height > 0
    assert mine_level(baskets, settings.model_copy(update={"miner": miner})).equals(by_default)


def test_pairs_below_the_support_join_without_repeating_those_above(planted: Planted) -> None:
    baskets = product_baskets(shop_of(planted.dataset).graph, 100)
    split = mine_level(baskets, LOOSE.model_copy(update={"product_support": 0.01, "top": 10_000}))
    whole = mine_level(baskets, LOOSE.model_copy(update={"product_support": 1.0, "top": 10_000}))
    pairs = split.filter(pl.col("antecedent").list.len() == 1)
    assert pairs.height > 0
    assert pairs.select("antecedent", "consequent").is_duplicated().any() is False
    assert sorted(pairs.rows()) == sorted(whole.rows())


def test_counted_pairs_keep_the_most_telling_of_each_antecedent() -> None:
    shop = basket_shop([["a", "b"]] * 4 + [["a", "c"]] * 3 + [["a", "d"]] * 2 + [["e"]] * 5)
    baskets = product_baskets(shop.graph, 10)
    found = pair_candidates(baskets, 2, below=100, per_item=1)
    rules = zip(found.antecedent[:, 0].tolist(), found.consequent.tolist(), strict=True)
    assert list(rules) == [(0, 1), (1, 0), (2, 0), (3, 0)]
    assert found.both.tolist() == [4, 4, 3, 2]


def test_only_the_most_telling_rules_of_each_length_stay() -> None:
    # Antecedents of 10 baskets, consequents of 20 out of 100: telling grows with baskets of both.
    antecedent = np.array([[0, -1], [0, -1], [0, -1], [1, -1], [2, 3], [2, 4], [3, 4], [2, 3]])
    consequent = np.array([5, 6, 7, 5, 5, 5, 5, 6], np.int64)
    both = np.array([4, 6, 5, 3, 4, 9, 5, 3], np.int64)
    rules = Candidates(antecedent, consequent, both, np.full(8, 10), np.full(8, 20))
    kept = rules.strongest(2, 100)
    assert kept.both.tolist() == [6, 5, 3, 9, 5, 3]
    assert kept.consequent.tolist() == [6, 7, 5, 5, 5, 6]
    assert rules.strongest(8, 100).both.tolist() == both.tolist()


def test_no_antecedent_of_one_and_no_consequent_has_more_than_top(planted: Planted) -> None:
    baskets = product_baskets(shop_of(planted.dataset).graph, 100)
    frame = mine_level(baskets, LOOSE.model_copy(update={"top": 3, "product_support": 0.01}))
    pair = pl.col("antecedent").list.len() == 1
    for rules, side in ((frame.filter(pair), "antecedent"), (frame.filter(~pair), "consequent")):
        assert rules.group_by(side).len()["len"].max() == 3


def test_planted_pairs_lead_the_rules_of_their_products(planted: Planted) -> None:
    table = mine_rules(shop_of(planted.dataset))
    for first, second in planted.pairs:
        best = table.bought_together(second, 1)[0]
        assert best.product_id == first
        assert best.rules[0].known("confidence") > 0.7
        assert second in {s.product_id for s in table.bought_together(first, 3)}


def test_shuffled_baskets_yield_close_to_no_rule(planted: Planted) -> None:
    baskets = product_baskets(shop_of(planted.dataset).graph, 100)
    mixed = shuffled(baskets, seed=0)
    assert (np.diff(mixed.matrix.indptr) == np.diff(baskets.matrix.indptr)).all()
    assert (mixed.counts == baskets.counts).all()
    assert mixed.matrix.multiply(baskets.matrix).nnz < 0.3 * baskets.matrix.nnz
    assert mine_level(baskets, RulesConfig()).height > 50
    assert mine_level(mixed, RulesConfig()).height <= 2


def test_levels_and_progress(planted: Planted) -> None:
    seen: list[tuple[str, int, int]] = []
    config = RulesConfig(category_levels=(0,))
    table = mine_rules(shop_of(planted.dataset), config, lambda *step: seen.append(step))
    names = ["product", "category:0", "brand", "mixed"]
    assert seen == [("rules", n, 4) for n in (1, 2, 3, 4)]
    assert list(table.baskets) == names
    assert table.capped == dict.fromkeys(names, 0)
    product = table.level("product")
    least = ceil(config.product_support * table.baskets["product"])
    assert product["count"].min() >= max(least, config.min_count)  # type: ignore[operator]
    assert (product["q_value"] >= product["p_value"]).all()


def test_no_purchases_no_rules() -> None:
    table = mine_rules(basket_shop([["a"]]))
    assert len(table) == 0
    assert table.baskets == {"product": 1}


def test_candidates_of_different_width_join() -> None:
    one = np.array([1], np.int64)
    pair = Candidates(np.array([[0]]), one, one, one, one)
    triple = Candidates(np.array([[0, 2]]), one, one, one, one)
    assert pair.joined(triple).antecedent.tolist() == [[0, -1], [0, 2]]
