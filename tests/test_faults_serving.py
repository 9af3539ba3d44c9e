"""A Neo4j server that is stopped, hangs or is full while events come in and lists are served.

Every fault is real: the server is killed or paused, its disk refuses writes.
"""

from __future__ import annotations

import signal
import threading
import urllib.error
from http.client import HTTPException
from typing import Any

import pytest
from test_cli_serve import Server as Serving

from events.config import EventsConfig
from events.deliver import deliver
from events.event import ShopEvent
from events.queue import EventQueue, queue_file
from graph.neo4j_store import Neo4jStore
from graph.open import open_store
from loaders.errors import CoterieError, StoreUnavailable
from pipeline.home import Home
from tests.neo4j_fixture import limit

pytest_plugins = ["fault_fixture"]


def counts(home: Home) -> dict[str, int]:
    with open_store(home.store) as store:
        return store.counts()


def views(first: int, last: int) -> list[ShopEvent]:
    return [ShopEvent(f"v{i}", "view_item", "user-1", "p", 10**15 + i) for i in range(first, last)]


class Api(Serving):
    """A ``coterie serve`` on a Neo4j store."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COTERIE_STORE", str(home.store))
        super().__init__(home)

    def send(self, events: list[ShopEvent]) -> list[str]:
        """Ids that were acknowledged."""
        body = {
            "events": [
                {k: getattr(e, k) for k in ("event_id", "event", "user_id", "product_id")}
                for e in events
            ]
        }
        return [a["event_id"] for a in self.get("/v1/events", body)["accepted"]]

    def parts(self) -> dict[str, Any]:
        return {p["name"]: p for p in self.get("/health/ready")["parts"]}

    def recommends(self) -> bool:
        return len(self.get("/v1/users/user-3/recommendations?k=5")["items"]) == 5


class TestServing:
    def test_stopped_and_hanging_it_goes_on_and_events_arrive_once(
        self, place: Home, server: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        query = {"query": "MATCH (u:User) RETURN count(u) AS n"}
        before = counts(place)["VIEWED"]
        api = Api(place, monkeypatch)
        try:
            api.until(lambda: api.get("/health/ready")["status"] == "ready")
            server.kill()
            api.until(lambda: api.parts()["store"]["state"] == "down")
            assert len(api.send(views(0, 40))) == 40 and api.recommends()
            assert api.get("/health/live")["status"] == "live"
            ready = api.get("/health/ready")
            assert (ready["status"], api.parts()["events"]["waiting"]) == ("degraded", 40)
            with pytest.raises(urllib.error.HTTPError) as refused:
                api.get("/v1/cypher", query)
            assert refused.value.code == 503 and refused.value.headers["Retry-After"] == "5"
            server.start()
            api.until(lambda: api.get("/health/ready")["status"] == "ready")
            assert api.get("/v1/cypher", query)["rows"][0][0] > 0
            api.until(lambda: api.parts()["events"]["waiting"] == 0)

            server.pause()
            api.until(lambda: api.parts()["store"]["state"] == "down")
            assert len(api.send(views(40, 60))) == 20 and api.recommends()
            with pytest.raises(urllib.error.HTTPError) as refused:
                api.get("/v1/cypher", query)
            assert refused.value.code == 503
            server.go_on()
            api.until(lambda: api.parts()["events"]["waiting"] == 0)
        finally:
            server.go_on()
            api.stop()
        assert counts(place)["VIEWED"] == before + 60

    def test_killed_under_load_no_acknowledged_event_is_lost_or_there_twice(
        self, place: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        acknowledged: list[str] = []
        api = Api(place, monkeypatch)

        def visit(first: int) -> None:
            n = first
            try:
                while True:
                    sent = [ShopEvent(f"k{n}-{i}", "add_to_cart", "u", "p", 0) for i in range(5)]
                    acknowledged.extend(api.send(sent))
                    n += 1
            except (OSError, HTTPException, ValueError):
                return  # the server is dead, perhaps in the middle of an answer

        visitors = [threading.Thread(target=visit, args=(i * 100_000,)) for i in range(3)]
        for visitor in visitors:
            visitor.start()
        api.until(lambda: len(acknowledged) > 300)
        api.process.send_signal(signal.SIGKILL)
        for visitor in visitors:
            visitor.join()
        api.stop()
        again = Api(place, monkeypatch)
        again.until(lambda: again.parts()["events"]["waiting"] == 0)
        again.stop()
        with open_store(place.store, read_only=True) as store:
            found = store.query(
                "MATCH ()-[r:CARTED]->() WHERE r.event_id STARTS WITH 'k' "
                "RETURN r.event_id AS id, count(*) AS n"
            ).to_pylist()
        assert all(row["n"] == 1 for row in found)
        stored = {row["id"] for row in found}
        assert set(acknowledged) <= stored and len(stored) <= len(acknowledged) + 3 * 5


class TestFull:
    def test_events_wait_while_its_disk_is_full(
        self, place: Home, server: Any, hasty: None
    ) -> None:
        before = counts(place)["WISHLISTED"]
        events = [e._replace(event="add_to_wishlist", event_id=f"w{e.at}") for e in views(0, 30)]
        with EventQueue(queue_file(place.path)) as queue:
            queue.append(events)
            limit(server, 1)
            with pytest.raises(CoterieError) as caught:
                deliver(queue, place.store, EventsConfig(batch=10))
            assert isinstance(caught.value, StoreUnavailable), caught.value
            assert queue.status().waiting == 30 and queue.status().refused == 0
            server.kill()
            server.start()
            assert deliver(queue, place.store, EventsConfig(batch=10)).events == 30
        assert counts(place)["WISHLISTED"] == before + 30


def test_an_event_that_breaks_a_rule_of_the_server_is_set_aside(place: Home) -> None:
    """A shop's own constraint: the server refuses the second view of a visit for good."""
    visit = [e._replace(event_id=f"c{e.at}", session_id="same") for e in views(100, 102)]
    others = [e._replace(event_id=f"c{e.at}") for e in views(102, 110)]
    with Neo4jStore(str(place.store)) as store, EventQueue(queue_file(place.path)) as queue:
        rule = "CREATE CONSTRAINT own FOR ()-[r:VIEWED]-() REQUIRE r.session_id IS UNIQUE"
        with store._link.session(write=True) as session:
            session.run(rule).consume()
            try:
                queue.append([*visit, *others])
                done = deliver(queue, place.store, EventsConfig())
            finally:
                session.run("DROP CONSTRAINT own").consume()
        assert (done.events, done.refused) == (9, 1)
        assert [e.event_id for e, _ in queue.refused(9)] == [visit[1].event_id]
        assert queue.retry() == 1
        assert deliver(queue, place.store, EventsConfig()).events == 1
