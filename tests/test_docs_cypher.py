"""The Cypher page: its queries run and answer right, its schema is the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from graph.guard import MAX_CHARACTERS, MAX_NESTING, guarded
from graph.open import open_store
from graph.schema import EDGES, NODES
from graph.store import Derived, GraphStore, QueryLimits
from graph.write import write_dataset
from loaders.synthetic import Planted
from tests.neo4j_fixture import clean_neo4j

PAGE = (Path(__file__).parent.parent / "docs" / "cypher.md").read_text()
BLOCKS = re.findall(
    r"\n([^\n]+\?)\n\n```cypher\n(.*?)```(?:\n\nOn Neo4j:\n\n```cypher\n(.*?)```)?", PAGE, re.DOTALL
)
QUERIES = {
    "embedded": {question: query for question, query, _ in BLOCKS},
    "neo4j": {question: other or query for question, query, other in BLOCKS},
}
PARAMETERS = {
    "user": "user-3",
    "product": "product-0",
    "day": "2024-06-20 00:00:00",
    "community": "g1",
}
PAIRS = [("product-0", "product-24"), ("product-25", "product-49"), ("product-75", "product-99")]
MANY = [f"product-{i}" for i in range(100)]


def vectors(n: int) -> pa.Array:
    """Directions of a fixed seed, float32 [n, 8]."""
    drawn = np.random.default_rng(n).standard_normal((n, 8)).astype(np.float32)
    return pa.array(list(drawn), pa.list_(pa.float32()))


def derived(planted: Planted) -> Derived:
    """What a build might have learned from the planted shop."""
    users = [f"user-{i}" for i in range(200)]
    first, second = ([pair[i] for pair in PAIRS] for i in (0, 1))
    scored = {"support": [0.1] * 3, "confidence": [0.8] * 3, "lift": [9.0] * 3}
    names = {"id": ["g0", "g1", "g2", "g3"], "name": ["A", "B", "C", "D"], "level": [0] * 4}
    liked = {"source": ["user-3"] * 100, "target": MANY, "score": [1.0] * 100}
    groups = {"source": users, "target": [f"g{group}" for group in planted.group]}
    return Derived(
        "1",
        {
            "Community": pa.table(names),
            "Stage": pa.table({"id": ["at risk", "mature"], "customers": [50, 150]}),
            "UserVector": pa.table({"id": users, "vector": vectors(200)}),
            "ProductVector": pa.table({"id": MANY, "vector": vectors(100)}),
        },
        {
            ("BOUGHT_WITH", "Product", "Product"): pa.table(
                {"source": first, "target": second, **scored}
            ),
            ("SIMILAR_TO", "Product", "Product"): pa.table(
                {"source": first, "target": second, "score": [0.5] * 3}
            ),
            ("MAY_LIKE", "User", "Product"): pa.table({**liked, "rank": list(range(100))}),
            ("IN_STAGE", "User", "Stage"): pa.table(
                {
                    "source": users,
                    "target": ["mature" if i % 4 else "at risk" for i in range(1, 201)],
                    "expected_value": [float(200 - i) for i in range(200)],
                    "churn_risk": [0.25] * 200,
                }
            ),
            ("MEMBER_OF", "User", "Community"): pa.table({**groups, "strength": [1.0] * 200}),
        },
    )


@pytest.fixture(scope="module")
def stores(
    planted: Planted, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, GraphStore]]:
    path = tmp_path_factory.mktemp("docs") / "graph.lbug"
    with open_store(path) as embedded, open_store(clean_neo4j()) as neo4j:
        found = {"embedded": embedded, "neo4j": neo4j}
        for store in found.values():
            write_dataset(store, planted.dataset)
            store.replace_derived(derived(planted))
        yield found


@pytest.fixture(params=["embedded", "neo4j"])
def store(request: pytest.FixtureRequest, stores: dict[str, GraphStore]) -> tuple[str, GraphStore]:
    return request.param, stores[request.param]


def ask(store: tuple[str, GraphStore], question: str) -> list[dict[str, Any]]:
    engine, opened = store
    cypher = guarded(QUERIES[engine][question])
    given = {name: value for name, value in PARAMETERS.items() if f"${name}" in cypher}
    return list(opened.query(cypher, given, QueryLimits()).to_pylist())


def test_there_are_twenty_five_or_more() -> None:
    assert len(BLOCKS) >= 25


@pytest.mark.parametrize("question", QUERIES["embedded"])
def test_both_engines_answer_alike(stores: dict[str, GraphStore], question: str) -> None:
    embedded, neo4j = (ask(pair, question) for pair in stores.items())
    assert embedded
    if question == "Which properties do customers have?":
        assert {row["name"] for row in embedded} == {row["name"] for row in neo4j}
    else:
        assert embedded == neo4j


def test_answers_agree_with_the_data(store: tuple[str, GraphStore], planted: Planted) -> None:
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


def test_derived_answers(store: tuple[str, GraphStore], planted: Planted) -> None:
    together = ask(store, "What is bought together with a product?")
    assert [row["product"] for row in together] == ["Product 24 of aisle 0"]
    mine = planted.dataset.events.filter(pl.col("user_id") == "user-3")["product_id"].unique()
    new = [i for i in range(100) if f"product-{i}" not in set(mine)][:10]
    liked = ask(store, "What might a customer like, and has not bought?")
    assert [row["rank"] for row in liked] == new


def test_nearest_by_vector(store: tuple[str, GraphStore], planted: Planted) -> None:
    tastes = np.array(vectors(200).to_pylist(), np.float32)
    unit = tastes / np.linalg.norm(tastes, axis=1, keepdims=True)
    cosines = unit @ unit[3]
    nearest = [i for i in np.argsort(-cosines) if i != 3][:10]
    found = ask(store, "Who is like this customer, by what the model learned?")
    assert [row["customer"] for row in found] == [f"user-{i}" for i in nearest]
    assert [row["likeness"] for row in found] == pytest.approx(cosines[nearest], abs=1e-4)
    buyers = planted.dataset.events.filter(pl.col("product_id") == "product-0")["user_id"]
    new = ask(store, "To whose tastes is a product nearest, who has not bought it?")
    assert len(new) == 10 and not {row["customer"] for row in new} & set(buyers)


def test_the_page_names_the_whole_schema() -> None:
    for label in NODES.values():
        assert re.search(rf"\| [^|\n]*`{label.name}`[^|\n]* \|", PAGE)
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
