"""Demand: literal forecasts, errors by hand, and intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from graph.ids import IdMap
from graph.interactions import InteractionGraph
from lifecycle.config import LifecycleConfig
from lifecycle.demand import (
    AHEAD,
    LEVEL,
    ORIGINS,
    Backtest,
    Series,
    backtest,
    foresee,
    measure_demand,
    weekly_sales,
)
from lifecycle.forecasts import FORECASTS
from lifecycle.occasions import Floats
from loaders.errors import DataError

PLAIN = ("naive", "seasonal naive", "moving mean")
CONFIG = LifecycleConfig(bootstrap=50)


def series_of(sales: Floats) -> Series:
    rows = np.arange(len(sales), dtype=np.int64)
    return Series(rows, rows, sales, 0)


def noise(mean: float, n: int = 10, weeks: int = 48) -> Floats:
    return np.random.default_rng(3).normal(mean, 10.0, (n, weeks))


def test_plain_forecasts_by_hand() -> None:
    past = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    assert FORECASTS["naive"](past, 3).tolist() == [8, 8, 8]
    assert FORECASTS["seasonal naive"](past, 5).tolist() == [5, 6, 7, 8, 5]
    assert FORECASTS["moving mean"](past, 2).tolist() == [6.5, 6.5]


def test_a_year_is_the_season_where_there_is_one() -> None:
    past = np.arange(60.0)
    assert FORECASTS["seasonal naive"](past, 4).tolist() == [8, 9, 10, 11]


@pytest.mark.parametrize("name", ["ets", "arima"])
def test_fitted_forecasts_stay_near_a_steady_series(name: str) -> None:
    past = noise(100.0)[0]
    found = FORECASTS[name](past, 4)
    assert found.shape == (4,) and found == pytest.approx(100, abs=12)


@pytest.mark.parametrize("name", FORECASTS)
def test_series_of_nothing_are_gone_on_with(name: str) -> None:
    assert FORECASTS[name](np.zeros(20), 4) == pytest.approx(0, abs=1e-6)


def test_a_trend_is_followed_by_smoothing_alone() -> None:
    rising = series_of(np.tile(np.arange(40.0) * 10, (3, 1)) + noise(0, 3, 40) / 20)
    assert backtest(rising, FORECASTS["ets"]).mase.mean() < 0.5
    assert backtest(rising, FORECASTS["naive"]).mase.mean() == pytest.approx(2.5, abs=0.1)


def test_errors_are_in_changes_of_the_series() -> None:
    # Changes by 2 each week; naive is wrong by 2, 4, 6 and 8: 1, 2, 3 and 4 changes.
    found = backtest(series_of(np.arange(0.0, 80, 2)[None]), FORECASTS["naive"])
    assert found.errors.shape == (6, 1, 4)
    assert found.errors[0, 0].tolist() == [1, 2, 3, 4] and found.mase.tolist() == [2.5]


def test_widths_and_coverage_by_hand() -> None:
    # Three origins of four series, one week: the second is held by the first's, the third not.
    errors = np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [1, 2, 9, 9]])[:, :, None]
    found = Backtest(errors)
    assert found.width(1).tolist() == [4.0]
    assert found.coverage == 6 / 8


def test_the_mean_wins_where_there_is_only_noise_and_intervals_hold() -> None:
    found = measure_demand(series_of(noise(100.0, 60)), CONFIG, {n: FORECASTS[n] for n in PLAIN})
    assert [row["method"] for row in found.rows if row["served"]] == ["moving mean"]
    for row in found.rows:
        assert row["mase"].low < row["mase"].value < row["mase"].high
        assert row["coverage"] == pytest.approx(LEVEL, abs=0.08)
    assert found.settings["origins"] == ORIGINS and found.to_json()["settings"]["weeks"] == 48


def test_the_weeks_to_come() -> None:
    table = foresee(series_of(noise(100.0)), "moving mean")
    assert table.height == 10 * AHEAD
    assert str(table["week_starts"][0]) == "1970-12-03", "48 weeks after 1970-01-01"
    assert (table["low"] <= table["sales"]).all() and (table["sales"] <= table["high"]).all()


def graph(days: list[float]) -> InteractionGraph:
    n = len(days)
    rows = np.arange(n, dtype=np.int32) % 2
    return InteractionGraph(
        users=IdMap(pl.Series(["u", "v"])),
        products=IdMap(pl.Series(["a", "b"])),
        registered=np.ones(2, np.bool_),
        user_rows=rows,
        product_rows=rows,
        kinds=np.zeros(n, np.int8),
        days=np.array(days),
        quantities=np.ones(n, np.float32),
        values=np.arange(1, n + 1).astype(np.float32),
        orders=np.arange(n, dtype=np.int32),
    )


def test_weeks_end_with_the_data() -> None:
    days = [0.5, 6.9, 7.0, 139.9]  # the last day is 139, so weeks begin on days 0, 7, ... 133
    found = weekly_sales(graph(days), np.array([0, 1], np.int32), np.array([0, 0], np.int32))
    assert (found.weeks, found.first_day) == (20, 0)
    by_group = dict(zip(found.groups.tolist(), found.sales.tolist(), strict=True))
    assert by_group[0][:2] == [1, 3] and sum(by_group[0]) == 4
    assert (by_group[1][0], by_group[1][19]) == (2, 4)


def test_customers_of_no_group_and_young_shops() -> None:
    ones = np.array([-1, 0], np.int32)
    found = weekly_sales(graph([0.5, 6.9, 7.0, 139.9]), ones, np.zeros(2, np.int32))
    assert found.sales.sum() == 6
    with pytest.raises(DataError, match="purchases of 20 weeks; found 14"):
        weekly_sales(graph([0.0, 99.0]), ones, np.zeros(2, np.int32))
