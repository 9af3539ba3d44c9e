"""Baskets: orders by items, with capping and grouping of lines without an order."""

from __future__ import annotations

import numpy as np
from insight_shop import basket_shop, line_shop

from rules.baskets import category_baskets, product_baskets


def test_repeated_lines_of_an_order_count_once() -> None:
    baskets = product_baskets(basket_shop([["a", "b", "a"], ["a"], ["c"]]).graph, 10)
    assert baskets.matrix.toarray().tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert baskets.matrix.dtype == np.bool_
    assert baskets.counts.tolist() == [2, 1, 1]


def test_lines_without_an_order_join_by_user_and_day() -> None:
    lines = [
        (0, 0, 5.1, 1.0, -1),
        (0, 1, 5.9, 1.0, -1),
        (0, 2, 6.0, 1.0, -1),
        (1, 0, 5.2, 1.0, -1),
        (1, 1, 5.2, 1.0, 7),
    ]
    baskets = product_baskets(line_shop(["u", "v"], lines, ["a", "b", "c"]).graph, 10)
    held = sorted(tuple(np.flatnonzero(row).tolist()) for row in baskets.matrix.toarray())
    assert held == [(0,), (0, 1), (1,), (2,)]


def test_a_large_basket_keeps_its_most_frequent_items() -> None:
    shop = basket_shop([["a", "b", "c", "d"], ["d"], ["c", "d"], ["b"]])
    baskets = product_baskets(shop.graph, 2)
    # Counts: a 1, b 2, c 2, d 3; of the tie between b and c the earlier stays.
    assert baskets.matrix.toarray()[0].tolist() == [False, True, False, True]
    assert (baskets.capped, baskets.removed) == (1, 2)


def test_category_baskets_keep_every_order_in_the_denominator() -> None:
    shop = basket_shop([["a", "b"], ["c"], ["a"]], {"a": "x", "b": "x"})
    baskets = category_baskets(shop, 0, 10)
    assert baskets.level == "category:0"
    assert baskets.matrix.toarray().tolist() == [[True], [False], [True]]


def test_no_purchases_give_no_baskets() -> None:
    baskets = product_baskets(line_shop(["u"], [], ["a"]).graph, 10)
    assert len(baskets) == 0
    assert baskets.counts.tolist() == [0]
