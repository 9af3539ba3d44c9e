"""What a server acknowledged against what its graph holds, for benchmarks that send events."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.caller import Broken, Caller
from graph.open import open_store
from graph.schema import EVENT_EDGES

__all__ = ["stored_events", "until_delivered"]

PATIENCE_SECONDS = 120.0


def until_delivered(caller: Caller) -> None:
    """Wait until no event waits for the graph."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            parts = caller.get("/health/ready").document["parts"]
        except Broken:
            parts = []
        if any(part["name"] == "events" and part["waiting"] == 0 for part in parts):
            return
        time.sleep(0.1)
    raise SystemExit("acknowledged events do not reach the graph")


def stored_events(store: Path | str) -> list[dict[str, Any]]:
    """Every event of a graph, with the names of the contract's table ``events``."""
    rows: list[dict[str, Any]] = []
    with open_store(store, read_only=True) as graph:
        for event, edge in EVENT_EDGES.items():
            columns = ", ".join(f"r.{name} AS {name}" for name in edge.properties)
            found = graph.query(
                f"MATCH (u:User)-[r:{edge.name}]->(p:Product) "
                f"RETURN u.id AS user_id, p.id AS product_id, {columns}"
            )
            rows += [{"event": event, **row} for row in found.to_pylist()]
    return rows
