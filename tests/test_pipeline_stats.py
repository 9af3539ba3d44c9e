"""Counts by customer and product, against a shop counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from graphs import graph_of

from pipeline.stats import product_stats, user_stats

LINES = [(0, 0, 1.0, 0), (0, 1, 1.0, 0), (0, 0, 4.5, 1), (2, 1, 2.25, -1), (2, 1, 2.75, -1)]


def test_counts_by_customer() -> None:
    stats = user_stats(graph_of(LINES, 3, 3))
    assert stats.to_dicts() == [
        {"orders": 2, "purchases": 3, "products": 2, "spend": 3.0, "first": 1.0, "last": 4.5},
        {"orders": 0, "purchases": 0, "products": 0, "spend": None, "first": None, "last": None},
        # Lines of unknown order on one day count as one order.
        {"orders": 1, "purchases": 2, "products": 1, "spend": 2.0, "first": 2.25, "last": 2.75},
    ]


def test_counts_by_product() -> None:
    assert product_stats(graph_of(LINES, 3, 3)).to_dicts() == [
        {"customers": 1, "purchases": 2, "spend": 2.0},
        {"customers": 2, "purchases": 3, "spend": 3.0},
        {"customers": 0, "purchases": 0, "spend": None},
    ]


def test_unknown_days_apart_are_orders_apart() -> None:
    stats = user_stats(graph_of([(0, 0, 1.1, -1), (0, 0, 2.1, -1), (0, 0, 2.9, -1)], 1, 1))
    assert stats["orders"].to_list() == [2]


def test_spend_is_what_is_known_of_it_and_empty_where_nothing_is() -> None:
    values = np.array([np.nan, 2.5, np.nan, np.nan, np.nan], np.float32)
    graph = replace(graph_of(LINES, 3, 3), values=values)
    assert user_stats(graph)["spend"].to_list() == [2.5, None, None]
    assert product_stats(graph)["spend"].to_list() == [None, 2.5, None]


def test_views_are_no_purchases() -> None:
    graph = replace(graph_of(LINES, 3, 3), kinds=np.array([0, 1, 1, 1, 1], np.int8))
    assert user_stats(graph)["purchases"].to_list() == [1, 0, 0]


def test_nobody_bought_anything() -> None:
    graph = graph_of([], 2, 1)
    assert user_stats(graph)["orders"].to_list() == [0, 0]
    assert product_stats(graph)["purchases"].to_list() == [0]
