"""Shops for the tests of rules and segments, straight from tables, without a store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from graph.ids import IdMap
from graph.interactions import InteractionGraph
from graph.shop import Shop
from loaders.dataset import Dataset
from loaders.schema import EVENT_NAMES, empty


def shop_of(data: Dataset) -> Shop:
    """The shop a store would give back for ``data``."""
    users, products = IdMap(data.users["user_id"]), IdMap(data.products["product_id"])
    events = data.events
    orders = events["order_id"].rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    graph = InteractionGraph(
        users,
        products,
        ~data.users["anonymous"].to_numpy(),
        users.to_rows(events["user_id"], missing="error").astype(np.int32),
        products.to_rows(events["product_id"], missing="error").astype(np.int32),
        np.array([EVENT_NAMES.index(e) for e in events["event"]], np.int8),
        events["at"].dt.epoch("us").to_numpy() / 86_400e6,
        events["quantity"].to_numpy().astype(np.float32),
        events["value"].to_numpy().astype(np.float32),
        orders.astype(np.int32),
    )
    return Shop(graph, data.users, data.products, data.categories)


def basket_shop(baskets: Sequence[Sequence[str]], categories: dict[str, str] | None = None) -> Shop:
    """A shop of one user an order, each ordering a basket of product ids on its own day."""
    lines = [(b, p) for b, basket in enumerate(baskets) for p in basket]
    names = sorted({p for _, p in lines})
    return line_shop(
        [f"u{b}" for b in range(len(baskets))],
        [(b, names.index(p), float(b), 1.0, b) for b, p in lines],
        names,
        categories or {},
    )


def line_shop(
    users: Sequence[str],
    lines: Sequence[tuple[int, int, float, float, int]],
    products: Sequence[str],
    categories: dict[str, str] | None = None,
    attributes: dict[str, list[str | None]] | None = None,
) -> Shop:
    """A shop from purchase lines (user row, product row, day, value, order)."""
    user, product, day, value, order = zip(*lines, strict=True) if lines else ([],) * 5
    graph = InteractionGraph(
        IdMap.of(users),
        IdMap.of(products),
        np.ones(len(users), np.bool_),
        np.array(user, np.int32),
        np.array(product, np.int32),
        np.zeros(len(lines), np.int8),
        np.array(day, np.float64),
        np.ones(len(lines), np.float32),
        np.array(value, np.float32),
        np.array(order, np.int32),
    )
    categories = categories or {}
    table = pl.DataFrame(
        {
            "product_id": list(products),
            "title": [p.title() for p in products],
            "category_id": pl.Series([categories.get(p) for p in products], dtype=pl.String),
            "brand": pl.Series([None] * len(products), dtype=pl.String),
        }
    )
    known = sorted(set(categories.values()))
    levels = pl.DataFrame(
        [(c, c, 0, None) for c in known], schema=empty("categories").schema, orient="row"
    )
    people = pl.DataFrame({"user_id": list(users), "anonymous": [False] * len(users)})
    return Shop(graph, people.with_columns(**_columns(attributes)), table, levels)


def _columns(attributes: dict[str, list[str | None]] | None) -> dict[str, pl.Series]:
    return {k: pl.Series(v, dtype=pl.String) for k, v in (attributes or {}).items()}
