"""The Cypher page: its queries run and answer right, its schema is the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from graph.embedded import EmbeddedStore
from graph.guard import MAX_CHARACTERS, MAX_NESTING, guarded
from graph.schema import EDGES, NODES
from graph.store import Derived, QueryLimits
from graph.write import write_dataset
from loaders.synthetic import Planted

PAGE = (Path(__file__).parent.parent / "docs" / "cypher.md").read_text()
QUERIES = dict(re.findall(r"\n([^\n]+\?)\n\n```cypher\n(.*?)```", PAGE, re.DOTALL))
PARAMETERS = {"user": "user-3", "product": "product-0", "day": "2024-06-20 00:00:00"}


@pytest.fixture(scope="module")
def store(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path_factory.mktemp("docs") / "graph.lbug") as store:
        write_dataset(store, planted.dataset)
        users = [f"user-{i}" for i in range(200)]
        groups = [f"g{group}" for group in planted.group]
        store.replace_derived(
            Derived(
                "1",
                {
                    "Community": pa.table(
                        {"id": [f"g{g}" for g in range(4)], "name": [*"ABCD"], "level": [0] * 4}
                    )
                },
                {
                    ("BOUGHT_WITH", "Product", "Product"): pa.table(
                        {"source": ["product-0"], "target": ["product-24"], "support": [0.1],
                         "confidence": [0.8], "lift": [9.0]}
                    ),
                    ("MAY_LIKE", "User", "Product"): pa.table(
                        {"source": ["user-3"] * 100, "target": [f"product-{i}" for i in range(100)],
                         "score": [1.0] * 100, "rank": list(range(100))}
                    ),
                    ("MEMBER_OF", "User", "Community"): pa.table(
                        {"source": users, "target": groups, "strength": [1.0] * 200}
                    ),
                },
            )
        )  # fmt: skip
        yield store


def ask(store: EmbeddedStore, question: str) -> list[dict[str, Any]]:
    cypher = guarded(QUERIES[question])
    given = {name: value for name, value in PARAMETERS.items() if f"${name}" in cypher}
    return list(store.query(cypher, given, QueryLimits()).to_pylist())


def test_there_are_ten_or_more() -> None:
    assert len(QUERIES) >= 10


@pytest.mark.parametrize("question", QUERIES)
def test_every_query_answers_with_rows(store: EmbeddedStore, question: str) -> None:
    assert ask(store, question)


def test_answers_agree_with_the_data(store: EmbeddedStore, planted: Planted) -> None:
    events = planted.dataset.events
    months = ask(store, "How much was sold in each month?")
    assert sum(row["lines"] for row in months) == events.height
    assert sum(row["revenue"] for row in months) == pytest.approx(events["value"].sum())
    best = ask(store, "Who are the best customers?")[0]
    spent = events.group_by("user_id").agg(pl.col("value").sum()).sort("value", descending=True)
    assert best["spent"] == spent["value"][0]
    top = ask(store, "How do the broadest categories sell, at whatever depth their products hang?")
    assert len(top) == 4 and sum(row["lines"] for row in top) == events.height
    gone = ask(store, "Who has not bought since a day?")
    last = events.group_by("user_id").agg(pl.col("at").max())
    cut = pl.lit(PARAMETERS["day"]).str.to_datetime(time_zone="UTC")
    assert len(gone) == min(20, last.filter(pl.col("at") < cut).height)


def test_derived_answers(store: EmbeddedStore, planted: Planted) -> None:
    together = ask(store, "What is bought together with a product?")
    assert [row["product"] for row in together] == ["Product 24 of aisle 0"]
    mine = planted.dataset.events.filter(pl.col("user_id") == "user-3")["product_id"].unique()
    new = [i for i in range(100) if f"product-{i}" not in set(mine)][:10]
    liked = ask(store, "What might a customer like, and has not bought?")
    assert [row["rank"] for row in liked] == new


def test_the_page_names_the_whole_schema() -> None:
    for label in NODES.values():
        assert f"| `{label.name}` |" in PAGE
        assert all(f"`{name}`" in PAGE for name in label.properties)
    for edge in EDGES:
        assert f"`{edge.name}`" in PAGE
        assert all(f"`{name}`" in PAGE for name in edge.properties)


def test_the_page_names_the_limits() -> None:
    limits = QueryLimits()
    for text in (
        f"{MAX_CHARACTERS:,}", f"deeper than {MAX_NESTING}", f"{limits.seconds:g} seconds",
        f"{limits.rows:,} rows",
    ):  # fmt: skip
        assert text in PAGE.replace("\n", " ")
