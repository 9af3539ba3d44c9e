"""The queries that the page offers run on a real graph."""

from __future__ import annotations

import json

import pytest

from api.app import STATIC
from graph.query import read_query
from pipeline.home import Home

COOKBOOK = json.loads((STATIC / "cookbook.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", COOKBOOK, ids=lambda entry: entry["name"][0])
def test_it_finds_something(built: Home, entry: dict[str, str]) -> None:
    values = {"user": "user-0", "product": "product-0"}
    asked = {name: value for name, value in values.items() if f"${name}" in entry["query"]}
    assert read_query(str(built.store), entry["query"], asked).num_rows
