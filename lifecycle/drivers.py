"""Why a customer's risk of churn is high or low: the strongest drivers, as data and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from lifecycle.behaviour import Features
from lifecycle.occasions import Floats

__all__ = ["DRIVERS", "SHOWN", "explain_driver", "strongest"]

SHOWN: Final = 5
"""Drivers kept of each customer."""


@dataclass(frozen=True)
class _Driver:
    """How a driver is told: the column it shows, as the reader knows it, and a sentence."""

    column: str
    figure: Callable[[Floats], Floats]
    sentence: str


def _same(values: Floats) -> Floats:
    return values


DRIVERS: Final[Mapping[str, _Driver]] = {
    "recency": _Driver("days_since_last", _same, "The last purchase was {:,.0f} days ago"),
    "frequency": _Driver("orders_84_days", np.expm1, "{:,.0f} orders within 84 days"),
    "rhythm": _Driver("overdue", np.exp, "Away for {:,.1f} times the usual interval"),
    "trend": _Driver(
        "trend", np.exp, "Orders of the last 28 days are {:,.1f} times those of a month before"
    ),
    "spend": _Driver("spend_84_days", np.expm1, "Spent {:,.2f} within 84 days"),
    "basket": _Driver("value_an_order", np.expm1, "Spends {:,.2f} an order"),
    "time": _Driver("share_weekend", _same, "{:.0%} of purchase days are on weekends"),
    "discount": _Driver("discount", _same, "Pays {:.0%} less than usual prices"),
    "categories": _Driver("categories", np.expm1, "Bought in {:,.0f} categories within 84 days"),
    "neighbours": _Driver(
        "neighbours_lapsed", _same, "{:.0%} of customers with like tastes stopped buying lately"
    ),
}
"""Drivers of ``lifecycle.behaviour`` and ``lifecycle.tastes``."""


def strongest(drivers: pl.DataFrame, features: Features) -> pl.Series:
    """The drivers that move each customer's log-odds most.

    Args:
        drivers: effects, one column a driver, as ``ChurnModel.drivers`` gives them.
        features: of the same customers.

    Returns:
        A list for each customer of structs ``driver``, ``effect`` (log-odds added, against the
        mean customer) and ``figure`` (what the sentence shows), the strongest first.
    """
    effects = drivers.to_numpy()
    figures = np.column_stack(
        [DRIVERS[name].figure(features.column(DRIVERS[name].column)) for name in drivers.columns]
    )
    order = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :SHOWN]
    shown = order.shape[1]
    flat = pl.DataFrame(
        {
            "row": np.repeat(np.arange(len(effects)), shown),
            "driver": pl.Series(np.array(drivers.columns)[order.ravel()], dtype=pl.String),
            "effect": np.take_along_axis(effects, order, axis=1).ravel(),
            "figure": np.take_along_axis(figures, order, axis=1).ravel(),
        }
    )
    grouped = flat.group_by("row", maintain_order=True).agg(
        pl.struct("driver", "effect", "figure").alias("drivers")
    )
    return grouped["drivers"]


def explain_driver(entry: Mapping[str, Any]) -> str:
    """A struct of ``strongest`` as a sentence that says which way it works."""
    told = DRIVERS[entry["driver"]].sentence.format(entry["figure"])
    return f"{told}: {'raises' if entry['effect'] > 0 else 'lowers'} the risk."
