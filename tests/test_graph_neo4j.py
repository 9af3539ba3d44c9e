"""The Neo4j store beyond the protocol: addresses, secrets, limits, swaps beside readers, faults."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from neo4j import exceptions

from graph import neo4j_derived, neo4j_link, neo4j_write
from graph.embedded import EmbeddedStore
from graph.frames import edge_frame
from graph.neo4j_address import Address
from graph.neo4j_link import Link
from graph.neo4j_store import Neo4jStore
from graph.open import open_store
from graph.query import read_query
from graph.readback import data_hash, read_shop
from graph.schema import DERIVED_EDGES, EVENT_EDGES
from graph.store import Derived, QueryLimits
from graph.write import write_dataset
from loaders.errors import ConfigError, QueryError, StoreUnavailable
from loaders.synthetic import Planted
from tests.neo4j_fixture import clean_neo4j, neo4j_address, new_server, with_login
from tests.test_docs_compose import container_settings

PURCHASED = EVENT_EDGES["purchase"]
SIMILAR = ("SIMILAR_TO", "Product", "Product")
ALIKE = next(edge for edge in DERIVED_EDGES if edge.name == "SIMILAR_TO")
BASE = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Neo4jStore]:
    with Neo4jStore(clean_neo4j()) as opened:
        yield opened


def purchases(numbers: range) -> pa.Table:
    n = len(numbers)
    return pa.table(
        {
            "source": [f"u{i % 7}" for i in numbers],
            "target": [f"p{i % 5}" for i in numbers],
            "event_id": [f"e{i}" for i in numbers],
            "at": pa.array(
                [BASE + timedelta(microseconds=i) for i in numbers], pa.timestamp("us", "UTC")
            ),
            "value": pa.array([None if i % 3 else i / 2 for i in numbers], pa.float64()),
            "order_id": pa.array([None if i % 4 else str(i) for i in numbers], pa.string()),
            "quantity": [1.0] * n,
        }
    )


def people(store: Neo4jStore) -> None:
    store.upsert_nodes("User", pa.table({"id": [f"u{i}" for i in range(7)]}))
    store.upsert_nodes("Product", pa.table({"id": [f"p{i}" for i in range(5)]}))


class TestAddress:
    @pytest.mark.parametrize(
        ("text", "uri", "login", "database"),
        [
            ("neo4j://host", "neo4j://host", None, ""),
            ("bolt+s://ann:p%40ss@h:7687/shop", "bolt+s://h:7687", ("ann", "p@ss"), "shop"),
            ("neo4j+ssc://:secret@[::1]:1", "neo4j+ssc://[::1]:1", ("neo4j", "secret"), ""),
        ],
    )
    def test_is_read(
        self, monkeypatch: pytest.MonkeyPatch, text: str, uri: str, login: Any, database: str
    ) -> None:
        monkeypatch.delenv("COTERIE_NEO4J_USER", raising=False)
        monkeypatch.delenv("COTERIE_NEO4J_PASSWORD", raising=False)
        address = Address.parse(text)
        assert (address.uri, address.login, address.database) == (uri, login, database)

    def test_login_comes_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COTERIE_NEO4J_USER", "ann")
        monkeypatch.setenv("COTERIE_NEO4J_PASSWORD", "secret")
        assert Address.parse("neo4j://h").login == ("ann", "secret")
        assert Address.parse("neo4j://bob:other@h").login == ("bob", "other")

    def test_the_password_never_shows(self) -> None:
        address = Address.parse("neo4j://ann:secret@h/shop")
        assert "secret" not in f"{address} {address!r}"

    @pytest.mark.parametrize("text", ["neo4j://", "neo4j://h:x", "http://h", "neo4j://h?a=b"])
    def test_that_cannot_be_read(self, text: str) -> None:
        with pytest.raises(ConfigError, match="address"):
            Address.parse(text)


class TestOpening:
    def test_wrong_login(self, monkeypatch: pytest.MonkeyPatch) -> None:
        place = Address.parse(neo4j_address()).uri.split("//")[1]
        with pytest.raises(ConfigError, match="COTERIE_NEO4J_PASSWORD") as caught:
            Neo4jStore(f"bolt://neo4j:wrong-secret@{place}")
        assert "wrong-secret" not in str(caught.value)

    def test_no_server(self) -> None:
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1 does not answer"):
            open_store("bolt://neo4j:secret@127.0.0.1:1")

    def test_no_such_database(self) -> None:
        with pytest.raises(ConfigError, match="no database 'other'"):
            Neo4jStore(f"{neo4j_address()}/other")

    def test_a_server_no_shop_was_loaded_into(self) -> None:
        address = clean_neo4j()
        with Neo4jStore(address) as store, store._link.session(write=True) as session:
            for name in store.query("SHOW CONSTRAINTS YIELD name")["name"].to_pylist():
                session.run(f"DROP CONSTRAINT {name}").consume()
        with pytest.raises(ConfigError, match="coterie load"):
            open_store(address, read_only=True)

    def test_read_only_refuses_writes(self, store: Neo4jStore) -> None:
        brand = pa.table({"id": ["b"]})
        with (
            open_store(neo4j_address(), read_only=True) as reader,
            pytest.raises(StoreUnavailable, match="reading only"),
        ):
            reader.upsert_nodes("Brand", brand)
        assert store.counts()["Brand"] == 0


class TestEvents:
    def test_every_value_comes_back_from_lists(
        self, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people(store)
        monkeypatch.setattr(neo4j_write, "BATCH", 40)
        table = purchases(range(-5, 200))
        assert store.append_events(PURCHASED, table) == 205
        back = store.edges(PURCHASED, table.column_names[2:]).to_pylist()
        assert sorted(back, key=lambda row: str(row["event_id"])) == sorted(
            table.to_pylist(), key=lambda row: str(row["event_id"])
        )

    def test_times_before_1970_and_microseconds(self, store: Neo4jStore) -> None:
        people(store)
        at = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
        row = {"source": ["u1"], "target": ["p1"], "event_id": ["e"], "at": [at]}
        store.append_events(PURCHASED, pa.table(row))
        assert store.edges(PURCHASED, ["at"])["at"].to_pylist() == [at]
        told = store.query("MATCH ()-[r:PURCHASED]->() RETURN r.at AS at, r.at.year AS year")
        assert told.to_pylist() == [{"at": at, "year": 1969}]

    def test_a_batch_committed_without_an_answer_is_not_doubled(
        self, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people(store)
        monkeypatch.setattr(neo4j_write, "BATCH", 50)
        lost: list[int] = []
        write = Link.write

        def lose_the_first_answer(link: Link, work: Any) -> Any:
            answer = write(link, work)
            if not lost:
                lost.append(1)
                return write(link, work)
            return answer

        monkeypatch.setattr(Link, "write", lose_the_first_answer)
        store.append_events(PURCHASED, purchases(range(120)))
        assert store.counts()["PURCHASED"] == 120

    def test_a_load_cut_short_is_completed_by_the_next(
        self, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people(store)
        monkeypatch.setattr(neo4j_write, "BATCH", 50)
        write, calls = Link.write, []

        def fail_the_third(link: Link, work: Any) -> Any:
            calls.append(1)
            if len(calls) == 3:
                raise StoreUnavailable("gone")
            return write(link, work)

        monkeypatch.setattr(Link, "write", fail_the_third)
        with pytest.raises(StoreUnavailable), store.transaction():
            store.append_events(PURCHASED, purchases(range(400)))
        assert 0 < store.counts()["PURCHASED"] < 400
        store.append_events(PURCHASED, purchases(range(400)))
        assert store.counts()["PURCHASED"] == 400


class TestQueries:
    def test_every_kind_of_value(self, store: Neo4jStore) -> None:
        people(store)
        store.append_events(PURCHASED, purchases(range(1)))
        row = read_query(
            store,
            "MATCH p = (u:User)-[r:PURCHASED]->(q:Product) RETURN u, r.at AS at, p, "
            "date('2024-02-03') AS day, duration('P1D') AS span, point({x: 1, y: 2}) AS place, "
            "[1, null] AS list, {a: 1} AS map, $given AS given",
            {"given": "ü"},
        ).to_pylist()[0]
        assert row["u"]["_labels"] == ["User"] and row["u"]["id"] == "u0"
        assert (row["at"], row["day"].isoformat(), row["span"]) == (BASE, "2024-02-03", "P1D")
        assert (row["place"], row["list"], row["map"]) == ([1.0, 2.0], [1, None], {"a": 1})
        assert [part.get("_type") for part in row["p"]] == [None, "PURCHASED", None]
        assert row["given"] == "ü"

    def test_columns_of_several_types_become_text(self, store: Neo4jStore) -> None:
        table = read_query(store, "UNWIND [1, 'a', null, {b: [1]}] AS x RETURN x")
        assert table["x"].to_pylist() == ["1", "a", None, '{"b": [1]}']

    def test_limits(self, store: Neo4jStore) -> None:
        assert read_query(neo4j_address(), "UNWIND range(1, 9) AS x RETURN x").num_rows == 9
        with pytest.raises(QueryError, match="more than 8 rows"):
            read_query(store, "UNWIND range(1, 9) AS x RETURN x", limits=QueryLimits(rows=8))
        with pytest.raises(QueryError, match=r"longer than 0\.5 seconds"):
            read_query(
                store,
                "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN sum(a * b)",
                limits=QueryLimits(seconds=0.5),
            )

    def test_a_query_that_needs_too_much_memory(self) -> None:
        error: Any = exceptions.Neo4jError._hydrate_neo4j(
            code="Neo.TransientError.General.MemoryPoolOutOfMemoryError", message="memory"
        )
        known = neo4j_link.translated(error, "read", Address.parse("neo4j://h"))
        assert known.retryable


class TestSwaps:
    """A reader beside builds that replace each other sees one of them, whole."""

    def derived(self, build: str, edges: int) -> Derived:
        rows = [(f"product-{i % 100}", f"product-{i // 100}") for i in range(edges)]
        table = pa.table(
            {"source": [a for a, _ in rows], "target": [b for _, b in rows], "score": [1.0] * edges}
        )
        return Derived(build, {}, {SIMILAR: table})

    def test_beside_readers(self, store: Neo4jStore, planted: Planted) -> None:
        write_dataset(store, replace(planted.dataset, events=planted.dataset.events.head(10)))
        sizes = {"a": 3000, "b": 5000}
        store.replace_derived(self.derived("a", 3000))
        seen: list[tuple[str, int]] = []
        wrong: list[Exception] = []
        done = threading.Event()

        def look() -> None:
            count = "MATCH ()-[r:SIMILAR_TO]->() RETURN r.build AS b, count(*) AS n"
            try:
                while not done.is_set():
                    seen.extend((r["b"], r["n"]) for r in read_query(store, count).to_pylist())
                    seen.append(("", store.counts()["SIMILAR_TO"]))
            except Exception as error:
                wrong.append(error)

        reader = threading.Thread(target=look)
        reader.start()
        with Neo4jStore(neo4j_address()) as writer:
            for _ in range(2):
                for build in ("b", "a"):
                    writer.replace_derived(self.derived(build, sizes[build]))
                    already = len(seen)
                    while (build, sizes[build]) not in seen[already:] and not wrong:
                        time.sleep(0.01)
        done.set()
        reader.join()
        assert not wrong
        assert {(b, n) for b, n in seen if b} <= {("a", 3000), ("b", 5000)}
        assert {n for b, n in seen if not b} <= {3000, 5000}
        assert {b for b, _ in seen} == {"", "a", "b"}

    def test_cut_off_anywhere_a_reader_finds_the_old_or_the_new_whole(
        self, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people(store)
        monkeypatch.setattr(neo4j_write, "BATCH", 2)
        monkeypatch.setattr(neo4j_derived, "LEASE_SECONDS", -1)
        store.replace_derived(small("0", 4))
        write, left, seen = Link.write, [0], []

        def cut(link: Link, work: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise StoreUnavailable("gone")
            return write(link, work)

        for allowed in range(99):
            left[0] = allowed
            with monkeypatch.context() as patch, contextlib.suppress(StoreUnavailable):
                patch.setattr(Link, "write", cut)
                store.replace_derived(small("1", 6))
            seen.append(whole(store))
            if left[0] >= 0:
                break
            store.replace_derived(small("0", 4))
            assert whole(store) == ("0", 4)
        assert ("0", 4) in seen and seen[-1] == ("1", 6)
        assert seen == sorted(seen)  # once the new is seen, it stays
        assert store.query("MATCH (c:CoterieStaged) RETURN count(c) AS n")["n"].to_pylist() == [0]

    def test_what_both_builds_have_stays_and_gets_the_new_values(self, store: Neo4jStore) -> None:
        people(store)
        edges = "MATCH (a)-[r:MEMBER_OF|CHILD_OF]->(b) RETURN a.id AS a, b.id AS b, r.strength AS s"
        place = f"{edges}, r.build AS build, elementId(r) AS at ORDER BY a, b"
        groups = (("g0", "A"), ("g1", "B")), (("g1", None), ("g2", "C"))
        members = (("u0", "g0", 0.5), ("u1", "g1", 0.5), ("u2", "g1", 0.5)), (
            ("u0", "g1", 0.5), ("u1", "g1", None), ("u2", "g1", 0.5),
        )  # fmt: skip
        found = []
        for build, nodes, ends in zip("12", groups, members, strict=True):
            store.replace_derived(grouped(build, nodes, ends))
            found.append({(r["a"], r["b"]): r for r in store.query(place).to_pylist()})
        old, new = found
        assert {k: (r["s"], r["build"]) for k, r in new.items()} == {
            ("g2", "g1"): (None, "2"),
            ("u0", "g1"): (0.5, "2"),
            ("u1", "g1"): (None, "2"),
            ("u2", "g1"): (0.5, "2"),
        }
        stayed = [key for key in new if key in old and new[key]["at"] == old[key]["at"]]
        assert stayed == [("u1", "g1"), ("u2", "g1")]
        assert [(r["id"], r["name"]) for r in store.nodes("Community").to_pylist()] == [*groups[1]]

    def test_others_wait_for_who_swaps_and_give_up(
        self, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people(store)
        monkeypatch.setattr(neo4j_derived, "WAIT_SECONDS", 0.2)
        other = neo4j_derived._Swap(store._link)
        other.begin()
        with pytest.raises(StoreUnavailable, match="being written"):
            store.replace_derived(small("1", 4))
        assert store.counts()["SIMILAR_TO"] == 0  # readers need not wait yet
        other._set(showing=True)
        with pytest.raises(StoreUnavailable, match="being written"):
            store.counts()
        with pytest.raises(StoreUnavailable, match="being written"):
            read_query(store, "MATCH (n) RETURN count(n) AS n")
        plain = "MATCH (u:User) RETURN count(u) AS n"  # meets nothing derived
        assert read_query(store, plain)["n"].to_pylist() == [7]
        other._set(until=0)
        store.replace_derived(small("1", 4))
        with pytest.raises(StoreUnavailable, match="being written"):
            other.show()  # what it held is another's now
        assert whole(store) == ("1", 4)

    def test_who_was_erased_meanwhile_gets_nothing(
        self, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people(store)
        show = neo4j_derived._Swap.show

        def erase_first(swap: Any) -> None:
            store.erase_user("u1")
            show(swap)

        monkeypatch.setattr(neo4j_derived._Swap, "show", erase_first)
        vectors = pa.table({"id": ["u1", "u2"], "vector": [[1.0], [2.0]]})
        liked = pa.table({"source": ["u1", "u2"], "target": ["p1"] * 2, "rank": [1, 1]})
        store.replace_derived(
            Derived("1", {"UserVector": vectors}, {("MAY_LIKE", "User", "Product"): liked})
        )
        assert store.nodes("UserVector")["id"].to_pylist() == ["u2"]
        assert store.counts()["MAY_LIKE"] == 1


def grouped(build: str, nodes: Any, members: Any) -> Derived:
    """Communities with names, the last one a child of the first, and users with strengths."""
    ids, names = zip(*nodes, strict=True)
    users, groups, strengths = zip(*members, strict=True)
    return Derived(
        build,
        {"Community": pa.table({"id": ids, "name": pa.array(names, pa.string())})},
        {
            ("MEMBER_OF", "User", "Community"): pa.table(
                {"source": users, "target": groups, "strength": pa.array(strengths, pa.float64())}
            ),
            ("CHILD_OF", "Community", "Community"): pa.table(
                {"source": [ids[-1]], "target": [ids[0]]}
            ),
        },
    )


def small(build: str, edges: int) -> Derived:
    """So many edges from product to product, and a vector for as many users."""
    ends = [("p0", f"p{i % 5}") if i < 5 else ("p1", "p0") for i in range(edges)]
    pairs = {"source": [a for a, _ in ends], "target": [b for _, b in ends]}
    vectors = pa.table({"id": [f"u{i}" for i in range(edges)], "vector": [[1.0, 2.0]] * edges})
    return Derived(build, {"UserVector": vectors}, {SIMILAR: pa.table(pairs)})


def whole(store: Neo4jStore) -> tuple[str, int]:
    """The one build that can be read, and how many edges and vectors it has alike."""
    asked = "MATCH ()-[r:SIMILAR_TO]->() RETURN r.build AS b, count(*) AS n"
    (found,) = read_query(store, asked).to_pylist()
    assert store.nodes("UserVector")["build"].to_pylist() == [found["b"]] * found["n"]
    return found["b"], found["n"]


class TestMemory:
    def test_one_transaction_gets_no_more_than_the_server_allows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A hungry read is refused; a swap many times as large as the limit passes."""
        server = new_server(settings={"db.memory.transaction.max": "4m"}).start()
        monkeypatch.setattr(neo4j_write, "BATCH", 500)
        ids = [f"p{i}" for i in range(100)]
        ends = [(a, b) for a in ids for b in ids[:60]]
        edges = pa.table({"source": [a for a, _ in ends], "target": [b for _, b in ends]})
        with Neo4jStore(with_login(server)) as store:
            store.upsert_nodes("Product", pa.table({"id": ids}))
            with pytest.raises(QueryError, match="more memory than it may use"):
                read_query(store, "UNWIND range(1, 200000) AS x RETURN size(collect(x))")
            with pytest.raises(StoreUnavailable, match="memory"), store.transaction():
                store._write(
                    lambda run: neo4j_write.create_edges(run, ALIKE, edge_frame(ALIKE, edges))
                )
            for build in ("1", "2"):
                store.replace_derived(Derived(build, {}, {SIMILAR: edges}))
            assert store.counts()["SIMILAR_TO"] == 6_000
            assert read_query(store, "RETURN 1 AS one")["one"].to_pylist() == [1]
        server.kill()


class TestFaults:
    """The server really stops, hangs and comes back."""

    def test_a_load_goes_on_after_a_crash(self, planted: Planted, tmp_path: Path) -> None:
        server = new_server(settings=container_settings()).start()
        data = planted.dataset
        with Neo4jStore(with_login(server)) as store:
            write_dataset(store, replace(data, events=data.events.head(20)))
            hits: list[int] = []

            def crash(stage: str, done: int, total: int) -> None:
                if stage == "writing PURCHASED" and done and not hits:
                    hits.append(done)
                    server.kill()
                    threading.Thread(target=server.start).start()

            write_dataset(store, data, crash)
            assert hits
            with EmbeddedStore(tmp_path / "graph.lbug") as other:
                write_dataset(other, data)
                expected = data_hash(read_shop(other).graph)
            assert data_hash(read_shop(store).graph) == expected
            server.kill()
            for target in (store, with_login(server)):
                with pytest.raises(StoreUnavailable, match="does not answer"):
                    read_query(target, "RETURN 1")
