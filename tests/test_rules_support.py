"""Support: counts of sets by hand and by brute force, and what is affordable."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from insight_shop import basket_shop
from scipy import sparse

from graph.ids import IdMap
from rules.baskets import PRODUCT, Baskets, product_baskets
from rules.config import RulesConfig
from rules.mine import mine_level
from rules.support import affordable_count, set_counts
from rules.vertical import vertical

# Three baskets of abc, two of ab, one of a, one of d.
LETTERS = [list("abc")] * 3 + [list("ab")] * 2 + [["a"], ["d"]]


def _dense(baskets: int = 400, items: int = 40, size: int = 20) -> Baskets:
    """Long baskets of even items: millions of sets would be frequent at a low support."""
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(baskets), size)
    columns = np.concatenate([rng.choice(items, size, replace=False) for _ in range(baskets)])
    entries = (np.ones(len(rows), np.bool_), (rows, columns))
    matrix = sparse.csr_array(sparse.coo_array(entries, shape=(baskets, items)))
    return Baskets(PRODUCT, IdMap.of(f"i{c}" for c in range(items)), matrix)


def test_sets_of_letters() -> None:
    baskets = product_baskets(basket_shop(LETTERS).graph, 10)
    counted = [(sorted(both.tolist()), weight) for both, weight in set_counts(baskets, 2, 4)]
    assert counted == [([3, 5, 6], 1), ([3, 3, 5], 1), ([3], 1), ([], 1)]


@pytest.mark.parametrize(("most", "count"), [(7, 2), (6, 5), (3, 5), (2, 6), (1, 6), (0, 7)])
def test_the_least_count_with_no_more_sets(most: int, count: int) -> None:
    # a 6, b and ab 5, c, ac, bc and abc 3.
    baskets = product_baskets(basket_shop(LETTERS).graph, 10)
    assert affordable_count(baskets, 2, 3, most) == count


@pytest.mark.parametrize(("most", "expected"), [(25, 1), (24, 2)])
def test_all_sets_of_five_items_and_not_one_fewer_are_affordable(most: int, expected: int) -> None:
    # 5 items, 10 pairs and 10 triples, each in one basket.
    baskets = product_baskets(basket_shop([list("abcde")]).graph, 10)
    assert affordable_count(baskets, 1, 3, most) == expected


def test_a_sample_counts_close_to_all() -> None:
    # 780 pairs and 9,880 triples of about 47 baskets: quadruples extend 2,000 of the triples.
    baskets = _dense()
    dense = baskets.matrix.toarray()
    exact = sum(int(dense[:, s].all(axis=1).sum() >= 20) for s in combinations(range(40), 4))
    both, weight = set_counts(baskets, 20, 4)[-1]
    assert weight == pytest.approx(9880 / 2000)
    assert len(both) * weight == pytest.approx(exact, rel=0.1)


def test_long_baskets_yield_no_more_sets_than_affordable() -> None:
    baskets = _dense()
    count = affordable_count(baskets, 5, 3, 1000)
    assert count > 5
    assert 500 < len(vertical(baskets, count, 3)) <= 1100
    frame = mine_level(baskets, RulesConfig(max_itemsets=1000, max_false_discovery=1))
    long = frame.filter(frame["antecedent"].list.len() == 2)
    assert long.is_empty() or long["count"].min() >= count  # type: ignore[operator]
