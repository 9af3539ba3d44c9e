"""A ``Dataset`` refuses what would mislead all that follows, with counts and examples."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.report import LoadReport

EVENTS = {
    "event_id": ["e1", "e2"],
    "event": ["purchase", "purchase"],
    "user_id": ["ann", "bob"],
    "product_id": ["tea", "tea"],
    "at": [datetime(2024, 1, 1, tzinfo=UTC)] * 2,
}


def dataset(events: dict[str, Any] | None = None, **tables: pl.DataFrame) -> Dataset:
    return Dataset.of(
        pl.DataFrame({**EVENTS, **(events or {})}), LoadReport("test", 2, 2), **tables
    )


def test_users_and_products_that_only_events_name_are_added() -> None:
    data = dataset(users=pl.DataFrame({"user_id": ["bob"], "city": ["Bern"]}))
    assert data.users.rows() == [("bob", False, "Bern"), ("ann", False, None)]
    assert data.products["product_id"].to_list() == ["tea"]
    assert data.events["quantity"].to_list() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ({"event_id": ["e1", "e1"]}, "column 'event_id': expected each key once; 2 rows"),
        ({"event": ["purchase", "steal"]}, "expected one of purchase, .* have 'steal'"),
        ({"user_id": ["ann", None]}, "column 'user_id': expected a value; 1 rows"),
        ({"at": ["yesterday", "today"]}, "wrong type"),
    ],
)
def test_bad_events_are_refused_with_counts(events: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        dataset(events)


def test_references_to_nothing_are_refused() -> None:
    products = pl.DataFrame({"product_id": ["tea"], "category_id": ["drinks"]})
    with pytest.raises(DataError, match="expected an id of table 'categories'; 1 rows"):
        dataset(products=products)


def test_categories_in_a_circle_are_refused() -> None:
    circle = pl.DataFrame(
        {"category_id": ["a", "b"], "name": ["A", "B"], "level": [1, 2], "parent_id": ["b", "a"]}
    )
    with pytest.raises(DataError, match="parent at a lower level; 1 rows"):
        dataset(categories=circle)
