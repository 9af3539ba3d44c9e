"""``coterie lifecycle``, ``demand`` and the tasks of ``evaluate``, over a shop that was built."""

from __future__ import annotations

import polars as pl
import pytest
from fastapi.testclient import TestClient
from shops import coterie

from api.app import create_app
from api.snapshot_service import SnapshotService
from lifecycle.customers import COLUMNS
from lifecycle.forecasts import FORECASTS
from lifecycle.stages import STAGES
from loaders.errors import UnknownUser
from pipeline.build import read_home
from pipeline.home import Home
from pipeline.snapshot import Snapshot, read_customers


@pytest.fixture(scope="module")
def customers(built: Home) -> pl.DataFrame:
    return read_customers(built.snapshot())


def test_a_build_publishes_one_row_a_customer(built: Home, customers: pl.DataFrame) -> None:
    snapshot = Snapshot.load(built.snapshot())
    assert dict(customers.schema) == dict(COLUMNS)
    assert customers["user_id"].to_list() == snapshot.users["user_id"].to_list()
    assert customers["orders"].to_list() == snapshot.user_stats["orders"].to_list()
    assert set(customers["stage"]) <= {None, *STAGES}
    facts = snapshot.manifest.lifecycle
    assert facts["horizon_days"] == 91 and facts["value_model"] in ("pareto", "bgnbd", "rate")


def test_stages_are_counted(built: Home, customers: pl.DataFrame) -> None:
    shown = coterie("lifecycle", "--home", built.path, "--json").json
    counted = {row["stage"]: row["customers"] for row in shown["stages"]}
    real = customers["stage"].drop_nulls().value_counts()
    assert counted == dict(real.rows())
    ran = coterie("lifecycle", "--home", built.path)
    assert ran.code == 0 and "churn risk: no purchase within 28 days" in ran.out
    assert all(stage in ran.out for stage in counted)


def test_one_customer_is_explained(built: Home, customers: pl.DataFrame) -> None:
    row = customers.row(by_predicate=pl.col("user_id") == "user-3", named=True)
    ran = coterie("lifecycle", "--home", built.path, "--customer", "user-3")
    assert ran.out.startswith(f"user-3: {row['stage']}. Bought on ")
    assert f"RFM {row['rfm']}" in ran.out and "Within 91 days" in ran.out
    told = coterie("lifecycle", "--home", built.path, "--customer", "user-3", "--json").json
    assert told["why"] in ran.out and told["expected_orders"] == row["expected_orders"]
    assert coterie("lifecycle", "--home", built.path, "--customer", "x").code == (
        UnknownUser.exit_code
    )


def test_the_api_tells_the_same(built: Home, customers: pl.DataFrame) -> None:
    snapshot = Snapshot.load(built.snapshot())
    service = SnapshotService(snapshot, built.store, "shop")
    client = TestClient(create_app(lambda: service))
    row = customers.filter(pl.col("expected_orders").is_not_null()).row(0, named=True)
    found = client.get(f"/v1/customers/{row['user_id']}").json()
    assert found["stage"]["name"] == row["stage"] and found["stage"]["why"]
    assert found["stage"]["figures"]["days_since_last"] == row["days_since_last"]
    assert found["value"]["expected_orders"] == row["expected_orders"]
    assert found["rfm"] == {"scores": row["rfm"], "cell": row["rfm_cell"]}
    if row["churn_risk"] is not None:
        assert found["churn"]["risk"] == row["churn_risk"]
        assert len(found["churn"]["drivers"]) == len(row["churn_drivers"])
    gone = client.get("/v1/customers/nobody")
    assert gone.status_code == 404
    assert gone.headers["content-type"] == "application/problem+json"


def test_value_is_evaluated_at_a_cut(built: Home) -> None:
    last = read_home(built).graph.last_day
    cut = str(pl.Series([int(last) - 30]).cast(pl.Int32).cast(pl.Date)[0])
    place = ("--home", built.path, "--cut", cut)
    found = coterie("evaluate", "--task", "value", *place, "--json").json
    assert found["settings"]["cut"] == cut and found["settings"]["horizon_days"] <= 31
    assert [row["served"] for row in found["rows"]].count(True) == 1
    assert found["settings"]["spend_mae_gamma_gamma"]["value"] > 0


def test_what_cannot_be_measured_is_told(built: Home) -> None:
    early = coterie("evaluate", "--task", "churn", "--home", built.path, "--cut", "1990-01-01")
    assert early.code == 3 and "nothing is known before 1990-01-01" in early.err


@pytest.mark.slow  # a fit for each of 24 series and 6 origins
def test_demand_by_segment_and_category(built: Home) -> None:
    found = coterie("demand", "--home", built.path, "--json").json
    assert found["method"] in FORECASTS
    weeks = pl.DataFrame(found["weeks"])
    names = {s.name for s in Snapshot.load(built.snapshot()).segmentation.segments}
    assert set(weeks["segment"]) <= names and weeks["week_starts"].n_unique() == 4
    assert (weeks["low"] <= weeks["sales"]).all() and (weeks["sales"] <= weeks["high"]).all()
