"""Churn: planted reasons are found, nothing later than the cut is read, figures by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from graph.ids import IdMap
from graph.interactions import InteractionGraph
from lifecycle.churn import ChurnData, fit_all, fit_churn, moment_at
from lifecycle.config import LifecycleConfig
from lifecycle.customers import COLUMNS, build_customers
from lifecycle.drivers import DRIVERS, explain_driver, strongest
from lifecycle.measure import measure_churn, measure_value
from lifecycle.occasions import find_occasions
from lifecycle.resample import area_under_curve, interval, lift_at_top, mean_of
from lifecycle.tastes import Shelves
from loaders.errors import DataError

USERS, DAYS, CUT = 500, 240, 180.0
CONFIG = LifecycleConfig(churn_days=20, active_days=60, horizon_days=40, bootstrap=50)


def planted(seed: int = 0) -> InteractionGraph:
    """Customers who buy every 4 to 30 days, one product each time, and leave one by one."""
    rng = np.random.default_rng(seed)
    pace = rng.uniform(4, 30, USERS)
    leaves = rng.uniform(60, 3 * DAYS, USERS)
    rows, days = [], []
    for user in range(USERS):
        at = rng.uniform(0, pace[user])
        while at < min(leaves[user], DAYS):
            rows.append(user)
            days.append(at)
            at += pace[user] * rng.gamma(4, 1 / 4)
    n = len(rows)
    user_rows = np.array(rows, np.int32)
    return InteractionGraph(
        users=IdMap(pl.Series([f"u{i}" for i in range(USERS)])),
        products=IdMap(pl.Series(["a", "b", "c", "d"])),
        registered=np.ones(USERS, np.bool_),
        user_rows=user_rows,
        product_rows=(user_rows % 4).astype(np.int32),
        kinds=np.zeros(n, np.int8),
        days=np.array(days),
        quantities=np.ones(n, np.float32),
        values=rng.uniform(5, 15, n).astype(np.float32),
        orders=np.arange(n, dtype=np.int32),
    )


SHELVES = Shelves(np.array([0, 0, 1, 1], np.int32), np.full(4, 10.0))


@pytest.fixture(scope="module")
def graph() -> InteractionGraph:
    return planted()


@pytest.fixture(scope="module")
def data(graph: InteractionGraph) -> ChurnData:
    return ChurnData.of(graph, SHELVES)


def test_planted_leavers_are_found_and_told_with_their_chance(data: ChurnData) -> None:
    found = measure_churn(data, CUT, CONFIG)
    served, *others = found.rows
    assert served["served"] and not any(row["served"] for row in others)
    assert {row["method"] for row in found.rows} == {"last 28 days", "logistic", "lightgbm"}
    count = next(row for row in found.rows if row["method"] == "last 28 days")
    assert served["auc"].low > 0.7 and served["auc"].value > count["auc"].value
    assert served["calibration_error"] < 0.12
    assert served["mean_risk"] == pytest.approx(found.settings["churned"], abs=0.08)
    assert served["lift_top_decile"].value > 1.5


def test_the_days_after_the_cut_change_nothing(data: ChurnData) -> None:
    known = data.graph.before(CUT)
    moment = moment_at(data, CUT, CONFIG)
    alone = moment_at(ChurnData.of(known, SHELVES), CUT, CONFIG)
    assert moment.users.tolist() == alone.users.tolist()
    assert np.array_equal(moment.features.values, alone.features.values)
    risk = fit_churn(data, CUT, CONFIG).risk(moment.features.values)
    same = fit_churn(ChurnData.of(known, SHELVES), CUT, CONFIG).risk(moment.features.values)
    assert np.array_equal(risk, same)


def test_drivers_add_up_to_the_risk_and_are_said(data: ChurnData) -> None:
    moment = moment_at(data, CUT, CONFIG)
    for model in fit_all(data, CUT, CONFIG):
        effects = model.drivers(moment.features)
        risk = model.risk(moment.features.values)
        odds = np.log(risk / (1 - risk))
        sums = effects.to_numpy().sum(axis=1)
        assert sums - sums.mean() == pytest.approx(odds - odds.mean(), abs=1e-6)
        assert set(effects.columns) == set(DRIVERS)
        entry = strongest(effects, moment.features)[0].to_list()[0]
        assert abs(entry["effect"]) == pytest.approx(np.abs(effects.row(0)).max())


def test_a_driver_in_words() -> None:
    late = {"driver": "recency", "effect": 0.9, "figure": 25.4}
    assert explain_driver(late) == "The last purchase was 25 days ago: raises the risk."
    often = {"driver": "rhythm", "effect": -0.5, "figure": 0.42}
    assert explain_driver(often) == "Away for 0.4 times the usual interval: lowers the risk."


def test_a_shop_too_young_is_told_so(data: ChurnData) -> None:
    with pytest.raises(DataError, match="churn needs purchases of 100 days"):
        fit_churn(data, 70.0, CONFIG)
    with pytest.raises(DataError, match="the data ends"):
        measure_churn(data, DAYS - 5.0, CONFIG)


def test_value_is_measured_against_what_came(graph: InteractionGraph) -> None:
    found = measure_value(find_occasions(graph), CUT, CONFIG)
    rows = {row["method"]: row for row in found.rows}
    assert set(rows) == {"pareto", "bgnbd", "rate"} and sum(r["served"] for r in found.rows) == 1
    real = found.settings["purchase_days"]
    assert rows["pareto"]["expected"] == pytest.approx(real, rel=0.15)
    assert rows["rate"]["expected"] > rows["pareto"]["expected"], "it knows no leaving"
    assert rows["pareto"]["mae"].value < rows["rate"]["mae"].value
    assert rows["pareto"]["value_share"] == pytest.approx(1, abs=0.15)


def test_the_table_of_all_customers(graph: InteractionGraph) -> None:
    silent = replace(
        graph,
        users=IdMap(pl.concat([graph.users.ids, pl.Series(["visitor", "nobody"])])),
        registered=np.r_[graph.registered, False, True],
    )
    found = build_customers(silent, SHELVES, CONFIG)
    table = found.table
    assert dict(table.schema) == dict(COLUMNS)
    assert table["user_id"].to_list() == silent.users.ids.to_list()
    nobody = table.row(USERS + 1, named=True)
    assert nobody.pop("user_id") == "nobody"
    assert (nobody.pop("orders"), nobody.pop("purchase_days")) == (0, 0)
    assert set(nobody.values()) == {None}
    active = table.filter(pl.col("days_since_last") < 60)
    assert active["churn_risk"].is_between(0, 1).all()
    assert table.filter(pl.col("days_since_last") > 61)["churn_risk"].null_count() == (
        table.filter(pl.col("days_since_last") > 61).height
    )
    assert active["churn_drivers"].list.len().unique().to_list() == [5]
    assert found.facts["churn_model"] in ("logistic", "lightgbm", "last 28 days")
    assert set(found.facts["value_errors"]) == {"pareto", "bgnbd", "rate"}
    by_stage = dict(table.group_by("stage").agg(pl.col("probability_alive").mean()).rows())
    assert by_stage["lost"] < by_stage["mature"]


def test_a_young_shop_has_a_table_without_risk(graph: InteractionGraph) -> None:
    found = build_customers(graph.before(30.0), SHELVES, CONFIG)
    assert found.table["churn_risk"].null_count() == USERS
    assert "churn needs purchases" in found.facts["churn_not_learned"]
    assert found.table["expected_orders"].drop_nulls().is_finite().all()


def test_a_shop_without_values_has_orders_and_no_worth(graph: InteractionGraph) -> None:
    bare = replace(graph, values=np.full(len(graph), np.nan, np.float32)).before(30.0)
    table = build_customers(bare, SHELVES, CONFIG).table
    assert table["spend"].null_count() == table["expected_value"].null_count() == USERS
    assert table["expected_orders"].null_count() < USERS


# Figures by hand


def test_area_and_lift_by_hand() -> None:
    scores = np.array([0.9, 0.7, 0.7, 0.1])
    positive = np.array([True, True, False, False])
    once = np.ones((1, 4))
    # Pairs: .9 beats .7 and .1; .7 ties with .7 and beats .1: 3.5 of 4.
    assert area_under_curve(scores, positive)(once)[0] == 3.5 / 4
    # The first drawn twice, the last not: pairs 2 of 2, and the tie, of 3.
    assert area_under_curve(scores, positive)(np.array([[2.0, 1, 1, 0]]))[0] == 2.5 / 3
    assert lift_at_top(scores, positive, 0.25)(once)[0] == 2.0
    assert mean_of(np.array([1.0, 3.0]))(np.array([[3.0, 1.0]]))[0] == 1.5


def test_intervals_hold_the_figure_and_shrink_with_customers() -> None:
    values = np.random.default_rng(1).normal(size=4000)
    few, many = (interval(mean_of(values[:n]), n, samples=150) for n in (100, 4000))
    assert few.low < few.value < few.high and few.value == pytest.approx(values[:100].mean())
    # Widths go with the root of the number: 6.3 times.
    assert 4 < (few.high - few.low) / (many.high - many.low) < 9
