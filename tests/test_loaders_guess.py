from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from loaders.errors import DataError
from loaders.guess import guess_mapping
from loaders.mapping import load_shop, parse_mapping


def test_online_retail_names_and_marks(tmp_path: Path) -> None:
    path = tmp_path / "retail.csv"
    goods = "".join(
        f"{i},8{i:03},LAMP {i},2,2010-12-01 08:{i:02}:00,2.5,17850.0,France\n" for i in range(20)
    )
    path.write_text(
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n" + goods
        + "C5,8005,LAMP 5,-1,2010-12-02 08:00:00,2.5,17850.0,France\n"
        + "30,POST,POSTAGE,1,2010-12-02 08:00:00,18,17850.0,France\n"
    )  # fmt: skip
    mapping = parse_mapping(guess_mapping(path))
    events = mapping.events
    assert (events.user, events.product, events.order, events.at) == (
        "Customer ID",
        "StockCode",
        "Invoice",
        "InvoiceDate",
    )
    assert (events.quantity, events.unit_price, events.title) == (
        "Quantity",
        "Price",
        "Description",
    )
    assert events.user_attributes == {"country": "Country"}
    assert mapping.cancellations.starts_with == "C"
    assert mapping.non_products.codes == ("POST",)
    data = load_shop(mapping)
    assert (data.report.read, data.report.kept) == (22, 20)
    assert data.products["product_id"].to_list() == [f"8{i:03}" for i in range(20)]


def test_ga4_names(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pl.DataFrame(
        {
            "event_timestamp": [1_500_000_000_000_000 + i for i in range(4)],
            "event_name": ["view_item", "purchase", "add_to_cart", "scroll"],
            "user_pseudo_id": ["a", "a", "b", "b"],
            "ga_session_id": [1, 1, 2, 2],
            "transaction_id": [None, "T1", None, None],
            "item_id": ["x", "x", "y", "y"],
            "item_name": ["Ex", "Ex", "Why", "Why"],
            "item_brand": ["B"] * 4,
            "item_category": ["Home"] * 4,
            "item_category2": ["Light"] * 4,
            "price": [2.0] * 4,
            "quantity": [1] * 4,
        }
    ).write_parquet(path)
    guessed = guess_mapping(path)
    assert "# left out: scroll" in guessed
    data = load_shop(parse_mapping(guessed))
    assert data.events["event"].to_list() == ["view_item", "purchase", "add_to_cart"]
    assert data.events["session_id"].to_list() == ["1", "1", "2"]
    assert data.products.select("title", "brand", "category_id").row(0) == (
        "Ex",
        "B",
        "home > light",
    )
    assert data.events["at"].dt.year().to_list() == [2017] * 3


def test_a_european_export(tmp_path: Path) -> None:
    path = tmp_path / "verkauf.csv"
    path.write_bytes(
        "user;sku;name;qty;amount;date\n1;A;Café;2;3,50;31.12.2023 18:05\n".encode("cp1252")
    )
    mapping = parse_mapping(guess_mapping(path))
    assert (mapping.events.separator, mapping.events.encoding, mapping.events.decimal) == (
        ";",
        "cp1252",
        ",",
    )
    data = load_shop(mapping)
    assert data.events.select("value", "quantity").row(0) == (3.5, 2.0)
    assert data.products["title"].to_list() == ["Café"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-31T10:00:00Z", "iso"),
        ("31/01/2024", "%d/%m/%Y"),
        ("01/31/2024 3:05 PM", "%m/%d/%Y %I:%M %p"),
        ("1/31/24 13:05", "%m/%d/%y %H:%M"),
        ("1500000000", "epoch_s"),
        ("20240131", "%Y%m%d"),
    ],
)
def test_date_formats(tmp_path: Path, value: str, expected: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"user_id,item_id,date\n1,2,{value}\n")
    assert parse_mapping(guess_mapping(path)).events.date_format == expected


def test_doubts_are_written_down(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("who,item_id,date\n1,2,03/04/2024\n")
    guessed = guess_mapping(path)
    assert "# %m/%d/%Y would fit as well" in guessed
    assert 'user = "?"  # needed, and no name gives it away; one of: who, item_id, date' in guessed
    with pytest.raises(DataError, match="expected this column"):
        load_shop(parse_mapping(guessed))
    path.write_text("user_id,item_id,date\n1,2,Tuesday\n")
    assert "does not fit 'Tuesday'" in guess_mapping(path)
