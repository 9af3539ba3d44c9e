"""A definition's Cypher, run on the embedded store, finds the members that the tables give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from audience_shop import (
    CATEGORIES,
    DID,
    LIKED,
    PRODUCTS,
    START,
    USERS,
    defined,
    tables_of,
    who,
)
from test_audiences_evaluate import CARTED, COFFEE, sequence

from audiences.cypher import cypher
from audiences.plan import Plan
from graph.guard import guarded
from graph.open import open_store
from graph.store import Derived, GraphStore, QueryLimits
from graph.write import write_dataset
from loaders.dataset import Dataset
from loaders.errors import AudienceError
from loaders.report import LoadReport
from tests.neo4j_fixture import clean_neo4j

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dataset() -> Dataset:
    rows = [
        {
            "event_id": f"e{i}",
            "event": d.event,
            "user_id": d.user,
            "product_id": d.product,
            "at": EPOCH + timedelta(days=START + d.day),
            "value": d.value,
            "order_id": f"o{d.order}" if d.order >= 0 else None,
        }
        for i, d in enumerate(DID)
    ]
    return Dataset.of(
        pl.DataFrame(rows, infer_schema_length=None),
        LoadReport("by hand", len(rows), len(rows)),
        users=USERS,
        products=PRODUCTS,
        categories=CATEGORIES,
    )


def derived() -> Derived:
    """Members and lists as in ``tables_of``."""
    tables, products = tables_of(), PRODUCTS["product_id"]
    group = tables.groupings[0]
    inside = np.flatnonzero(group.member >= 0)
    members = pl.DataFrame(
        {
            "source": tables.users.ids.gather(inside),
            "target": [group.ids[group.member[i]] for i in inside],
            "strength": group.strength[inside].astype(float),
        }
    )
    liked = [
        (tables.users.id(user), products[row], 1.0, rank + 1)
        for user, rows in enumerate(LIKED)
        for rank, row in enumerate(rows)
        if row >= 0
    ]
    nodes = pl.DataFrame({"id": group.ids, "name": group.names, "level": [0, 0], "size": [2, 2]})
    frames = {
        ("MEMBER_OF", "User", "Community"): members,
        ("MAY_LIKE", "User", "Product"): pl.DataFrame(
            liked, schema=["source", "target", "score", "rank"], orient="row"
        ),
    }
    traits = tables.traits.with_columns(source=tables.users.ids).drop_nulls("stage")
    names = ["orders", "spend", "days_since_last", "usual_interval_days", "expected_value"]
    names += ["probability_alive", "churn_risk", "rfm"]
    frames["IN_STAGE", "User", "Stage"] = traits.select(
        "source", pl.col("stage").alias("target"), *names
    )
    stages = pl.DataFrame({"id": ["new", "mature", "at risk", "lost"]})
    build = pl.lit("build-1").alias("build")
    return Derived(
        build="build-1",
        nodes={
            "Community": nodes.with_columns(build).to_arrow(),
            "Stage": stages.with_columns(build).to_arrow(),
        },
        edges={edge: frame.with_columns(build).to_arrow() for edge, frame in frames.items()},
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    """The shop in an embedded store, with what a build would derive."""
    with open_store(tmp_path_factory.mktemp("audiences") / "shop.lbug") as opened:
        write_dataset(opened, dataset())
        opened.replace_derived(derived())
        yield opened


GREEN = {"kind": "likes", "product": "green", "top": 1}
IN_GRAPH = [
    {"kind": "bought"},
    COFFEE,
    {**COFFEE, "times": 2},
    {**COFFEE, "days": 5},
    {**COFFEE, "days": 30, "until_days": 5},
    {**COFFEE, "brand": "Leaf"},
    {"kind": "bought", "value": 15},
    {"kind": "bought", "event": "add_to_cart", "product": ["green", "mug"], "times": 2},
    {"kind": "not_bought", "category": "coffee", "days": 40},
    {"kind": "not_bought"},
    sequence({"product": "espresso"}, {"product": "mug"}, 0.5),
    sequence({"product": "espresso"}, {"product": "mug"}, 40, days=50),
    sequence(CARTED, {}, 3, unless=True),
    sequence(CARTED, {}, 1, unless=True, same_product=True),
    sequence({}, {}, 40, same_product=True),
    {"kind": "share", "category": "coffee", "min": 0.6, "max": 0.8},
    {"kind": "share", "category": "coffee", "max": 0.7, "days": 10},
    {"kind": "segment", "any_of": ["s-1", "s-2"], "min_strength": 0.5},
    {"kind": "attribute", "name": "city", "any_of": ["Bonn", "O'Hara"]},
    {"kind": "attribute", "name": "age", "any_of": [45, 18]},
    {"kind": "attribute", "name": "age", "min": 20, "max": 45},
    {"kind": "attribute", "name": "age", "missing": True},
    {"kind": "likes", "category": "coffee", "top": 2},
    {"kind": "stage", "any_of": ["at risk", "lost"]},
    {"kind": "rfm", "any_of": ["5??", "121"]},
    {"kind": "value", "min": 13},
    {"kind": "value", "of": "expected_value", "min": 11, "max": 30},
    {"kind": "value", "of": "orders", "max": 0},
    {"kind": "churn", "min": 0.4},
    {"kind": "not", "of": {"kind": "churn", "max": 0.4}},
    {"kind": "churn", "of": "probability_alive", "max": 0.6},
    {"kind": "rhythm", "of": "usual_interval_days", "max": 40},
    {"kind": "rhythm", "min": 7},
    {"kind": "not", "of": {"kind": "attribute", "name": "city", "any_of": "Bonn"}},
    {"kind": "any", "of": [{"kind": "all", "of": [COFFEE, {"kind": "not", "of": GREEN}]}, GREEN]},
    {"kind": "not", "of": {"kind": "audience", "name": "tea"}},
]


@pytest.mark.parametrize("where", IN_GRAPH, ids=str)
def test_the_query_finds_the_members(where: dict[str, Any], store: GraphStore) -> None:
    tables = tables_of()
    tea = defined({"kind": "bought", "product": "green"}, "tea")
    plan = Plan.of(defined(where), tables, {"tea": tea})
    answer = store.query(guarded(cypher(plan, tables)), {}, QueryLimits())
    assert answer["user_id"].to_pylist() == who(where, tables, [tea])


def test_neo4j_finds_the_same_members() -> None:
    tables = tables_of()
    tea = defined({"kind": "bought", "product": "green"}, "tea")
    with open_store(clean_neo4j()) as served:
        write_dataset(served, dataset())
        served.replace_derived(derived())
        for where in IN_GRAPH:
            plan = Plan.of(defined(where), tables, {"tea": tea})
            text = guarded(cypher(plan, tables, "neo4j"))
            found = served.query(text, {}, QueryLimits())["user_id"].to_pylist()
            assert found == who(where, tables, [tea]), where


def test_the_query_as_an_analyst_sees_it() -> None:
    tables = tables_of()
    plan = Plan.of(defined({**COFFEE, "days": 5}), tables, {})
    assert cypher(plan, tables) == (
        "// some, as of build build-1; customers on the suppression list or without consent are "
        "not left out here\n"
        "MATCH (u:User) WHERE NOT coalesce(u.anonymous, false)\n"
        "OPTIONAL MATCH (u)-[e:PURCHASED]->(p:Product) WHERE EXISTS { MATCH (p)-[:IN_CATEGORY]->(k)"
        " WHERE k.id IN ['beans', 'coffee', 'ground'] }"
        " AND e.at >= timestamp('2024-04-05 00:00:00')\n"
        "WITH u, count(DISTINCT coalesce(e.order_id, e.event_id)) AS times1\n"
        "WITH u, times1\n"
        "WHERE times1 >= 1\n"
        "RETURN u.id AS user_id ORDER BY user_id"
    )
    assert "datetime('2024-04-05T00:00:00Z')" in cypher(plan, tables, "neo4j")


def test_what_the_graph_does_not_hold_is_named() -> None:
    tables = tables_of()
    where = {"kind": "all", "of": [COFFEE, {"kind": "similar", "users": "ann", "top": 2}]}
    with pytest.raises(AudienceError) as error:
        cypher(Plan.of(defined(where), tables, {}), tables)
    ((path, problem),) = error.value.problems
    assert path == "where.of.1" and problem.startswith("the graph does not hold: ")
    assert problem.endswith("take it out, or use coterie audiences members")
