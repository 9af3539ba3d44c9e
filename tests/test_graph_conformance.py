"""What every store must do; a further store adds one line to ``OPENERS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.embedded import EmbeddedStore
from graph.neo4j_store import Neo4jStore
from graph.query import read_query
from graph.schema import DERIVED_EDGES, EVENT_EDGES, NODES, STRUCTURE_EDGES
from graph.store import Derived, GraphStore, QueryLimits
from loaders.errors import DataError, QueryError, UnknownUser
from pipeline.measured import PURCHASES_SINCE
from tests.neo4j_fixture import clean_neo4j

OPENERS: dict[str, Callable[[Path], GraphStore]] = {
    "embedded": lambda folder: EmbeddedStore(folder / "graph.lbug"),
    "neo4j": lambda _: Neo4jStore(clean_neo4j()),
}
PURCHASED = EVENT_EDGES["purchase"]
EDGE = {(e.name, e.source): e for e in (*STRUCTURE_EDGES, *DERIVED_EDGES)}
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(params=OPENERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    with OPENERS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def shop(store: GraphStore) -> GraphStore:
    """Two users, three products, three purchases."""
    store.upsert_nodes("User", pa.table({"id": ["ann", "bob"], "anonymous": [False, False]}))
    store.upsert_nodes("Product", pa.table({"id": ["x", "y", "z"], "title": ["X", "Y", "Z"]}))
    store.append_events(PURCHASED, purchases(("e1", "ann", "x"), ("e2", "ann", "y")))
    store.append_events(PURCHASED, purchases(("e3", "bob", "x")))
    return store


def purchases(*lines: tuple[str, str, str]) -> pa.Table:
    ids, users, products = zip(*lines, strict=True)
    return pa.table(
        {
            "source": list(users),
            "target": list(products),
            "event_id": list(ids),
            "at": pa.array([NOON] * len(lines), pa.timestamp("us", "UTC")),
            "quantity": [1.0] * len(lines),
            "value": [2.5] * len(lines),
            "order_id": ["o"] * len(lines),
        }
    )


def vector_table(ids: list[str], vectors: list[list[float]]) -> pa.Table:
    return pa.table({"id": ids, "vector": pa.array(vectors, pa.list_(pa.float32()))})


def ends(store: GraphStore, name: str, source: str) -> list[tuple[str, str]]:
    table = store.edges(EDGE[name, source])
    return sorted(zip(table["source"].to_pylist(), table["target"].to_pylist(), strict=True))


def derived(build: str, *similar: tuple[str, str], groups: tuple[str, ...] = ("g",)) -> Derived:
    return Derived(
        build,
        {
            "Community": pa.table(
                {"id": list(groups), "name": list(groups), "level": [0] * len(groups)}
            )
        },
        {
            ("SIMILAR_TO", "Product", "Product"): pa.table(
                {
                    "source": [a for a, _ in similar],
                    "target": [b for _, b in similar],
                    "score": [0.5] * len(similar),
                }
            ),
            ("MEMBER_OF", "User", "Community"): pa.table(
                {"source": ["ann"], "target": [groups[0]], "strength": [1.0]}
            ),
        },
    )


class TestNodes:
    def test_new_store_knows_every_label_and_holds_nothing(self, store: GraphStore) -> None:
        assert set(NODES) <= set(store.counts())
        assert set(store.counts().values()) == {0}

    def test_come_back_by_id_with_every_property(self, store: GraphStore) -> None:
        store.upsert_nodes("Product", pa.table({"id": ["b", "a"], "title": ["B", None]}))
        store.upsert_nodes("Product", pa.table({"id": ["0"], "price": [1.5]}))
        assert store.nodes("Product").to_pylist() == [
            {"id": "0", "title": None, "price": 1.5},
            {"id": "a", "title": None, "price": None},
            {"id": "b", "title": "B", "price": None},
        ]

    def test_update_what_is_given_and_leave_the_rest(self, shop: GraphStore) -> None:
        assert shop.upsert_nodes("Product", pa.table({"id": ["x"], "price": [3.0]})) == 1
        shop.upsert_nodes("Product", pa.table({"id": ["x"], "title": pa.nulls(1, pa.string())}))
        assert shop.nodes("Product").to_pylist()[0] == {"id": "x", "title": "X", "price": 3.0}

    def test_attributes_keep_their_types(self, shop: GraphStore) -> None:
        table = pa.table(
            {"id": ["ann"], "age": [41], "club": [True], "score": [0.5], "city": ["Ü"]}
        )
        shop.upsert_nodes("User", table)
        ann, bob = shop.nodes("User").to_pylist()
        assert ann == {
            "id": "ann",
            "anonymous": False,
            "age": 41,
            "club": True,
            "score": 0.5,
            "city": "Ü",
        }
        assert bob["age"] is None

    def test_attribute_names_need_no_quotes(self, shop: GraphStore) -> None:
        names = ["home `owner` ship", "2nd", "a-b"]
        shop.upsert_nodes("User", pa.table({"id": ["ann"], **{n: ["v"] for n in names}}))
        row = shop.query("MATCH (u:User {id: 'ann'}) RETURN u.home_owner_ship, u.n2nd, u.a_b")
        assert [v for (v,) in row.to_pydict().values()] == ["v", "v", "v"]

    def test_names_that_differ_in_case_are_one_attribute(self, shop: GraphStore) -> None:
        shop.upsert_nodes("User", pa.table({"id": ["ann"], "City": ["Bonn"]}))
        shop.upsert_nodes("User", pa.table({"id": ["ann"], "city": ["Ulm"]}))
        assert shop.nodes("User").to_pylist()[0]["City"] == "Ulm"
        with pytest.raises(DataError, match="share a name"):
            shop.upsert_nodes("User", pa.table({"id": ["ann"], "zip": ["1"], "Zip": ["2"]}))

    @pytest.mark.parametrize(
        ("label", "table", "message"),
        [
            ("User", pa.table({"name": ["ann"]}), "lacks id"),
            ("User", pa.table({"id": ["c", "c"]}), "each id once; 2 rows"),
            ("User", pa.table({"id": pa.array([None], pa.string())}), "expected an id"),
            ("Brand", pa.table({"id": ["c"], "colour": ["red"]}), "no property 'colour'"),
            ("Product", pa.table({"id": ["c"], "price": ["dear"]}), "keeps 'price' as float"),
        ],
    )
    def test_refused_input_changes_nothing(
        self, shop: GraphStore, label: str, table: pa.Table, message: str
    ) -> None:
        before = shop.counts()
        with pytest.raises(DataError, match=message):
            shop.upsert_nodes(label, table)
        assert shop.counts() == before


class TestEdges:
    def test_are_inserted_once(self, shop: GraphStore) -> None:
        shop.upsert_nodes("Campaign", pa.table({"id": ["c"]}))
        targeted = EDGE["TARGETED", "Campaign"]
        table = pa.table({"source": ["c", "c", "c"], "target": ["ann", "bob", "ann"]})
        assert shop.upsert_edges(targeted, table) == 2
        assert shop.upsert_edges(targeted, table) == 0
        assert ends(shop, "TARGETED", "Campaign") == [("c", "ann"), ("c", "bob")]

    def test_a_product_moves_between_categories(self, shop: GraphStore) -> None:
        shop.upsert_nodes(
            "Category", pa.table({"id": ["c", "d"], "name": ["C", "D"], "level": [0, 0]})
        )
        within = EDGE["IN_CATEGORY", "Product"]
        shop.upsert_edges(within, pa.table({"source": ["x", "y"], "target": ["c", "c"]}))
        assert shop.upsert_edges(within, pa.table({"source": ["x"], "target": ["d"]})) == 1
        assert ends(shop, "IN_CATEGORY", "Product") == [("x", "d"), ("y", "c")]

    def test_with_an_id_of_their_own_may_repeat_their_ends(self, shop: GraphStore) -> None:
        shop.upsert_nodes("Campaign", pa.table({"id": ["c"]}))
        redeemed = EDGE["REDEEMED", "User"]
        table = pa.table(
            {
                "source": ["ann"] * 2,
                "target": ["c"] * 2,
                "redemption_id": ["1", "2"],
                "at": [NOON] * 2,
            }
        )
        assert (shop.upsert_edges(redeemed, table), shop.upsert_edges(redeemed, table)) == (2, 0)

    def test_of_one_name_between_different_labels_stay_apart(self, shop: GraphStore) -> None:
        shop.upsert_nodes(
            "Category", pa.table({"id": ["c", "d"], "name": ["C", "D"], "level": [0, 1]})
        )
        shop.upsert_edges(
            EDGE["CHILD_OF", "Category"], pa.table({"source": ["d"], "target": ["c"]})
        )
        tree = {
            ("CHILD_OF", "Community", "Community"): pa.table({"source": ["h"], "target": ["g"]})
        }
        two = pa.table({"id": ["g", "h"], "level": [0, 1]})
        for build in ("1", "2"):
            shop.replace_derived(Derived(build, {"Community": two}, tree))
        assert ends(shop, "CHILD_OF", "Category") == [("d", "c")]
        assert ends(shop, "CHILD_OF", "Community") == [("h", "g")]
        shop.upsert_edges(
            EDGE["CHILD_OF", "Category"], pa.table({"source": ["d"], "target": ["d"]})
        )
        assert ends(shop, "CHILD_OF", "Category") == [("d", "d")]
        assert ends(shop, "CHILD_OF", "Community") == [("h", "g")]

    def test_to_nodes_that_do_not_exist_are_refused(self, shop: GraphStore) -> None:
        with pytest.raises(DataError, match="id of a Product; 1 rows of PURCHASED have 'nothing'"):
            shop.append_events(PURCHASED, purchases(("e4", "ann", "x"), ("e5", "ann", "nothing")))
        assert shop.counts()["PURCHASED"] == 3


class TestEvents:
    def test_come_back_as_given(self, shop: GraphStore) -> None:
        rows = sorted(shop.edges(PURCHASED).to_pylist(), key=lambda row: str(row["event_id"]))
        assert rows[0] == {
            "source": "ann", "target": "x", "event_id": "e1", "at": NOON, "quantity": 1.0,
            "value": 2.5, "order_id": "o", "session_id": None,
        }  # fmt: skip
        assert [(r["source"], r["target"]) for r in rows] == [
            ("ann", "x"),
            ("ann", "y"),
            ("bob", "x"),
        ]

    def test_with_a_known_id_change_nothing(self, shop: GraphStore) -> None:
        again = purchases(("e1", "bob", "z"), ("e4", "bob", "z"), ("e4", "ann", "z"))
        assert shop.append_events(PURCHASED, again) == 1
        assert shop.counts()["PURCHASED"] == 4

    def test_only_the_properties_asked_for_are_read(self, shop: GraphStore) -> None:
        assert shop.edges(PURCHASED, ["value"]).column_names == ["source", "target", "value"]

    def test_many_at_once_and_again(self, shop: GraphStore) -> None:
        many = purchases(*((f"m{i}", "ann", "xyz"[i % 3]) for i in range(3000)))
        seen: list[tuple[str, int, int]] = []
        assert shop.append_events(PURCHASED, many, lambda *step: seen.append(step)) == 3000
        assert shop.append_events(PURCHASED, many) == 0
        assert seen[0] == ("writing PURCHASED", 0, 3000)
        assert seen[-1] == ("writing PURCHASED", 3000, 3000)

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(text=st.text(min_size=1, max_size=20).filter(lambda t: "\x00" not in t))
    def test_any_text_is_kept(self, shop: GraphStore, text: str) -> None:
        shop.upsert_nodes("User", pa.table({"id": [text], "note": [text]}))
        assert {"id": text, "anonymous": None, "note": text} in [
            {**row, "anonymous": None} for row in shop.nodes("User").to_pylist()
        ]
        found = shop.query("MATCH (u:User {id: $id}) RETURN u.note AS note", {"id": text})
        assert found["note"].to_pylist() == [text]


class TestDerived:
    def test_is_swapped_whole(self, shop: GraphStore) -> None:
        shop.replace_derived(derived("1", ("x", "y"), ("y", "z"), groups=("g", "h")))
        shop.replace_derived(derived("2", ("z", "x")))
        assert ends(shop, "SIMILAR_TO", "Product") == [("z", "x")]
        assert shop.edges(EDGE["SIMILAR_TO", "Product"])["build"].to_pylist() == ["2"]
        assert [(n["id"], n["build"]) for n in shop.nodes("Community").to_pylist()] == [("g", "2")]
        assert shop.counts()["PURCHASED"] == 3

    def test_same_frame_twice_is_there_twice(self, shop: GraphStore) -> None:
        same = derived("1", ("x", "y"))
        for _ in range(3):
            shop.replace_derived(same)
            assert ends(shop, "SIMILAR_TO", "Product") == [("x", "y")]
            assert ends(shop, "MEMBER_OF", "User") == [("ann", "g")]

    def test_what_is_left_out_is_emptied(self, shop: GraphStore) -> None:
        shop.replace_derived(derived("1", ("x", "y")))
        shop.replace_derived(Derived("2", {}, {}))
        assert shop.counts() == {**shop.counts(), "SIMILAR_TO": 0, "MEMBER_OF": 0, "Community": 0}

    def test_refused_leaves_the_old(self, shop: GraphStore) -> None:
        shop.replace_derived(derived("1", ("x", "y")))
        with pytest.raises(DataError, match="'nothing'"):
            shop.replace_derived(derived("2", ("x", "nothing")))
        assert ends(shop, "SIMILAR_TO", "Product") == [("x", "y")]


class TestErasing:
    def test_takes_the_user_and_all_their_edges(self, shop: GraphStore) -> None:
        shop.replace_derived(derived("1", ("x", "y")))
        assert shop.erase_user("ann") == 3
        assert shop.nodes("User")["id"].to_pylist() == ["bob"]
        assert ends(shop, "MEMBER_OF", "User") == []
        assert shop.edges(PURCHASED)["event_id"].to_pylist() == ["e3"]

    def test_unknown_user(self, shop: GraphStore) -> None:
        with pytest.raises(UnknownUser, match="'eve'"):
            shop.erase_user("eve")

    def test_life_goes_on_after_it(self, shop: GraphStore) -> None:
        for round_ in range(6):
            shop.upsert_nodes("User", pa.table({"id": [f"u{round_}"]}))
            lines = [(f"{round_}-{i}", f"u{round_}", "xyz"[i % 3]) for i in range(40)]
            shop.append_events(PURCHASED, purchases(*lines))
            if round_ % 2:
                assert shop.erase_user(f"u{round_}") == 40
        found = pl.DataFrame({"u": shop.edges(PURCHASED)["source"].cast(pa.string())})
        assert dict(sorted(found["u"].value_counts().iter_rows())) == {
            "ann": 2, "bob": 1, "u0": 40, "u2": 40, "u4": 40,
        }  # fmt: skip


class TestTransactions:
    def test_an_error_undoes_the_whole_unit(self, shop: GraphStore) -> None:
        before = shop.counts()
        with pytest.raises(DataError), shop.transaction():
            shop.upsert_nodes("Product", pa.table({"id": ["new"], "colour": ["red"]}))
            shop.upsert_nodes("Brand", pa.table({"id": ["b"], "colour": ["red"]}))
        assert shop.counts() == before
        assert shop.nodes("Product").column_names == ["id", "title", "price"]


class TestQueries:
    def test_take_parameters_and_give_tables(self, shop: GraphStore) -> None:
        table = shop.query(
            "MATCH (u:User)-[r:PURCHASED]->(p:Product) WHERE u.id IN $users "
            "RETURN p.id AS product, sum(r.value) AS spent ORDER BY product",
            {"users": ["ann", "bob"]},
        )
        assert table.to_pydict() == {"product": ["x", "y"], "spent": [5.0, 2.5]}

    @pytest.mark.parametrize(
        ("cypher", "limits", "message"),
        [
            ("MATCH (p:Product) RETURN p.id", QueryLimits(rows=2), "more than 2 rows"),
            ("RETURN nonsense", QueryLimits(), "nonsense"),
            ("MATCH (", QueryLimits(), "."),
        ],
    )
    def test_errors(self, shop: GraphStore, cypher: str, limits: QueryLimits, message: str) -> None:
        with pytest.raises(QueryError, match=message):
            shop.query(cypher, limits=limits)

    def test_rows_up_to_the_limit_pass(self, shop: GraphStore) -> None:
        query: Any = "MATCH (p:Product) RETURN p.id"
        assert shop.query(query, limits=QueryLimits(rows=3)).num_rows == 3


class TestVectors:
    def test_come_back_as_given_of_any_length(self, shop: GraphStore) -> None:
        for build, vectors in (("1", [[1.0, 0.5]]), ("2", [[1.0, 0.5, -0.25]])):
            shop.replace_derived(Derived(build, {"UserVector": vector_table(["ann"], vectors)}, {}))
            assert shop.nodes("UserVector").to_pylist() == [
                {"id": "ann", "vector": vectors[0], "build": build}
            ]
        shop.replace_derived(Derived("3", {}, {}))
        assert shop.counts()["UserVector"] == shop.counts()["ProductVector"] == 0

    def test_are_no_attributes_of_users(self, shop: GraphStore) -> None:
        shop.replace_derived(Derived("1", {"UserVector": vector_table(["ann"], [[1.0]])}, {}))
        assert shop.nodes("User").column_names == ["id", "anonymous"]

    @pytest.mark.parametrize(
        ("ids", "vectors", "message"),
        [
            (["eve"], [[1.0]], "the id of a User; 1 rows of UserVector have 'eve'"),
            (["ann", "bob"], [[1.0], [1.0, 2.0]], "vectors of one length"),
            (["ann"], [None], "vectors of one length"),
        ],
    )
    def test_refused_leave_the_old(
        self, shop: GraphStore, ids: list[str], vectors: list[list[float]], message: str
    ) -> None:
        old = Derived("1", {"UserVector": vector_table(["ann"], [[1.0]])}, {})
        shop.replace_derived(old)
        with pytest.raises(DataError, match=message):
            shop.replace_derived(Derived("2", {"UserVector": vector_table(ids, vectors)}, {}))
        assert shop.nodes("UserVector")["build"].to_pylist() == ["1"]

    def test_go_with_their_user(self, shop: GraphStore) -> None:
        both = vector_table(["ann", "bob"], [[1.0], [2.0]])
        products = vector_table(["x"], [[1.0]])
        shop.replace_derived(Derived("1", {"UserVector": both, "ProductVector": products}, {}))
        assert shop.erase_user("ann") == 2
        assert shop.nodes("UserVector")["id"].to_pylist() == ["bob"]
        assert shop.counts()["ProductVector"] == 1


@pytest.mark.parametrize(("since", "lines"), [(NOON, 3), (NOON + timedelta(seconds=1), 0)])
def test_purchases_since_a_moment(shop: GraphStore, since: datetime, lines: int) -> None:
    """As experiments and campaigns read them, through the guard that holds for analysts."""
    found = read_query(shop, PURCHASES_SINCE, {"since": since})
    assert found.num_rows == lines
    if lines:
        one = found.sort_by("user_id").to_pylist()[0]
        assert (one["user_id"], one["order_id"], one["value"], one["session_id"]) == (
            "ann", "o", 2.5, None,
        )  # fmt: skip
        assert one["at"].astimezone(UTC) == NOON if one["at"].tzinfo else one["at"] == NOON
