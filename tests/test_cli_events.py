"""``coterie events`` beside a server's queue, and a server on the embedded store."""

from __future__ import annotations

from pathlib import Path

import pytest
from shops import coterie
from test_cli_serve import Server

from events.event import ShopEvent
from events.queue import EventQueue, queue_file
from graph.open import open_store
from pipeline.home import Home


@pytest.fixture
def waiting(own: Home) -> Home:
    """A home where two events wait, one of which no store takes."""
    with EventQueue(queue_file(own.path)) as queue:
        good = ShopEvent("good", "view_item", "user-1", "new", 10**15)
        queue.append([good, good._replace(event_id="bad", event="refund")])
    return own


def viewed(home: Home) -> int:
    with open_store(home.store, read_only=True) as store:
        return store.counts()["VIEWED"]


def test_what_waits_is_shown_and_delivered(waiting: Home) -> None:
    status = coterie("events", "status", "--home", waiting.path, "--json").json
    assert (status["waiting"], status["refused"]) == (2, 0) and status["oldest_seconds"] >= 0
    before = viewed(waiting)
    ran = coterie("events", "deliver", "--home", waiting.path, "--json")
    assert ran.json == {"delivered": 1, "changes": 0, "refused": 1, "tried_again": 0}, ran.err
    assert viewed(waiting) == before + 1
    shown = coterie("events", "status", "--home", waiting.path)
    assert "0 events wait" in shown.out and "bad" in shown.out and "expected one of" in shown.out
    ran = coterie("events", "deliver", "--retry", "--home", waiting.path)
    assert ran.code == 0 and "took 0 events and 0 changes, and refused 1" in ran.err


def test_a_server_takes_events_into_the_embedded_store(own: Home) -> None:
    before = viewed(own)
    server = Server(own)
    try:
        event = {"event": "view_item", "user_id": "user-1", "product_id": "new"}
        sent = [{**event, "event_id": f"x{i}"} for i in range(20)]
        assert len(server.get("/v1/events", {"events": sent})["accepted"]) == 20

        def settled() -> bool:
            ready = server.get("/health/ready")
            parts = {p["name"]: p for p in ready["parts"]}
            return ready["status"] == "ready" and parts["events"]["waiting"] == 0

        server.until(settled)
        asked = {"query": "MATCH (:User)-[r:VIEWED]->(p:Product {id: 'new'}) RETURN count(r)"}
        assert server.get("/v1/cypher", asked)["rows"] == [[20]]
    finally:
        server.stop()
    assert viewed(own) == before + 20


def test_settings_of_events_are_read_from_the_home(waiting: Home, tmp_path: Path) -> None:
    settings = waiting.path / "coterie.toml"
    settings.write_text(settings.read_text() + "\n[events]\nbatch = 0\n")
    ran = coterie("events", "deliver", "--home", waiting.path)
    assert ran.code == 4 and "events.batch" in ran.err
