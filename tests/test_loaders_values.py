from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from loaders.errors import ConfigError, DataError
from loaders.files import LINE
from loaders.values import check_zone, ids, numbers, refuse, text, times, unreadable


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def test_ids_lose_only_the_float_tail() -> None:
    raw = pl.Series(["13085.0", " A-1 ", "", "1.50", None])
    assert ids(raw).to_list() == ["13085", "A-1", None, "1.50", None]
    assert ids(pl.Series([13085.0, None])).to_list() == ["13085", None]
    assert ids(pl.Series([1.5, 2.0])).to_list() == ["1.5", "2"]
    assert ids(pl.Series([2**60 + 1])).to_list() == [str(2**60 + 1)]
    assert ids(pl.Series(["85123a"]), "upper").to_list() == ["85123A"]
    assert ids(pl.Series(["85123A"]), "lower").to_list() == ["85123a"]


def test_text_is_trimmed() -> None:
    assert text(pl.Series(["  white \t cherry\u00a0lights ", "  "])).to_list() == [
        "white cherry lights",
        None,
    ]


def test_numbers_of_other_countries() -> None:
    raw = pl.Series(["1.234,50", "€ 3", "x", "inf", "-2,5"])
    typed = numbers(raw, ",", ".")
    assert typed.to_list() == [1234.5, 3.0, None, None, -2.5]
    assert unreadable(raw, typed).to_list() == [False, False, True, True, False]
    assert numbers(pl.Series(["1.5", "2,5"]), ",").to_list() == [None, 2.5]
    assert numbers(pl.Series([1, None])).to_list() == [1.0, None]


def test_iso_times_of_every_kind() -> None:
    raw = pl.Series(
        ["2017-07-01 12:00:00", "2017-01-01", "2017-07-01T12:00", "2017-07-01T12:00:00.5+02:00",
         "2017-07-01T12:00:00Z", "soon", None]
    )  # fmt: skip
    assert times(raw, zone="Europe/London").values.to_list() == [
        moment(2017, 7, 1, 11),
        moment(2017, 1, 1),
        moment(2017, 7, 1, 11),
        moment(2017, 7, 1, 10, 0, 0, 500_000),
        moment(2017, 7, 1, 12),
        None,
        None,
    ]


def test_changing_the_clock() -> None:
    """In New York 2:30 is skipped on 2017-03-12, and 1:30 comes twice on 2017-11-05."""
    raw = pl.Series(["2017-03-12 02:30:00", "2017-11-05 01:30:00", "2017-06-01 00:00:00"])
    found = times(raw, zone="America/New_York")
    assert found.values.to_list() == [
        moment(2017, 3, 12, 7, 30),
        moment(2017, 11, 5, 5, 30),
        moment(2017, 6, 1, 4),
    ]
    assert found.nonexistent.to_list() == [True, False, False]
    assert found.ambiguous.to_list() == [False, True, False]


@pytest.mark.parametrize(
    ("raw", "date_format", "expected"),
    [
        (["31/12/2017 23:59"], "%d/%m/%Y %H:%M", moment(2017, 12, 31, 23, 59)),
        (["31.12.2017"], "%d.%m.%Y", moment(2017, 12, 31)),
        (["31.12.2017 00:00 +0200"], "%d.%m.%Y %H:%M %z", moment(2017, 12, 30, 22)),
        (["1500000000"], "epoch_s", moment(2017, 7, 14, 2, 40)),
        ([1500000000000], "epoch_ms", moment(2017, 7, 14, 2, 40)),
        (["1500000000000000"], "epoch_us", moment(2017, 7, 14, 2, 40)),
        ([date(2017, 7, 14)], "iso", moment(2017, 7, 14)),
        ([moment(2017, 7, 14)], "iso", moment(2017, 7, 14)),
    ],
)
def test_date_formats(raw: list[object], date_format: str, expected: datetime) -> None:
    assert times(pl.Series(raw), date_format).values.to_list() == [expected]


def test_a_year_of_two_digits_needs_its_own_format() -> None:
    raw = pl.Series(["1/31/24", "1/31/2024"])
    assert times(raw, "%m/%d/%Y").values.to_list() == [None, moment(2024, 1, 31)]
    assert times(raw.head(1), "%m/%d/%y").values.to_list() == [moment(2024, 1, 31)]


def test_refuse_names_the_first_bad_value() -> None:
    frame = pl.DataFrame({LINE: [2, 3, 4], "Price": ["1", "dear", "free"]})
    bad = unreadable(frame["Price"], numbers(frame["Price"]))
    with pytest.raises(DataError) as caught:
        refuse(frame, bad, "Price", "a number", "a.csv")
    assert str(caught.value) == (
        "a.csv, row 3, column 'Price': expected a number, found 'dear' (2 such of 3 values)"
    )
    assert refuse(frame, bad & False, "Price", "a number", "a.csv") is None


def test_unknown_zone() -> None:
    assert check_zone("Europe/Paris") == "Europe/Paris"
    with pytest.raises(ConfigError, match="Europe/Paris"):
        check_zone("Mars/Olympus")
