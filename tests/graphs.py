"""Interaction graphs for tests, straight from tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from graph.ids import IdMap
from graph.interactions import InteractionGraph
from loaders.synthetic import Planted

Line = tuple[int, int, float, int]
"""User row, product row, day, order."""


def graph_of(lines: Sequence[Line], users: int, products: int) -> InteractionGraph:
    """Purchases written by hand; each costs 1."""
    user, product, day, order = (list(c) for c in zip(*lines, strict=True)) if lines else ([],) * 4
    n = len(lines)
    return InteractionGraph(
        users=IdMap.of(f"u{i}" for i in range(users)),
        products=IdMap.of(f"p{i}" for i in range(products)),
        registered=np.ones(users, np.bool_),
        user_rows=np.array(user, np.int32),
        product_rows=np.array(product, np.int32),
        kinds=np.zeros(n, np.int8),
        days=np.array(day, np.float64),
        quantities=np.ones(n, np.float32),
        values=np.ones(n, np.float32),
        orders=np.array(order, np.int32),
    )


def graph_of_shop(planted: Planted) -> InteractionGraph:
    """The purchases of a synthetic shop."""
    events = planted.dataset.events
    users = IdMap(planted.dataset.users["user_id"])
    products = IdMap(planted.dataset.products["product_id"])
    orders = events["order_id"].rank("dense").to_numpy().astype(np.int32) - 1
    return InteractionGraph(
        users=users,
        products=products,
        registered=np.ones(len(users), np.bool_),
        user_rows=users.to_rows(events["user_id"], missing="error").astype(np.int32),
        product_rows=products.to_rows(events["product_id"], missing="error").astype(np.int32),
        kinds=np.zeros(len(events), np.int8),
        days=events["at"].dt.epoch("us").cast(pl.Float64).to_numpy() / 86_400e6,
        quantities=events["quantity"].to_numpy().astype(np.float32),
        values=events["value"].to_numpy().astype(np.float32),
        orders=orders,
    )
