"""The first year of UCI Online Retail II: messy, real, and every line accounted for.

Get it from https://archive.ics.uci.edu/dataset/502/online+retail+ii, save the first sheet as
Parquet (or CSV) and name that file in COTERIE_ONLINE_RETAIL.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from loaders.dataset import Dataset
from loaders.mapping import load_mapping, load_shop

PATH = os.environ.get("COTERIE_ONLINE_RETAIL")
MAPPING = Path(__file__).parent.parent / "examples" / "online_retail.toml"

pytestmark = pytest.mark.skipif(
    PATH is None, reason="set COTERIE_ONLINE_RETAIL to the file; see the top of this test"
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_shop(load_mapping(MAPPING), files={"events": str(PATH)})


def test_every_line_is_explained(data: Dataset) -> None:
    report = data.report
    assert report.balanced
    assert (report.read, report.kept, report.removed) == (525_461, 499_324, 26_137)
    assert {s.name: s.lines for s in report.steps if s.removed} == {
        "duplicates": 6_865,
        "non-products": 2_975,
        "no price": 3_647,
        "netted": 7_948,
        "returned": 3_092,
        "return without sale": 1_610,
    }


def test_only_goods_remain(data: Dataset) -> None:
    codes = data.products["product_id"]
    fees = {"POST", "DOT", "D", "M", "S", "B", "C2", "BANK CHARGES", "AMAZONFEE", "ADJUST", "PADS",
            "TEST001", "GIFT_0001_20"}  # fmt: skip
    assert not fees & set(codes)
    assert {"SP1002", "DCGS0003"} <= set(codes)
    assert not codes.str.contains("[a-z]").any()
    assert data.products["title"].null_count() == 0
    titles = dict(data.products.select("product_id", "title").rows())
    assert titles["85123A"] == "WHITE HANGING HEART T-LIGHT HOLDER"
    assert titles["22423"] == "REGENCY CAKESTAND 3 TIER"
    damage = r"(?i)^(damage|broken|missing|smashed|thrown|lost|checked$|found|\?+$)"
    assert data.products.filter(pl.col("title").str.contains(damage)).is_empty()


def test_what_remains_was_sold(data: Dataset) -> None:
    assert data.events.select((pl.col("quantity", "value") > 0).all()).row(0) == (True, True)
    registered = data.users.filter(~pl.col("anonymous"))
    assert registered["user_id"].str.contains(r"^\d{5}$").all()
    assert registered["country"].null_count() == 0


def test_a_csv_copy_gives_the_same(data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "year.csv"
    raw = pl.read_csv(PATH) if str(PATH).endswith(".csv") else pl.read_parquet(str(PATH))
    raw.write_csv(path)
    again = load_shop(load_mapping(MAPPING), files={"events": path})
    assert again.events.equals(data.events)
    assert again.products.equals(data.products)
