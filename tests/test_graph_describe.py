"""What a store holds, told alike by every store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pytest

from graph.describe import GraphDescription, LabelInfo, RelationshipInfo, describe
from graph.open import open_store
from graph.query import read_query
from graph.schema import EDGES, NODES
from graph.store import Derived, GraphStore
from graph.workers import Workers
from graph.write import write_dataset
from loaders.synthetic import Planted
from tests.neo4j_fixture import clean_neo4j

ODD = "it's \\ here"
DERIVED = Derived(
    "build-7",
    {"Community": pa.table({"id": ["g0"], "name": ["A"], "level": [0]})},
    {
        ("SIMILAR_TO", "Product", "Product"): pa.table(
            {"source": ["product-1"], "target": ["product-0"], "score": [0.5]}
        ),
        ("MEMBER_OF", "User", "Community"): pa.table(
            {"source": ["user-3", "user-1"], "target": ["g0", "g0"], "strength": [0.25, 1.0]}
        ),
    },
)


@pytest.fixture(scope="module")
def places(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = {
        "embedded": str(tmp_path_factory.mktemp("describe") / "graph.lbug"),
        "neo4j": clean_neo4j(),
    }
    for place in found.values():
        with open_store(place) as store:
            write_dataset(store, planted.dataset)
            store.upsert_nodes("Brand", pa.table({"id": [ODD]}))
            edge = next(edge for edge in EDGES if edge.name == "OF_BRAND")
            store.upsert_edges(edge, pa.table({"source": ["product-9"], "target": [ODD]}))
            store.upsert_nodes("User", pa.table({"id": ["user-2"], "pet": ["dog"]}))
            store.upsert_nodes("User", pa.table({"id": [f" {ODD}"]}))
            store.replace_derived(DERIVED)
    return found


@pytest.fixture
def stores(places: dict[str, str]) -> Iterator[dict[str, GraphStore]]:
    with (
        open_store(places["embedded"], read_only=True) as embedded,
        open_store(places["neo4j"], read_only=True) as neo4j,
    ):
        yield {"embedded": embedded, "neo4j": neo4j}


@pytest.fixture
def told(stores: dict[str, GraphStore]) -> dict[str, GraphDescription]:
    return {name: describe(store) for name, store in stores.items()}


def label(told: GraphDescription, name: str) -> LabelInfo:
    return next(x for x in told.labels if x.label == name)


def relationship(told: GraphDescription, name: str, source: str) -> RelationshipInfo:
    return next(x for x in told.relationships if (x.type, x.source) == (name, source))


def examples(info: LabelInfo | RelationshipInfo) -> dict[str, Any]:
    return {p.name: p.example for p in info.properties}


def plain(told: GraphDescription) -> dict[str, Any]:
    """Properties of an open label stand in the order they came up in, which a store may lose."""
    found = asdict(told)
    for info in found["labels"]:
        info["properties"] = sorted(info["properties"], key=lambda p: str(p["name"]))
    return found


def test_both_stores_tell_the_same(told: dict[str, GraphDescription]) -> None:
    assert plain(told["embedded"]) == plain(told["neo4j"])


def test_everything_is_told_with_its_count(
    told: dict[str, GraphDescription], stores: dict[str, GraphStore]
) -> None:
    for name, found in told.items():
        assert [x.label for x in found.labels] == list(NODES)
        ends = [(x.type, x.source, x.target, x.kind) for x in found.relationships]
        assert ends == [(e.name, e.source, e.target, e.kind) for e in EDGES]
        counts = {x.label: x.count for x in found.labels}
        for x in found.relationships:
            counts[x.type] = counts.get(x.type, 0) + x.count
        assert counts == stores[name].counts()
        assert relationship(found, "CHILD_OF", "Community").count == 0
        assert relationship(found, "CHILD_OF", "Category").count > 0


def test_examples_are_those_of_the_smallest_id_that_has_one(
    told: dict[str, GraphDescription],
) -> None:
    for found in told.values():
        users = examples(label(found, "User"))
        assert (users["id"], users["pet"]) == (f" {ODD}", "dog")
        member = relationship(found, "MEMBER_OF", "User")
        assert examples(member) == {"strength": 1.0, "build": "build-7"}
        assert member.build == label(found, "Community").build == "build-7"
        assert label(found, "User").build is None
        bought = relationship(found, "PURCHASED", "User")
        assert examples(bought)["session_id"] is None and "'user-0'" in bought.example
        assert examples(relationship(found, "VIEWED", "User")).keys() == examples(bought).keys()


def test_every_example_query_runs_and_finds_what_it_shows(
    told: dict[str, GraphDescription], stores: dict[str, GraphStore]
) -> None:
    for info in told["embedded"].relationships:
        asked = info.example.replace("a, r, b LIMIT", "a.id, b.id LIMIT")
        assert (stores["embedded"].query(asked).num_rows > 0) == (info.count > 0), info.example
        assert (read_query(stores["neo4j"], info.example).num_rows > 0) == (info.count > 0)


def test_ids_are_quoted_in_examples(stores: dict[str, GraphStore]) -> None:
    edge = next(edge for edge in EDGES if edge.name == "OF_BRAND")
    assert edge.source == "Product"
    for store in stores.values():
        spelled = ODD.replace("\\", "\\\\").replace("'", "\\'")
        assert store.query(f"MATCH (b:Brand {{id: '{spelled}'}}) RETURN b.id").num_rows == 1


def test_workers_tell_it_too(places: dict[str, str], told: dict[str, GraphDescription]) -> None:
    for name, place in places.items():
        with Workers(place) as workers:
            assert workers.describe() == told[name]
