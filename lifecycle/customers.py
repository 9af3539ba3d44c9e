"""One table of all customers: stage, value, churn and scores, as builds publish it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from graph.interactions import InteractionGraph
from lifecycle.churn import ChurnData, fit_churn, moment_at
from lifecycle.config import LifecycleConfig
from lifecycle.drivers import strongest
from lifecycle.occasions import Occasions
from lifecycle.rfm import find_rfm
from lifecycle.rhythm import find_rhythm
from lifecycle.stages import find_stages
from lifecycle.tastes import Shelves
from lifecycle.value import fit_value, predict_value
from loaders.errors import DataError
from loaders.progress import Progress, silent

__all__ = ["COLUMNS", "CustomerTable", "build_customers"]

_SECOND = 1 / 86_400
_DRIVER = pl.Struct({"driver": pl.String, "effect": pl.Float64, "figure": pl.Float64})
_TIME = pl.Datetime("us", "UTC")

COLUMNS: Final[Mapping[str, Any]] = {
    "user_id": pl.String,
    "stage": pl.String,
    "orders": pl.Int64,
    "spend": pl.Float64,
    "first_at": _TIME,
    "last_at": _TIME,
    "days_since_last": pl.Float64,
    "usual_interval_days": pl.Float64,
    "expected_orders": pl.Float64,
    "expected_value": pl.Float64,
    "probability_alive": pl.Float64,
    "churn_risk": pl.Float64,
    "rfm": pl.String,
    "rfm_cell": pl.String,
    "recency_score": pl.Int8,
    "frequency_score": pl.Int8,
    "monetary_score": pl.Int8,
    "purchase_days": pl.Int64,
    "at_risk_after_days": pl.Float64,
    "lost_after_days": pl.Float64,
    "recent_interval_days": pl.Float64,
    "earlier_interval_days": pl.Float64,
    "returned_after_days": pl.Float64,
    "churn_drivers": pl.List(_DRIVER),
}
"""Columns of the table and their types; null is what is not known, or has no meaning."""


@dataclass(frozen=True)
class CustomerTable:
    """The table, and what it was made with.

    Attributes:
        table: ``COLUMNS``, one row a user row.
        facts: the moment, horizons, the models chosen and what they were chosen by.
    """

    table: pl.DataFrame
    facts: Mapping[str, Any]


def build_customers(
    graph: InteractionGraph,
    shelves: Shelves,
    config: LifecycleConfig,
    progress: Progress = silent,
) -> CustomerTable:
    """Everything this room knows of every customer, as of the last event.

    Args:
        graph: events; purchases count, registered users' and visitors'.
        shelves: what lines are of.
        config: settings.
        progress: told each stage.

    Raises:
        DataError: nobody bought anything.
    """
    data = ChurnData.of(graph, shelves)
    occasions, now = data.occasions, graph.last_day + _SECOND
    progress("lifecycle: stages", 0, 3)
    rhythm = find_rhythm(occasions, config)
    stages = find_stages(occasions, rhythm, now, config)
    totals = _totals(graph, occasions)
    scores = find_rfm(
        now - occasions.last,
        totals["orders"].to_numpy().astype(np.float64),
        totals["spend"].fill_null(np.nan).to_numpy(),
    )
    progress("lifecycle: value", 1, 3)
    model = fit_value(occasions, now, config)
    value = predict_value(model, occasions, now, config)
    progress("lifecycle: churn", 2, 3)
    churn, facts = _churn(data, now, config)
    progress("lifecycle: done", 3, 3)
    table = pl.concat([totals, stages, value, scores, churn], how="horizontal")
    return CustomerTable(
        table.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items()),
        {
            "horizon_days": config.horizon_days,
            "churn_days": config.churn_days,
            "active_days": config.active_days,
            "shop_interval_days": rhythm.shop,
            "late": rhythm.late,
            "lost": rhythm.lost,
            "value_model": model.name,
            "value_errors": dict(model.errors),
            **facts,
        },
    )


def _totals(graph: InteractionGraph, occasions: Occasions) -> pl.DataFrame:
    """Ids, orders, spend and moments, one row a user row."""
    known = np.isfinite(occasions.values)
    spend = np.where(
        occasions.total(known) > 0, occasions.total(np.nan_to_num(occasions.values)), np.nan
    )
    return pl.DataFrame(
        {
            "user_id": graph.users.ids,
            "orders": occasions.total(occasions.orders).astype(np.int64),
            "spend": pl.Series(spend).fill_nan(None),
            "first_at": _moments(occasions.first),
            "last_at": _moments(occasions.last),
        }
    )


def _moments(days: np.ndarray[Any, np.dtype[np.float64]]) -> pl.Series:
    seconds = pl.Series(np.round(days * 86_400)).fill_nan(None).cast(pl.Int64)
    return (seconds * 1_000_000).cast(_TIME)


def _churn(
    data: ChurnData, now: float, config: LifecycleConfig
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Risk and drivers of the active customers; null of others, and where none can be learned."""
    n = data.occasions.n_users
    empty = pl.DataFrame(
        {"churn_risk": [None] * n, "churn_drivers": [None] * n},
        schema={"churn_risk": pl.Float64, "churn_drivers": pl.List(_DRIVER)},
    )
    try:
        model = fit_churn(data, now, config)
    except DataError as error:
        return empty, {"churn_model": None, "churn_not_learned": str(error)}
    moment = moment_at(data, now, config)
    found = pl.DataFrame(
        {
            "row": moment.users,
            "churn_risk": model.risk(moment.features.values),
            "churn_drivers": strongest(model.drivers(moment.features), moment.features),
        }
    )
    rows = pl.DataFrame({"row": np.arange(n)})
    joined = rows.join(found, on="row", how="left", maintain_order="left").drop("row")
    facts = {"churn_model": model.name, "churn_areas": dict(model.chosen_by)}
    return joined, facts
