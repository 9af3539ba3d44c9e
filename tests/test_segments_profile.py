"""Profiles and traits: hand-worked tables, and silence where labels are shuffled."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from insight_shop import line_shop, shop_of
from scipy import sparse, stats

from loaders.synthetic import Planted
from segments.attributes import attribute_columns, attribute_values
from segments.config import SegmentsConfig
from segments.model import Behaviour
from segments.products import segment_products
from segments.profile import behaviour, customer_table, profiles
from segments.traits import attribute_overuse, buyer_overuse, preference_overuse

# user, product, day, value, order
LINES = [
    (0, 0, 1.2, 30.0, 0),
    (0, 1, 1.2, 10.0, 0),
    (0, 0, 5.0, 20.0, 1),
    (1, 0, 9.5, 40.0, 2),
    (2, 1, 3.0, 6.0, -1),
    (2, 1, 3.9, 4.0, -1),
    (2, 0, 7.5, 10.0, -1),
]
CATEGORIES = {"wine": "drinks", "bread": "food"}
SMALL = SegmentsConfig(min_customers=1, max_false_discovery=1, min_lift=1)


def test_customers_counted_by_hand() -> None:
    shop = line_shop(["a", "b", "c", "d"], LINES, ["wine", "bread"], CATEGORIES)
    table = customer_table(shop.graph)
    assert table["user"].to_list() == [0, 1, 2]
    assert table["spend"].to_list() == [60, 40, 20]
    # The third user's lines without an order fall on two days.
    assert table["orders"].to_list() == [2, 1, 2]
    assert table["days_since"].to_list() == pytest.approx([4.5, 0, 2])
    assert behaviour(table) == Behaviour(40.0, pytest.approx(5 / 3), 24.0, 2.0)
    assert behaviour(table.head(0)) == Behaviour(None, None, None, None)


def test_profile_by_hand() -> None:
    shop = line_shop(["a", "b", "c", "d"], LINES, ["wine", "bread"], CATEGORIES)
    first, second = profiles(shop, np.array([0, 0, 1, -1], np.int32), 2, SMALL)
    assert first.customers == 2
    assert first.customer_share == 0.5
    assert first.spend_share == pytest.approx(100 / 120)
    assert first.behaviour == Behaviour(50.0, 1.5, pytest.approx(100 / 3), 2.25)
    # Shares of wine: 50/60, 1 and 1/2; members' mean .9167, the shop's .7778.
    (wine,) = [t for t in first.categories if t.name == "drinks"]
    assert (wine.share, wine.shop_share) == pytest.approx((11 / 12, 7 / 9))
    assert wine.lift == pytest.approx(33 / 28)
    assert (wine.customers, wine.kind) == (2, "category:0")
    assert [t.name for t in second.categories] == ["food"]


def test_small_counts_are_not_shown() -> None:
    shop = line_shop(["a", "b", "c", "d"], LINES, ["wine", "bread"], CATEGORIES)
    config = SMALL.model_copy(update={"min_customers": 3})
    for profile in profiles(shop, np.array([0, 0, 1, -1], np.int32), 2, config):
        assert profile.categories == profile.titles == profile.products == ()
        assert profile.brands == profile.attributes == ()


def test_preferences_are_tested_by_welchs_t_on_roots_of_shares() -> None:
    rng = np.random.default_rng(0)
    spend = rng.gamma(0.5, 1, (60, 4)) * (rng.random((60, 4)) < 0.7)
    spend[0] = 0
    member = (np.arange(60) % 3).astype(np.int32)
    got = preference_overuse(sparse.csr_array(spend), member, 3, 1)
    bought = spend.sum(axis=1) > 0
    share = spend[bought] / spend[bought].sum(axis=1, keepdims=True)
    mine = member[bought] == 1
    expected = stats.ttest_ind(
        np.sqrt(share[mine]), np.sqrt(share[~mine]), equal_var=False, alternative="greater"
    ).pvalue
    all_p = np.stack(
        [
            stats.ttest_ind(
                np.sqrt(share[member[bought] == s]),
                np.sqrt(share[member[bought] != s]),
                equal_var=False,
                alternative="greater",
            ).pvalue
            for s in range(3)
        ]
    )
    corrected = stats.false_discovery_control(all_p.ravel()).reshape(all_p.shape)
    assert got.p_value == pytest.approx(corrected)
    assert got.share[1] == pytest.approx(share[mine].mean(axis=0))
    assert got.customers[1].tolist() == (share[mine] > 0).sum(axis=0).tolist()
    assert len(expected) == 4


def test_attributes_by_hand() -> None:
    values = pl.Series(["old", "old", "old", "young", "young", "young", None, "old"])
    member = np.array([0, 0, 0, 1, 1, 1, 0, -1], np.int32)
    kinds, got = attribute_overuse(values, member, 2, 1)
    assert kinds == ["old", "young"]
    assert got.share.tolist() == [[1, 0], [0, 1]]
    assert got.shop_share.tolist() == [0.5, 0.5]
    # All three of six: 1 / C(6,3) = .05 twice and 1 twice, over four cells: .1.
    assert got.customers.tolist() == [[3, 0], [0, 3]]
    assert np.diag(got.p_value) == pytest.approx([0.1, 0.1])


def test_buyers_by_hand() -> None:
    spend = np.zeros((7, 2))
    spend[[0, 1, 2], 0] = 4.0
    spend[[3, 4, 5], 1] = 1.0
    member = np.array([0, 0, 0, 1, 1, 1, 1], np.int32)
    got = buyer_overuse(sparse.csr_array(spend), member, 2, 1)
    # The last user bought nothing and does not count; the rest as in the table above.
    assert got.share.tolist() == [[1, 0], [0, 1]]
    assert got.shop_share.tolist() == [0.5, 0.5]
    assert got.customers.tolist() == [[3, 0], [0, 3]]
    assert np.diag(got.p_value) == pytest.approx([0.1, 0.1])
    assert buyer_overuse(sparse.csr_array(spend), member, 2, 4).p_value.min() == 1


def test_overlapping_items_are_shares_of_the_total_given() -> None:
    spend = sparse.csr_array([[8.0, 8.0], [2.0, 0.0]])
    total = np.array([16.0, 4.0])
    got = preference_overuse(spend, np.array([0, 0], np.int32), 1, 1, total)
    assert got.share.tolist() == [[0.5, 0.25]]


def test_numbers_become_ranges_and_identifiers_are_no_attributes() -> None:
    users = pl.DataFrame(
        {
            "user_id": [str(i) for i in range(100)],
            "anonymous": [False] * 100,
            "age": [None, *range(1, 100)],
            "email": [f"{i}@example.org" for i in range(100)],
            "same": ["x"] * 100,
            "member": [True, False] * 50,
            "kids": [0, 1] * 50,
        }
    )
    assert attribute_columns(users) == ["age", "member", "kids"]
    ranges = attribute_values(users["age"])
    assert ranges[0] is None
    assert ranges[1] == "1 to 25.5"
    assert ranges.drop_nulls().value_counts()["count"].sort().to_list() == [24, 25, 25, 25]
    assert attribute_values(users["kids"]).unique().sort().to_list() == ["0", "1"]


def test_planted_groups_show_their_aisle_and_age(planted: Planted) -> None:
    shop = shop_of(planted.dataset)
    described = profiles(shop, planted.group.astype(np.int32), 4, SegmentsConfig())
    bands = ["18-29", "30-44", "45-64", "65+"]
    for group, profile in enumerate(described):
        top = next(t for t in profile.categories if t.kind == "category:0")
        assert top.name == f"Aisle {group}"
        assert top.lift > 2.5
        assert [t.name for t in profile.attributes] == [bands[group]]


def test_shuffled_labels_show_nearly_nothing(planted: Planted) -> None:
    shop = shop_of(planted.dataset)
    shown = 0
    for seed in range(20):
        member = np.random.default_rng(seed).permutation(planted.group).astype(np.int32)
        described = profiles(shop, member, 4, SegmentsConfig(min_lift=1))
        bought = [t for p in described for t in (*p.categories, *p.products, *p.brands)]
        shown += len({t.kind for t in (*bought, *(t for p in described for t in p.attributes))})
    # 20 shuffles of 5 kinds: where nothing is true, one kind in 20 may show something.
    assert shown <= 10


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_products_equal_a_slow_count(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [
        (int(u), int(p), float(d), 1.0, o)
        for o, (u, p, d) in enumerate(zip(*rng.integers(0, 6, (3, 30)), strict=True))
    ]
    shop = line_shop([f"u{i}" for i in range(6)], lines, [f"p{i}" for i in range(6)])
    member = rng.integers(-1, 2, 6).astype(np.int32)
    config = SegmentsConfig(min_customers=1, min_lift=1.0)
    got = {
        (s, p): (lift, n) for s, p, lift, n in segment_products(shop.graph, member, config).rows()
    }
    held = {(u, p) for u, p, *_ in lines}
    active = {u for u, _ in held}
    expected = {}
    for s in range(2):
        mine = {u for u in active if member[u] == s}
        for p in range(6):
            buyers = sum((u, p) in held for u in mine)
            if buyers:
                lift = buyers / len(mine) / (sum((u, p) in held for u in active) / len(active))
                if lift >= 1 - 1e-12:
                    expected[s, p] = (pytest.approx(lift), buyers)
    assert got == {k: v for k, v in expected.items() if k in got}
    assert all(v[0].expected < 1 + 1e-9 for k, v in expected.items() if k not in got)


def test_products_are_bounded_and_ordered(planted: Planted) -> None:
    shop = shop_of(planted.dataset)
    config = SegmentsConfig(products=5)
    table = segment_products(shop.graph, planted.group.astype(np.int32), config)
    assert table.group_by("segment", maintain_order=True).len().rows() == [(s, 5) for s in range(4)]
    assert table["buyers"].min() >= 10  # type: ignore[operator]
    size = len(shop.graph.products) // 4
    assert (table["product_row"] // size == table["segment"]).all()
