"""Features of customers, one documented number each, for rules, classifiers and tables.

Each is of purchases up to the shop's last event and is empty (null) where it cannot be told.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from graph.interactions import InteractionGraph
from graph.shop import Shop
from segments.mix import mix_counts, mix_items

__all__ = ["FEATURES", "customer_features", "preference_features"]

FEATURES: Final[dict[str, str]] = {
    "spend": "statistical: all that was spent, shop's currency",
    "basket_value": "statistical: mean spend of an order",
    "basket_spread": "statistical: standard deviation of the spend of orders",
    "price": "statistical: mean price of a unit bought",
    "lines": "frequency: purchase lines",
    "orders": "frequency: orders",
    "products": "frequency: different products",
    "orders_per_30_days": "frequency: orders in 30 days, from the first purchase on",
    "days_since_last": "time: days since the last purchase",
    "days_known": "time: days since the first purchase",
    "gap": "time: mean days between two orders",
    "gap_spread": "time: standard deviation of these",
    "weekend": "time: share of orders on Saturday or Sunday, UTC",
    "morning": "time: share of orders before noon, UTC",
    "evening": "time: share of orders from 18 o'clock on, UTC",
    "repeats": "sequence: share of lines of a product that an earlier order held",
    "latest_share": "sequence: share of orders in the latter half of the time known",
    "variety": "interaction: entropy of the mix over categories, in bits",
}
"""Name and meaning of each."""


def customer_features(shop: Shop) -> pl.DataFrame:
    """``FEATURES`` of every user, float64, row i of user row i.

    Args:
        shop: its purchases count.
    """
    bought = shop.graph.purchases()
    lines = _lines(bought)
    orders = lines.group_by("user", "order").agg(at=pl.col("at").min(), value=pl.col("value").sum())
    frames = (_of_lines(lines), _of_orders(orders, bought.last_day), _variety(shop, bought))
    found = pl.DataFrame({"user": np.arange(len(shop.graph.users))})
    for frame in frames:
        found = found.join(frame, on="user", how="left", maintain_order="left")
    return found.select(pl.col(list(FEATURES)).cast(pl.Float64).fill_nan(None))


def preference_features(shop: Shop, most: int = 30) -> pl.DataFrame:
    """Share of each user's lines in each of the ``most`` largest categories, float64.

    Columns are named ``buys <category>``; products stand in where there are no categories.
    """
    counts = mix_counts(shop.graph.purchases(), items := mix_items(shop))
    total = np.maximum(np.asarray(counts.sum(axis=1)), 1)
    names = _names(shop, items)
    largest = np.argsort(-np.asarray(counts.sum(axis=0)), kind="stable")[:most]
    shares = counts[:, largest].toarray() / total[:, None]
    return pl.DataFrame({f"buys {names[i]}": shares[:, n] for n, i in enumerate(largest.tolist())})


def _lines(bought: InteractionGraph) -> pl.DataFrame:
    """Lines with the order they are in: their own, or their user's of that UTC day."""
    day = np.floor(bought.days).astype(np.int64)
    return pl.DataFrame(
        {
            "user": bought.user_rows.astype(np.int64),
            "product": bought.product_rows,
            "order": np.where(bought.orders >= 0, bought.orders, -1 - day),
            "at": bought.days,
            "quantity": bought.quantities.astype(np.float64),
            "value": bought.values.astype(np.float64),
        }
    ).with_columns(pl.col("value").fill_nan(None))


def _of_lines(lines: pl.DataFrame) -> pl.DataFrame:
    first = pl.col("at") <= pl.col("at").min().over("user", "product")
    return (
        lines.group_by("user")
        .agg(
            spend=pl.when(pl.col("value").count() > 0).then(pl.col("value").sum()),
            price=pl.col("value").sum() / pl.col("quantity").filter(pl.col("value") > 0).sum(),
            lines=pl.len(),
            products=pl.col("product").n_unique(),
        )
        .join(
            lines.with_columns(again=~first).group_by("user").agg(repeats=pl.col("again").mean()),
            on="user",
        )
    )


def _of_orders(orders: pl.DataFrame, now: float) -> pl.DataFrame:
    at = pl.col("at")
    hour, weekday = (at % 1) * 24, (at.floor().cast(pl.Int64) + 3) % 7
    gap = at.sort().diff().drop_nulls()
    known = now - at.min()
    return orders.group_by("user").agg(
        basket_value=pl.col("value").mean(),
        basket_spread=pl.col("value").std(),
        orders=pl.len(),
        orders_per_30_days=pl.len() * 30 / pl.max_horizontal(known, pl.lit(30.0)),
        days_since_last=now - at.max(),
        days_known=known,
        gap=gap.mean(),
        gap_spread=gap.std(),
        weekend=(weekday >= 5).mean(),
        morning=(hour < 12).mean(),
        evening=(hour >= 18).mean(),
        latest_share=(at > now - known / 2).mean(),
    )


def _variety(shop: Shop, bought: InteractionGraph) -> pl.DataFrame:
    counts = mix_counts(bought, mix_items(shop))
    total = np.asarray(counts.sum(axis=1), np.float64)
    share = counts.tocoo()
    part = share.data / total[share.coords[0]]
    bits = np.bincount(share.coords[0], -part * np.log2(part), len(total))
    users = np.flatnonzero(total > 0)
    return pl.DataFrame({"user": users, "variety": bits[users]})


def _names(shop: Shop, items: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[str]:
    """What to call each item: its category, or the product where there are none."""
    names = [""] * (int(items.max(initial=-1)) + 1)
    for level in reversed(range(shop.levels)):
        rows = shop.category_rows(level)
        if len(np.unique(rows[rows >= 0])) == len(names):
            called = shop.categories["name"].to_list()
            for product, item in enumerate(items.tolist()):
                if item >= 0:
                    names[item] = called[rows[product]]
            return names
    ids = shop.products["product_id"].to_list()
    for product, item in enumerate(items.tolist()):
        if item >= 0:
            names[item] = ids[product]
    return names
