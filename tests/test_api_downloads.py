"""Members of a segment as CSV."""

from __future__ import annotations

import csv
import io

import pytest
from api_client import client
from api_fixture import TinyService
from api_shop import lines
from hypothesis import given
from hypothesis import strategies as st

from api import downloads
from api.cursors import decode, encode

PATH = "/v1/segments/breakfast/users"


def test_csv_by_accept_header() -> None:
    response = client().get(PATH, headers={"Accept": "text/csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["vary"].startswith("Accept")
    assert "attachment" in response.headers["content-disposition"]
    assert response.text == (
        "user_id,strength,orders,spend,last_purchase\r\n"
        "ann,1.0000,3,16.00,2024-03-09T12:00:00+00:00\r\n"
        "Zoë Müller,0.7500,1,5.00,2024-03-03T12:00:00+00:00\r\n"
    )


def test_pages_join_into_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = client().get(PATH, headers={"Accept": "text/csv"}).text
    monkeypatch.setattr(downloads, "PAGE", 1)
    assert client().get(PATH, headers={"Accept": "text/csv"}).text == whole


def test_an_unknown_segment_is_refused_before_the_file_begins() -> None:
    response = client().get("/v1/segments/x/users", headers={"Accept": "text/csv"})
    assert (response.status_code, response.json()["status"]) == (404, 404)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/csv, */*", True),
        ("text/csv;q=0.5, */*", False),
        ("text/csv, application/json", False),
        ("application/json;q=0.5, text/csv", True),
        ("text/csv;q=0", False),
        ("text/csv;q=much", False),
    ],
)
def test_which_form_is_preferred(accept: str, expected: bool) -> None:
    offered = (downloads.JSON, downloads.CSV)
    assert (downloads.preferred(accept, offered) == downloads.CSV) is expected


def test_no_cell_is_a_formula() -> None:
    name = '=HYPERLINK("http://example.org")'
    service = TinyService(lines=lines(name, "o1", 1, "bread"), member_of={name: "breakfast"})
    text = client(service).get(PATH, headers={"Accept": "text/csv"}).text
    assert list(csv.reader(io.StringIO(text)))[1][0] == f"'{name}"


@given(st.text())
def test_a_safe_cell_starts_with_no_operator(text: str) -> None:
    made = downloads.safe(text)
    assert not made.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert made in (text, f"'{text}")


@given(st.text(min_size=1), st.integers(0, 10**9))
def test_a_cursor_comes_back(build: str, offset: int) -> None:
    assert decode(encode(build, offset), build) == offset
