"""A small shop's files, read through mappings, with the tables worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from loaders.errors import ConfigError, DataError
from loaders.mapping import EXAMPLE_MAPPING, load_mapping, load_shop, parse_mapping

BASE = """
currency = "EUR"
time_zone = "Europe/Berlin"
[events]
file = "sales.csv"
separator = ";"
decimal = ","
user = "Customer"
product = "SKU"
at = "Date"
date_format = "%d.%m.%Y %H:%M"
order = "Order"
quantity = "Units"
unit_price = "Price"
title = "Text"
user_attributes = ["Home Town"]
[cancellations]
column = "Order"
starts_with = "C"
[non_products]
codes = ["POST"]
"""
SALES = """\
Order;Customer;SKU;Text;Units;Price;Date;Home Town
1;7.0;A;  red   lamp ;2;1,50;01.07.2024 10:00;Bonn
1;7.0;A;Lamp, red;1;1,50;01.07.2024 10:00;Bonn
1;7.0;POST;Postage;1;4,90;01.07.2024 10:00;Bonn
2;8;B;Bulb;4;0,25;02.07.2024 11:00;Köln
2;8;B;Bulb;4;0,25;02.07.2024 11:00;Köln
C3;8;B;Bulb;-1;0,25;03.07.2024 11:00;Köln
4;;A;red lamp;1;1,60;27.10.2024 02:30;
5;7;C;found;9;0;04.07.2024 11:00;Bonn
"""


def shop(tmp_path: Path, mapping: str = BASE, sales: str = SALES):  # type: ignore[no-untyped-def]
    (tmp_path / "sales.csv").write_text(sales, encoding="utf-8")
    (tmp_path / "shop.toml").write_text(mapping, encoding="utf-8")
    return load_shop(load_mapping(tmp_path / "shop.toml"), tmp_path)


def test_a_small_shop(tmp_path: Path) -> None:
    data = shop(tmp_path)
    columns = ("event_id", "user_id", "product_id", "quantity", "value", "order_id")
    assert data.events.select(columns).rows() == [
        ("1/A/1", "7", "A", 2.0, 3.0, "1"),
        ("1/A/2", "7", "A", 1.0, 1.5, "1"),
        ("2/B/1", "8", "B", 3.0, 0.75, "2"),
        ("4/A/1", "anonymous/4", "A", 1.0, 1.6, "4"),
    ]
    assert data.events["at"].to_list()[::3] == [
        datetime(2024, 7, 1, 8, tzinfo=UTC),
        datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
    ]
    assert data.users.sort("user_id").rows() == [
        ("7", False, "Bonn"),
        ("8", False, "Köln"),
        ("anonymous/4", True, None),
    ]
    assert data.users.columns == ["user_id", "anonymous", "home_town"]
    assert data.products.select("product_id", "title", "price").rows() == [
        ("A", "red lamp", 1.5),
        ("B", "Bulb", 0.25),
    ]
    assert data.currency == "EUR"


def test_the_report_says_where_each_line_went(tmp_path: Path) -> None:
    report = shop(tmp_path).report
    assert (report.read, report.kept, report.removed, report.balanced) == (8, 4, 4, True)
    assert {s.name: (s.lines, s.removed) for s in report.steps} == {
        "duplicates": (1, True),
        "non-products": (1, True),
        "no price": (1, True),
        "netted": (1, True),
        "ambiguous time": (1, False),
        "anonymous": (1, False),
        "partly returned": (1, False),
        "trimmed": (1, False),
        "several titles": (1, False),
    }
    example = report.steps[0].examples[0]
    assert (example["line"], example["order_id"]) == (6, "2")


def test_ids_of_events_do_not_depend_on_cleaning(tmp_path: Path) -> None:
    again = shop(tmp_path).events.select("event_id", "value")
    kept = shop(tmp_path, BASE + '[cleaning]\nduplicates = "keep"\nanonymous = "drop"').events
    assert again.equals(shop(tmp_path).events.select("event_id", "value"))
    assert kept["event_id"].to_list() == ["1/A/1", "1/A/2", "2/B/1", "2/B/2"]


def test_ids_hold_slashes_apart(tmp_path: Path) -> None:
    sales = "Order;Customer;SKU;Text;Units;Price;Date;Home Town\n" + "".join(
        f"{order};1;{sku};x;1;1;01.07.2024 10:00;\n" for order, sku in (("a/b", "c"), ("a", "b/c"))
    )
    assert shop(tmp_path, sales=sales).events["event_id"].to_list() == ["a%2Fb/c/1", "a/b%2Fc/1"]


@pytest.mark.parametrize(
    ("old", "new", "row", "column", "words"),
    [
        ("2;8;B;Bulb;4;", "2;8;B;Bulb;four;", 5, "Units", r"a number, found 'four' \(2 such of 8"),
        ("02.07.2024 11:00", "2024-07-02", 5, "Date", r"written as %d.%m.%Y %H:%M, found '2024"),
        ("01.07.2024 10:00", "", 2, "Date", "expected a date and time, found None"),
        ("Units", "units", None, "Units", "did you mean 'units'"),
    ],
)
def test_bad_values_name_row_and_column(
    tmp_path: Path, old: str, new: str, row: int | None, column: str, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        shop(tmp_path, sales=SALES.replace(old, new))
    assert (caught.value.row, caught.value.column) == (row, column)
    assert caught.value.file == str(tmp_path / "sales.csv")


def test_unreadable_lines_can_be_dropped(tmp_path: Path) -> None:
    sales = SALES.replace("2;8;B;Bulb;4;", "2;8;B;Bulb;four;").replace("27.10.2024", "27.13.2024")
    report = shop(tmp_path, BASE + '[cleaning]\nunreadable = "drop"', sales).report
    assert report.steps[0].name == "unreadable"
    assert report.steps[0].lines == 3
    assert report.balanced


def test_events_of_several_kinds(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        '{"who": "a", "sku": "x", "t": 1500000000, "what": "look", "visit": "v1"}\n'
        '{"who": "a", "sku": "x", "t": 1500000000, "what": "look", "visit": "v1", "n": 1}\n'
        '{"who": null, "sku": "y", "t": 1500000001, "what": "buy", "visit": "v2"}\n'
        '{"who": "a", "sku": "y", "t": 1500000002, "what": "scroll", "visit": "v1"}\n'
        '{"who": "a", "sku": "y", "t": 1500000003, "what": "stars", "visit": "v1", "s": 4.5}\n'
    )
    mapping = parse_mapping(
        """
        [events]
        file = "log.jsonl"
        user = "who"
        product = "sku"
        at = "t"
        date_format = "epoch_s"
        session = "visit"
        rating = "s"
        event_column = "what"
        event_names = { look = "view_item", buy = "purchase", stars = "rate" }
        """
    )
    data = load_shop(mapping, tmp_path)
    assert data.events.select("event_id", "event", "user_id", "rating").rows() == [
        ("view_item/v1/x/1", "view_item", "a", None),
        ("view_item/v1/x/2", "view_item", "a", None),
        ("v2/y/1", "purchase", "anonymous/v2", None),
        ("rate/v1/y/1", "rate", "a", 4.5),
    ]
    assert {s.name: s.lines for s in data.report.steps} == {"other events": 1, "anonymous": 1}


FILES = """
[events]
file = "sales.csv"
user = "c"
product = "p"
at = "t"
event_id = "id"
value = "v"
[products]
file = "products.csv"
product = "p"
title = "name"
price = "list"
brand = "make"
{category}
attributes = {{ colour = "Colour" }}
[users]
file = "users.parquet"
user = "c"
attributes = ["Age"]
[non_products]
matches = "^FEE"
"""


def files(tmp_path: Path, products: str) -> None:
    (tmp_path / "sales.csv").write_text(
        "id,c,p,t,v\ne1,1,A,2024-07-01,5\ne2,2,B,2024-07-02T10:00:00Z,7\n"
    )
    (tmp_path / "products.csv").write_text(products)
    pl.DataFrame({"c": [1.0, 3.0], "Age": [30, 40]}).write_parquet(tmp_path / "users.parquet")


def test_files_of_products_and_users(tmp_path: Path) -> None:
    files(
        tmp_path,
        "p,name,list,make,d,g,Colour\n"
        "A,Lamp,6,Acme,Home,Light,red\n"
        "A,Lamp,6,Acme,Home,Light,red\n"
        "C,Chair,,,HOME,,\n"
        "D,Desk,9,,Home,Wood,\n"
        "FEE1,Fee,1,,,,\n",
    )
    mapping = parse_mapping(FILES.format(category='categories = ["d", "g"]'))
    data = load_shop(mapping, tmp_path)
    assert data.products.sort("product_id").select(
        "product_id", "title", "price", "category_id", "brand", "colour"
    ).rows() == [
        ("A", "Lamp", 6.0, "home > light", "Acme", "red"),
        ("B", None, 7.0, None, None, None),
        ("C", "Chair", None, "home", None, None),
        ("D", "Desk", 9.0, "home > wood", None, None),
    ]
    assert data.users.sort("user_id").rows() == [("1", False, 30), ("2", False, None),
                                                 ("3", False, 40)]  # fmt: skip
    assert data.categories["name"].to_list() == ["Home", "Light", "Wood"]
    assert data.events["event_id"].to_list() == ["e1", "e2"]
    assert {s.name: s.lines for s in data.report.steps} == {
        "repeated product_id": 1,
        "category spelling": 1,
    }


def test_a_file_of_categories(tmp_path: Path) -> None:
    files(tmp_path, "p,name,list,make,cat,Colour\nA,Lamp,6,Acme,3,red\n")
    table = '[categories]\nfile = "cats.csv"\ncategory = "id"\nname = "n"\nparent = "up"\n'
    mapping = parse_mapping(FILES.format(category='category = "cat"') + table)
    (tmp_path / "cats.csv").write_text("id,n,up\n3,Desk lamps,2\n1,Home,\n2,Lamps,1\n")
    assert load_shop(mapping, tmp_path).categories.rows() == [
        ("3", "Desk lamps", 2, "2"),
        ("1", "Home", 0, None),
        ("2", "Lamps", 1, "1"),
    ]
    for content, row, words in (
        ("id,n,up\n3,x,\n3,y,\n", 3, "given before"),
        ("id,n,up\n3,x,9\n", 2, "expected the id of a category"),
        ("id,n,up\n1,x,\n3,x,4\n4,y,3\n", 3, "above itself"),
        ("id,n,up\n,x,\n", 2, "expected an id"),
    ):
        (tmp_path / "cats.csv").write_text(content)
        with pytest.raises(DataError, match=words) as caught:
            load_shop(mapping, tmp_path)
        assert caught.value.row == row


@pytest.mark.parametrize(
    ("rows", "row", "column", "words"),
    [
        ("A,Lamp,6,,,,\nB,,,,,,\nA,Light,6,,,,\n", 4, "name", "'Lamp' before and is 'Light'"),
        ("A,Lamp,six,,,,\n", 2, "list", "expected a number, found 'six'"),
        (",Lamp,6,,,,\n", 2, "p", "expected an id"),
    ],
)
def test_bad_product_files(tmp_path: Path, rows: str, row: int, column: str, words: str) -> None:
    files(tmp_path, "p,name,list,make,d,g,Colour\n" + rows)
    mapping = parse_mapping(FILES.format(category='categories = ["d", "g"]'))
    with pytest.raises(DataError, match=words) as caught:
        load_shop(mapping, tmp_path)
    assert (caught.value.row, caught.value.column) == (row, column)


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    header = SALES.split("\n")[0]
    with pytest.raises(DataError, match=r"leaves no line \(non-products: 1\)"):
        shop(tmp_path, sales=f"{header}\n1;7;POST;Postage;1;4,90;01.07.2024 10:00;\n")


def test_the_events_file_may_be_another(tmp_path: Path) -> None:
    expected = shop(tmp_path).events
    (tmp_path / "sales.csv").rename(tmp_path / "july.csv")
    mapping = load_mapping(tmp_path / "shop.toml")
    assert load_shop(mapping, files={"events": tmp_path / "july.csv"}).events.equals(expected)
    with pytest.raises(DataError, match="no such file"):
        load_shop(mapping, tmp_path)
    with pytest.raises(ConfigError, match="no table called sales"):
        load_shop(mapping, tmp_path, {"sales": "july.csv"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("currency = ", "not TOML"),
        ('currency = "EUR"', "events: this key is needed"),
        (BASE + "[cleaning]\nfoo = 1", "cleaning.foo: no such key"),
        (BASE.replace("EUR", "euro"), "currency: String should match"),
        (BASE.replace("Europe/Berlin", "Berlin/Europe"), "time_zone: .* is unknown"),
        (BASE.replace('starts_with = "C"', ""), "cancellations: a column needs one of"),
        (BASE.replace('codes = ["POST"]', "matches = '('"), "not a regular expression"),
        (BASE.replace('title = "Text"', 'value = "Text"'), "unit_price or value, not both"),
        (BASE.replace('["Home Town"]', '["Price"]'), "'price' cannot be an attribute's name"),
        (BASE.replace('["Home Town"]', '["A b", "a-b"]'), "the same attribute name"),
        (BASE + '[cleaning]\nanonymous = "maybe"', "cleaning.anonymous: Input should be"),
        (BASE + '[categories]\nfile = "a"\ncategory = "b"', "need each other"),
    ],
)
def test_bad_mappings_name_the_key(content: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_mapping(content)


def test_missing_mapping_and_example(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")
    example = parse_mapping(EXAMPLE_MAPPING)
    assert example.events.user_attributes == {"country": "Country"}
    assert example.products is not None
    assert example.products.attributes == {"colour": "Colour", "size": "Size"}
