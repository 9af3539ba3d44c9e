"""What came of exposures, by the purchases that the graph holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from experiments.config import ExperimentsConfig
from experiments.measure import PURCHASES, outcomes
from experiments.report import Question, Results, results
from graph.query import read_query
from graph.store import QueryLimits
from pipeline.home import Home

__all__ = ["PURCHASES_SINCE", "measured", "purchases_since"]

LIMITS: Final = QueryLimits(rows=20_000_000, seconds=300, megabytes=4_000)
PURCHASES_SINCE: Final = """
MATCH (u:User)-[p:PURCHASED]->(:Product) WHERE p.at >= $since
RETURN u.id AS user_id, p.session_id AS session_id, p.order_id AS order_id, p.at AS at,
p.value AS value
"""


def purchases_since(home: Home, since: datetime) -> pl.DataFrame:
    """Purchase lines of the graph from ``since`` on, columns ``experiments.measure.PURCHASES``.

    Raises:
        StoreUnavailable: the store cannot be read just now.
        QueryError: there are more than can be read.
    """
    lines = pl.from_arrow(read_query(home.store, PURCHASES_SINCE, {"since": since}, LIMITS))
    assert isinstance(lines, pl.DataFrame)
    # A server says nothing of the types of columns without rows.
    at = pl.lit(None, pl.Int64) if lines.is_empty() else pl.col("at").dt.epoch("us")
    return lines.with_columns(
        at.alias("at"),
        pl.col("user_id", "session_id", "order_id").cast(pl.String),
        pl.col("value").cast(pl.Float64),
    ).select(PURCHASES.names())


def measured(
    home: Home,
    exposures: pl.DataFrame,
    clicks: pl.DataFrame,
    asked: Question,
    config: ExperimentsConfig,
    now: datetime,
) -> Results:
    """What is known now of those who were exposed.

    Args:
        home: the shop.
        exposures: ``unit``, ``variant`` and ``at`` of the first, microseconds.
        clicks: ``unit`` and ``at``.
        asked: what is asked of them; without ``priced`` where no purchase has a value.
        config: how sure a finding must be.
        now: the time of the look.

    Raises:
        StoreUnavailable: the store cannot be read just now.
    """
    first = exposures.select(pl.col("at").min()).item()
    began = None if first is None else datetime.fromtimestamp(first / 1e6, UTC)
    lines = purchases_since(home, began) if began else pl.DataFrame(schema=PURCHASES)
    priced = lines.is_empty() or lines["value"].null_count() < len(lines)
    found = outcomes(exposures, clicks, lines, timedelta(days=asked.window_days), now)
    return results(found, asked if priced else asked.without_values(), config, now)
