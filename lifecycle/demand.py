"""Weekly sales by group of customers and category: measured on rolling origins, then foreseen.

Errors are in units of each series' own week-to-week change (MASE; Hyndman and Koehler, "Another
look at measures of forecast accuracy", 2006). Intervals take their width from the errors of earlier
origins, in the same units, over all series (split conformal; Lei et al., 2018), so they assume no
distribution; how often they hold what came is counted on later origins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.interactions import InteractionGraph
from lifecycle.config import LifecycleConfig
from lifecycle.forecasts import FORECASTS, Forecast
from lifecycle.measure import Measured
from lifecycle.occasions import Floats
from lifecycle.resample import interval, mean_of
from loaders.errors import DataError

__all__ = ["Series", "backtest", "foresee", "measure_demand", "weekly_sales"]

AHEAD: Final = 4
ORIGINS: Final = 6
SHORTEST: Final = 12
"""Weeks of a past that is gone on with."""
LEVEL: Final = 0.8
"""Share of weeks that intervals are to hold."""
MOST_SERIES: Final = 24


@dataclass(frozen=True)
class Series:
    """Weekly sales.

    Attributes:
        groups, categories: rows that each series is of, int64 [n].
        sales: float64 [n, weeks], in currency, or lines where the shop knows no values; the last
            week ends with the data.
        first_day: first day of the first week, days since 1970-01-01 UTC.
    """

    groups: npt.NDArray[np.int64]
    categories: npt.NDArray[np.int64]
    sales: Floats
    first_day: int

    @property
    def weeks(self) -> int:
        """Length of every series."""
        return int(self.sales.shape[1])


def weekly_sales(
    graph: InteractionGraph, group: npt.NDArray[np.int32], category: npt.NDArray[np.int32]
) -> Series:
    """The largest series of whole weeks.

    Args:
        graph: events; purchases count.
        group: of each user or -1, int32 [n_users].
        category: of each product or -1, int32 [n_products].

    Raises:
        DataError: the purchases cover too few weeks to be measured on.
    """
    bought = graph.purchases()
    end = int(np.floor(bought.days.max(initial=0.0))) + 1
    weeks = (end - int(np.floor(bought.days.min(initial=end)))) // 7
    if weeks < SHORTEST + AHEAD * 2:
        raise DataError(
            f"demand needs purchases of {SHORTEST + AHEAD * 2} weeks; found {weeks}; load more"
        )
    values = bought.values.astype(np.float64)
    lines = pl.DataFrame(
        {
            "group": group[bought.user_rows].astype(np.int64),
            "category": category[bought.product_rows].astype(np.int64),
            "week": weeks - 1 - np.floor((end - 1e-9 - bought.days) / 7).astype(np.int64),
            "value": np.nan_to_num(values) if np.isfinite(values).any() else np.ones(len(values)),
        }
    ).filter((pl.col("group") >= 0) & (pl.col("category") >= 0) & (pl.col("week") >= 0))
    sums = lines.group_by("group", "category", "week").agg(pl.col("value").sum())
    keys = (
        sums.group_by("group", "category")
        .agg(total=pl.col("value").sum())
        .sort("total", "group", "category", descending=[True, False, False])
        .head(MOST_SERIES)
        .with_row_index("series")
    )
    found = sums.join(keys, on=["group", "category"])
    sales = np.zeros((keys.height, weeks))
    sales[found["series"].to_numpy(), found["week"].to_numpy()] = found["value"].to_numpy()
    return Series(keys["group"].to_numpy(), keys["category"].to_numpy(), sales, end - 7 * weeks)


@dataclass(frozen=True)
class Backtest:
    """Errors of one method in units of each series' own change, float64 [origins, n, ahead]."""

    errors: Floats

    @property
    def mase(self) -> Floats:
        """Of each series, float64 [n]."""
        return np.asarray(self.errors.mean(axis=(0, 2)))

    def width(self, origins: int) -> Floats:
        """What ``LEVEL`` of the errors of the first ``origins`` stay within, float64 [ahead]."""
        known = self.errors[:origins].reshape(-1, self.errors.shape[2])
        rank = min(1.0, LEVEL * (1 + 1 / len(known)))
        return np.asarray(np.quantile(known, rank, axis=0, method="higher"))

    @property
    def coverage(self) -> float:
        """Share of weeks inside the interval, at origins that have earlier ones; NaN if none."""
        held = [self.errors[k] <= self.width(k) for k in range(1, len(self.errors))]
        return float(np.mean(held)) if held else float("nan")


def backtest(series: Series, forecast: Forecast) -> Backtest:
    """Go on from each origin, ``AHEAD`` weeks apart, knowing only what came before it."""
    origins = min(ORIGINS, (series.weeks - SHORTEST) // AHEAD)
    starts = [series.weeks - AHEAD * (origins - k) for k in range(origins)]
    errors = [
        [
            np.abs(np.maximum(forecast(row[:start], AHEAD), 0) - row[start : start + AHEAD])
            / _scale(row[:start])
            for row in series.sales
        ]
        for start in starts
    ]
    return Backtest(np.array(errors))


def _scale(past: Floats) -> float:
    """Mean change from one week to the next; a hundredth of the mean where nothing changes."""
    return max(float(np.abs(np.diff(past)).mean()), 0.01 * float(np.abs(past).mean()), 1e-9)


def measure_demand(
    series: Series,
    config: LifecycleConfig,
    forecasts: Mapping[str, Forecast] = FORECASTS,
    told: Callable[[str], None] = lambda _: None,
) -> Measured:
    """Every method on rolling origins; served is what did best on all but the last."""
    found = {}
    for name, forecast in forecasts.items():
        told(name)
        found[name] = backtest(series, forecast)
    earlier = {name: float(b.errors[:-1].mean()) for name, b in found.items()}
    best = min(earlier, key=lambda name: earlier[name])
    rows = tuple(
        {
            "method": name,
            "served": name == best,
            "mase": interval(
                mean_of(b.mase), len(b.mase), samples=config.bootstrap, seed=config.seed
            ),
            "coverage": b.coverage,
        }
        for name, b in found.items()
    )
    origins = len(next(iter(found.values())).errors)
    settings = {
        "task": "demand",
        "series": len(series.sales),
        "weeks": series.weeks,
        "weeks_ahead": AHEAD,
        "origins": origins,
        "level": LEVEL,
    }
    return Measured(settings, rows)


def foresee(series: Series, name: str) -> pl.DataFrame:
    """The weeks after the data by one method of ``FORECASTS``.

    Returns:
        ``group``, ``category``, ``week_starts`` (date), ``sales``, ``low`` and ``high``: the ends
        of the interval that is to hold ``LEVEL`` of weeks.
    """
    forecast = FORECASTS[name]
    width = backtest(series, forecast)
    wide = width.width(len(width.errors))
    sales = np.array([np.maximum(forecast(row, AHEAD), 0) for row in series.sales])
    spread = np.array([_scale(row) for row in series.sales])[:, None] * wide
    days = series.first_day + 7 * (series.weeks + np.arange(AHEAD))
    n = len(sales)
    return pl.DataFrame(
        {
            "group": np.repeat(series.groups, AHEAD),
            "category": np.repeat(series.categories, AHEAD),
            "week_starts": pl.Series(np.tile(days, n).astype(np.int32)).cast(pl.Date),
            "sales": sales.ravel(),
            "low": np.maximum(sales - spread, 0).ravel(),
            "high": (sales + spread).ravel(),
        }
    )
