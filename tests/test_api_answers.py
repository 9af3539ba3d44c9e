"""Answers as JSON, CSV, NDJSON and Arrow."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from api_client import client
from hypothesis import given
from hypothesis import strategies as st

from api.answers import FORMS, Format, form_for
from graph.answer import Answer

NAMES = ["id", "at", "n", "id", "some"]
TABLE = pa.Table.from_arrays(
    [
        pa.array(["a,b", "=1+1", None]),
        pa.array([datetime(2024, 3, 1, 12, tzinfo=UTC), None, None], pa.timestamp("us", "UTC")),
        pa.array([-1.5, float("inf"), None]),
        pa.array([[1, 2], [], None], pa.list_(pa.int64())),
        pa.array([True, False, None]),
    ],
    names=NAMES,
)


def written(name: Format, table: pa.Table = TABLE) -> bytes:
    batches = (table.slice(i, 1).to_batches()[0] for i in range(table.num_rows))
    return b"".join(FORMS[name].chunks(Answer(table.schema, batches)))


def test_json() -> None:
    assert json.loads(written("json")) == {
        "columns": NAMES,
        "rows": [
            ["a,b", "2024-03-01T12:00:00Z", -1.5, [1, 2], True],
            ["=1+1", None, None, [], False],
            [None] * 5,
        ],
    }


def test_csv() -> None:
    assert written("csv").decode() == (
        "id,at,n,id,some\r\n"
        '"a,b",2024-03-01T12:00:00Z,-1.5,"[1,2]",true\r\n'
        "'=1+1,,,[],false\r\n"
        ",,,,\r\n"
    )


def test_ndjson_keeps_columns_that_share_a_name_apart() -> None:
    lines = [json.loads(line) for line in written("ndjson").splitlines()]
    assert lines[0] == {
        "id": "a,b",
        "at": "2024-03-01T12:00:00Z",
        "n": -1.5,
        "id_2": [1, 2],
        "some": True,
    }
    assert [line["id"] for line in lines] == ["a,b", "=1+1", None]


def test_arrow_keeps_types_and_values() -> None:
    assert pa.ipc.open_stream(written("arrow")).read_all().equals(TABLE)


def test_other_kinds_of_value_in_csv() -> None:
    row = {"day": date(2024, 3, 1), "raw": b"\xff", "map": {"a": None}, "big": 2**62}
    text = written("csv", pa.Table.from_pylist([row])).decode()
    assert list(csv.reader(io.StringIO(text)))[1] == [
        "2024-03-01",
        "_w==",
        '{"a":null}',
        f"{2**62}",
    ]


@pytest.mark.parametrize("name", FORMS)
def test_no_rows(name: Format) -> None:
    found = written(name, TABLE.slice(0, 0))
    if name == "arrow":
        assert pa.ipc.open_stream(found).read_all().num_rows == 0
    else:
        expected = {
            "json": b'{"columns":["id","at","n","id","some"],"rows":[]}',
            "csv": b"id,at,n,id,some\r\n",
            "ndjson": b"",
        }
        assert found == expected[name]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=("Cs",)))))
def test_text_comes_through_csv_but_for_formulas(texts: list[str]) -> None:
    table = pa.table({"=name": pa.array(texts, pa.string())})
    cells = [row[0] for row in csv.reader(io.StringIO(written("csv", table).decode(), newline=""))]
    dangerous = ("=", "+", "-", "@", "\t", "\r", "\n")
    assert cells == ["'=name", *(f"'{t}" if t.startswith(dangerous) else t for t in texts)]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/*", "csv"),
        ("application/x-ndjson", "ndjson"),
        ("application/vnd.apache.arrow.stream, */*;q=0.1", "arrow"),
        ("text/html", "json"),
        ("text/csv;q=0.4, application/x-ndjson;q=0.5", "ndjson"),
    ],
)
def test_the_form_is_chosen_by_the_accept_header(accept: str, expected: str) -> None:
    assert form_for(accept).name == expected


def test_forms_over_http() -> None:
    asked = {"query": "MATCH (c:Community) RETURN c.name, c.size", "rows": 1}
    answer = client().post("/v1/cypher", json=asked, headers={"Accept": "text/csv"})
    assert answer.text == "segment,customers\r\nBakery & dairy,2\r\n"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="answer.csv"'
    assert answer.headers["vary"].startswith("Accept")
    assert "attachment" not in client().post("/v1/cypher", json=asked).headers
