"""Changes of customers and products reach a store in order, once in effect, whichever it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from events.change import Change
from events.config import EventsConfig
from events.deliver import deliver
from events.event import ShopEvent
from events.queue import EventQueue
from events.write import write_changes
from graph.open import open_store
from graph.schema import STRUCTURE_EDGES
from graph.store import GraphStore
from graph.write import write_dataset
from loaders.synthetic import Planted
from tests.neo4j_fixture import clean_neo4j

AT = 1_700_000_000_123_456
SMALL = EventsConfig(batch=2)
CATEGORY = next(edge for edge in STRUCTURE_EDGES if edge.name == "IN_CATEGORY")
BRAND = next(edge for edge in STRUCTURE_EDGES if edge.name == "OF_BRAND")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[EventQueue]:
    with EventQueue(tmp_path / "events" / "queue.sqlite") as opened:
        yield opened


@pytest.fixture(params=["embedded", "neo4j"])
def place(request: pytest.FixtureRequest, tmp_path: Path, planted: Planted) -> str:
    """Where a store is that holds the planted shop."""
    uri = clean_neo4j() if request.param == "neo4j" else str(tmp_path / "shop.lbug")
    with open_store(uri) as store:
        write_dataset(store, planted.dataset)
    return uri


def product(id_: str, category: str | None = None, brand: str | None = None, **own: Any) -> Change:
    return Change("Product", id_, json.dumps(own), category, brand)


def user(id_: str, **own: Any) -> Change:
    return Change("User", id_, json.dumps(own))


def found(store: GraphStore, label: str, id_: str) -> dict[str, Any]:
    """What is stored of a node and not empty."""
    rows = [row for row in store.nodes(label).to_pylist() if row["id"] == id_]
    assert len(rows) == 1
    return {name: value for name, value in rows[0].items() if value is not None}


def targets(store: GraphStore, edge: Any, id_: str) -> list[str]:
    rows = store.edges(edge, []).to_pylist()
    return [row["target"] for row in rows if row["source"] == id_]


def test_every_value_arrives_and_the_rest_stays(
    queue: EventQueue, place: str, planted: Planted
) -> None:
    known = planted.dataset.products["product_id"][0]
    with open_store(place) as store:
        before = found(store, "Product", known)
        shelves = store.nodes("Category")["id"].to_pylist()
        edges = store.edges(CATEGORY, []).num_rows
    queue.changes.append(
        [
            product(known, shelves[-1], "Ours", price=7.5, organic=True, stock=3.0),
            product("new/1", shelves[0], "Ours", title="Ü"),
            user("anonymous/x", city="Lyon"),
            user("nina", city="Oslo", visits=2.5, anonymous=False),
        ]
    )
    assert deliver(queue, place, SMALL).changes == 4
    with open_store(place, read_only=True) as store:
        expected = {**before, "price": 7.5, "organic": True, "stock": 3.0}
        assert found(store, "Product", known) == expected
        assert found(store, "Product", "new/1") == {"id": "new/1", "title": "Ü"}
        assert targets(store, CATEGORY, known) == [shelves[-1]]
        assert targets(store, BRAND, known) == targets(store, BRAND, "new/1") == ["Ours"]
        assert store.edges(CATEGORY, []).num_rows == edges + 1
        nina = {"id": "nina", "city": "Oslo", "visits": 2.5, "anonymous": False}
        assert found(store, "User", "nina") == nina
        visitor = {"id": "anonymous/x", "city": "Lyon", "anonymous": True}
        assert found(store, "User", "anonymous/x") == visitor


def test_in_order_the_last_holds_and_a_replay_changes_nothing(
    queue: EventQueue, place: str, tmp_path: Path
) -> None:
    changes = [
        product("a", price=1.0, stock=5.0),
        product("b", price=9.0),
        product("a", price=2.0),
        product("a", brand="First", price=3.0),
        product("a", brand="Second"),
    ]
    queue.changes.append(changes)
    queue.append([ShopEvent("e", "view_item", "ann", "a", AT)])
    assert deliver(queue, place, SMALL).changes == 5
    with open_store(place) as store:
        held = found(store, "Product", "a")
        assert held == {"id": "a", "price": 3.0, "stock": 5.0}
        assert targets(store, BRAND, "a") == ["Second"]
        counts = store.counts()
        # As a process does that died after the store's commit and before its own mark.
        write_changes(store, changes[2:])
        assert found(store, "Product", "a") == held
        assert targets(store, BRAND, "a") == ["Second"]
        assert store.counts() == counts


def test_a_change_the_store_refuses_holds_nothing_up_and_is_mended_by_a_later_one(
    queue: EventQueue, tmp_path: Path
) -> None:
    place = tmp_path / "shop.lbug"
    lane = queue.changes
    lane.append([product("a", size="L"), product("b", size=4.0), product("c", "nowhere")])
    lane.append([product("d", size="M")])
    done = deliver(queue, place, EventsConfig(batch=100))
    assert (done.changes, done.refused) == (2, 2)
    assert done.reasons[0] == "Product b: column 'size': expected a text, found 4.0"
    assert "expected the id of a Category" in done.reasons[1]
    assert queue.retry() == 0  # a later change may have set the same property by now
    assert [row.id for row, _ in lane.refused(9)] == ["b", "c"]
    lane.append([product("b", size="S")])
    assert deliver(queue, place, SMALL).changes == 1
    assert [row.id for row, _ in lane.refused(9)] == ["c"]
    with open_store(place, read_only=True) as store:
        sizes = {row["id"]: row["size"] for row in store.nodes("Product").to_pylist()}
    assert sizes == {"a": "L", "b": "S", "d": "M"}


def test_delivered_changes_leave_the_queue_in_time(queue: EventQueue, tmp_path: Path) -> None:
    with EventQueue(queue.path, EventsConfig(keep_hours=0)) as short:
        short.changes.append([user("ann", city="Lyon")])
        assert short.changes.status().waiting == 1 and short.status().waiting == 0
        assert deliver(short, tmp_path / "shop.lbug", SMALL).changes == 1
        assert short.changes.status().waiting == 0
        deliver(short, tmp_path / "shop.lbug", SMALL)
        with short._file.reading() as connection:
            assert connection.execute("SELECT count(*) FROM changes").fetchone() == (0,)


def test_of_an_erased_customer_nothing_waits(queue: EventQueue) -> None:
    queue.changes.append([user("ann", city="Lyon"), product("ann", price=1.0)])
    assert (queue.kept_of("ann"), queue.erase("ann"), queue.kept_of("ann")) == (1, 1, 0)
    assert [row.label for _, row in queue.changes.waiting(9)] == ["Product"]
    assert b"Lyon" not in queue.path.read_bytes()
