"""Events reach a store exactly once, in order, whichever store it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from events.config import EventsConfig
from events.deliver import deliver, right_to_deliver
from events.deliverer import Deliverer
from events.event import ShopEvent
from events.queue import EventQueue
from graph.embedded import EmbeddedStore
from graph.open import open_store
from graph.write import write_dataset
from loaders.errors import StoreUnavailable
from loaders.synthetic import Planted
from tests.neo4j_fixture import clean_neo4j

AT = 1_700_000_000_123_456
SMALL = EventsConfig(batch=3)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[EventQueue]:
    with EventQueue(tmp_path / "events" / "queue.sqlite") as opened:
        yield opened


@pytest.fixture(params=["embedded", "neo4j"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is, with nothing in it."""
    return clean_neo4j() if request.param == "neo4j" else str(tmp_path / "shop.lbug")


def bought(n: int, **others: Any) -> ShopEvent:
    base = ShopEvent(f"e{n}", "purchase", f"u{n % 3}", f"p{n % 2}", AT + n)
    return base._replace(**others)


def test_every_value_arrives(queue: EventQueue, place: str) -> None:
    whole = ShopEvent("r", "rate", "anonymous/s", "ü/1", AT, 2.0, 3.5, "o", "s", 4.0)
    queue.append([whole, bought(1)])
    assert deliver(queue, place, SMALL).events == 2
    with open_store(place, read_only=True) as store:
        rated = store.query(
            "MATCH (u:User)-[r:RATED]->(p:Product) RETURN u.id AS user, u.anonymous AS visitor, "
            "p.id AS product, r.event_id AS event_id, r.at AS at, r.quantity AS quantity, "
            "r.value AS value, r.order_id AS order_id, r.session_id AS session_id, "
            "r.rating AS rating"
        ).to_pylist()
        assert [round(row.pop("at").timestamp() * 1e6) for row in rated] == [AT]
        assert rated == [
            {
                "user": "anonymous/s",
                "visitor": True,
                "product": "ü/1",
                "event_id": "r",
                "quantity": 2.0,
                "value": 3.5,
                "order_id": "o",
                "session_id": "s",
                "rating": 4.0,
            }
        ]
        users = {row["id"]: row["anonymous"] for row in store.nodes("User").to_pylist()}
    assert users == {"anonymous/s": True, "u1": False}


def test_delivered_again_after_a_crash_nothing_is_there_twice(
    queue: EventQueue, place: str, tmp_path: Path
) -> None:
    events = [bought(n) for n in range(10)]
    queue.append(events)
    assert deliver(queue, place, SMALL).events == 10
    with EventQueue(tmp_path / "again" / "queue.sqlite") as other:
        # As a process leaves it that died between the store's commit and its own mark.
        other.append([*events[4:], bought(10)])
        assert deliver(other, place, SMALL).events == 7
        assert other.status().waiting == 0
    with open_store(place, read_only=True) as store:
        assert store.counts()["PURCHASED"] == 11
        assert store.counts()["User"] == 3


def test_what_a_load_brought_stays_as_it_is(
    queue: EventQueue, tmp_path: Path, planted: Planted
) -> None:
    path = tmp_path / "shop.lbug"
    known = planted.dataset.events.row(0, named=True)
    with open_store(path) as store:
        write_dataset(store, planted.dataset)
        before = {label: store.nodes(label) for label in ("User", "Product")}
        counts = store.counts()
    ours = {"user_id": known["user_id"], "product_id": known["product_id"]}
    queue.append([bought(0, event_id=known["event_id"], **ours), bought(1, **ours)])
    assert deliver(queue, path, SMALL).events == 2
    with open_store(path, read_only=True) as store:
        assert {label: store.nodes(label) for label in before} == before
        assert store.counts() == {**counts, "PURCHASED": counts["PURCHASED"] + 1}


def test_an_event_the_store_refuses_holds_nothing_up(queue: EventQueue, place: str) -> None:
    queue.append([bought(0), bought(1, event="refund"), *(bought(n) for n in range(2, 8))])
    done = deliver(queue, place, EventsConfig(batch=100))
    assert (done.events, done.refused) == (7, 1)
    assert done.reasons[0].startswith("e1: expected one of purchase, ")
    assert [e.event_id for e, _ in queue.refused(9)] == ["e1"]
    with open_store(place, read_only=True) as store:
        assert store.counts()["PURCHASED"] == 7


def test_a_store_another_process_writes_is_waited_for(queue: EventQueue, tmp_path: Path) -> None:
    path = tmp_path / "shop.lbug"
    queue.append([bought(0)])
    with EmbeddedStore(path), pytest.raises(StoreUnavailable, match="is writing"):
        deliver(queue, path, SMALL)
    assert queue.status().waiting == 1
    assert deliver(queue, path, SMALL).events == 1


def test_one_process_delivers_at_a_time(queue: EventQueue) -> None:
    right = right_to_deliver(queue)
    with pytest.raises(StoreUnavailable, match="is writing"):
        right_to_deliver(queue)
    right.release()
    right_to_deliver(queue).release()


def until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_the_thread_delivers_what_comes_and_waits_while_it_cannot(
    queue: EventQueue, tmp_path: Path
) -> None:
    path = tmp_path / "shop.lbug"
    deliverer = Deliverer(queue, path, SMALL, every=0.02)
    with EmbeddedStore(path):
        deliverer.start()
        queue.append([bought(n) for n in range(5)])
        until(lambda: "is writing" in deliverer.error)
        assert queue.status().waiting == 5
    until(lambda: queue.status().waiting == 0)
    queue.append([bought(5)])
    until(lambda: queue.status().waiting == 0)
    deliverer.stop()
    assert deliverer.error == ""
    with open_store(path, read_only=True) as store:
        assert store.counts()["PURCHASED"] == 6
