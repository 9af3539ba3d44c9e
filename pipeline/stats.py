"""Plain counts by customer and by product, for profiles and search: one pass over the events."""

from __future__ import annotations

import numpy as np
import polars as pl

from graph.interactions import InteractionGraph

__all__ = ["product_stats", "user_stats"]


def _lines(graph: InteractionGraph) -> pl.DataFrame:
    bought = graph.purchases()
    values = pl.Series(bought.values.astype(np.float64)).fill_nan(None)
    return pl.DataFrame(
        {
            "user": bought.user_rows,
            "product": bought.product_rows,
            "order": bought.orders,
            "day": bought.days,
            "value": values,
        }
    )


def user_stats(graph: InteractionGraph) -> pl.DataFrame:
    """One row a user row: ``orders``, ``purchases``, ``products``, ``spend``, ``first``, ``last``.

    Days are since 1970-01-01 UTC and spend is in the shop's currency; both are empty for a user
    who bought nothing, spend also where no line has a value. Lines of unknown order count as one
    order a day.
    """
    day = pl.col("day").floor().cast(pl.Int64)
    order = pl.when(pl.col("order") >= 0).then(pl.col("order").cast(pl.Int64)).otherwise(-1 - day)
    stats = (
        _lines(graph)
        .group_by("user")
        .agg(
            orders=order.n_unique(),
            purchases=pl.len(),
            products=pl.col("product").n_unique(),
            spend=_sum("value"),
            first=pl.col("day").min(),
            last=pl.col("day").max(),
        )
    )
    return _aligned(stats, "user", len(graph.users), ("orders", "purchases", "products"))


def product_stats(graph: InteractionGraph) -> pl.DataFrame:
    """One row a product row: ``customers``, ``purchases``, ``spend`` (empty where unknown)."""
    stats = (
        _lines(graph)
        .group_by("product")
        .agg(customers=pl.col("user").n_unique(), purchases=pl.len(), spend=_sum("value"))
    )
    return _aligned(stats, "product", len(graph.products), ("customers", "purchases"))


def _sum(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_not_null().any()).then(pl.col(column).sum())


def _aligned(stats: pl.DataFrame, key: str, n: int, counts: tuple[str, ...]) -> pl.DataFrame:
    rows = pl.DataFrame({key: np.arange(n, dtype=np.int32)})
    joined = rows.join(stats, on=key, how="left", maintain_order="left").drop(key)
    return joined.with_columns(pl.col(c).fill_null(0).cast(pl.Int64) for c in counts)
