"""What became of each unit after its first exposure: clicked, bought, for how much.

A purchase counts for a unit if it is the customer's own, or was made in the session that the unit
is, whoever logged in meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import polars as pl

from loaders.schema import ANONYMOUS_PREFIX

__all__ = ["PURCHASES", "outcomes"]

PURCHASES: Final = pl.Schema(
    {
        "user_id": pl.String,
        "session_id": pl.String,
        "order_id": pl.String,
        "at": pl.Int64,
        "value": pl.Float64,
    }
)
"""Columns of purchase lines, ``at`` in UTC microseconds since 1970."""
_TYPES: Final = pl.Schema(
    {
        "unit": pl.String,
        "variant": pl.String,
        "clicked": pl.Float64,
        "converted": pl.Float64,
        "orders": pl.Int64,
        "revenue": pl.Float64,
        "open": pl.Boolean,
    }
)


def outcomes(
    exposures: pl.DataFrame,
    clicks: pl.DataFrame,
    purchases: pl.DataFrame,
    window: timedelta,
    now: datetime,
) -> pl.DataFrame:
    """A row each unit: ``unit, variant, clicked, converted, orders, revenue, open``.

    Args:
        exposures: ``unit``, ``variant`` and ``at`` of the first.
        clicks: ``unit`` and ``at``.
        purchases: lines with the columns ``PURCHASES``; a line without order is an order of its
            own, one without value counts as bought for nothing.
        window: how long after the exposure things count; its end is not in it.
        now: units whose window ends later are ``open``.
    """
    length = window // timedelta(microseconds=1)
    ends = exposures.with_columns(end=pl.col("at") + length).rename({"at": "start"})
    clicked = _within(ends, clicks).select("unit", clicked=1.0).unique()
    lines = _within(ends, _by_unit(purchases))
    bought = lines.group_by("unit").agg(
        converted=pl.lit(1.0),
        orders=pl.col("order_id").drop_nulls().n_unique() + pl.col("order_id").null_count(),
        revenue=pl.col("value").fill_null(0.0).sum(),
    )
    found = ends.join(clicked, "unit", how="left").join(bought, "unit", how="left")
    limit = int(now.timestamp() * 1e6)
    return (
        found.with_columns(open=pl.col("end") > limit)
        .with_columns(pl.col("clicked", "converted", "orders", "revenue").fill_null(0))
        .select(_TYPES.names())
        .cast(_TYPES)
    )


def _within(ends: pl.DataFrame, acts: pl.DataFrame) -> pl.DataFrame:
    """Acts of units within their window."""
    joined = acts.join(ends.select("unit", "start", "end"), "unit")
    return joined.filter((pl.col("at") >= pl.col("start")) & (pl.col("at") < pl.col("end")))


def _by_unit(purchases: pl.DataFrame) -> pl.DataFrame:
    """Lines by the units they may count for: their customer and, if that is another, session."""
    session = pl.lit(ANONYMOUS_PREFIX) + pl.col("session_id")
    lines = purchases.with_columns(session=session)
    other = lines.filter(pl.col("session") != pl.col("user_id"))
    columns = ("order_id", "at", "value")
    return pl.concat(
        [
            lines.select("user_id", *columns).rename({"user_id": "unit"}),
            other.select("session", *columns).rename({"session": "unit"}),
        ]
    )
