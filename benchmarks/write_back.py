"""Putting a build into the graph: ``python -m benchmarks.write_back HOME``.

HOME is a built shop on the embedded store, such as ``coterie demo`` leaves. The ids of its nodes go
into an empty embedded store and an empty Neo4j server with the memory that the compose file gives
it. Then four fifths of what the last build derived are written into each: into the empty graph, in
the place of themselves, and in the place of a build of which a quarter of all pairs were others and
every number was another. On Neo4j also for how long readers waited each time, and the most memory
that the server took. Ends with one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from benchmarks.neo4j_load import server
from graph import neo4j_derived
from graph.copy import derived_of
from graph.embedded import EmbeddedStore
from graph.neo4j_store import Neo4jStore
from graph.open import open_store
from graph.store import Derived, GraphStore
from pipeline.home import Home

COMPOSE = {
    "server.memory.pagecache.size": "1g",
    "db.memory.transaction.max": "256m",
    "dbms.memory.transaction.total.max": "600m",
}


def fill(source: GraphStore, target: GraphStore) -> None:
    """Nodes that derived edges end in, without attributes."""
    for name in ("User", "Product"):
        target.upsert_nodes(name, source.nodes(name).select(["id"]))


def build_of(derived: Derived, build: str, left_out: int, factor: float) -> Derived:
    """``derived`` without each fifth pair, and all its numbers and vectors times ``factor``."""
    edges = {
        key: pl.DataFrame(pl.from_arrow(table))
        .with_columns(cs.float() * factor)
        .filter(pl.int_range(pl.len()) % 5 != left_out)
        .to_arrow()
        for key, table in derived.edges.items()
    }
    nodes = {
        name: pl.DataFrame(pl.from_arrow(table))
        .with_columns(pl.col("^vector$").list.eval(pl.element() * factor))
        .to_arrow()
        for name, table in derived.nodes.items()
    }
    return Derived(build, nodes, edges)


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes."""
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 2)


def measure(store: GraphStore, derived: Derived) -> dict[str, float]:
    """Seconds into the empty graph, in the place of itself, and of a build that differs."""
    builds = {
        "first": build_of(derived, "1", 0, 1.0),
        "same": build_of(derived, "2", 0, 1.0),
        "other": build_of(derived, "3", 1, 1.01),
    }
    return {name: seconds(partial(store.replace_derived, b)) for name, b in builds.items()}


class Waits:
    """How long readers have to wait each time, seen by one that looks at the note all the time."""

    def __init__(self, store: Neo4jStore) -> None:
        self._store, self._done = store, threading.Event()
        self.seconds: list[float] = []
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Waits:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        since, ended = None, False
        while not ended:
            ended = self._done.wait(0.1)
            showing = neo4j_derived._note(self._store._link).showing
            if showing and since is None:
                since = time.perf_counter()
            if not showing and since is not None:
                self.seconds.append(round(time.perf_counter() - since, 1))
                since = None


def most_memory(pid: int) -> int:
    """The most megabytes that a process took."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1024


def on_neo4j(source: GraphStore, derived: Derived, folder: Path) -> dict[str, Any]:
    """As ``measure``, on a server of its own."""
    with server(folder, COMPOSE) as running:
        address = f"bolt://neo4j:{running.password}@127.0.0.1:{running.port}"
        with Neo4jStore(address) as store:
            fill(source, store)
            with Waits(store) as waits:
                found = measure(store, derived)
        return {**found, "readers_wait": waits.seconds, "mb": most_memory(running._process.pid)}


def main() -> None:
    """Measure, and end with one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("home", type=Path, help="folder of a built shop")
    asked = parser.parse_args()
    found: dict[str, Any] = {"benchmark": "write_back", "cpus": os.cpu_count()}
    with (
        open_store(Home(asked.home).store, read_only=True) as source,
        tempfile.TemporaryDirectory() as folder,
    ):
        derived = derived_of(source)
        assert derived is not None, "nothing was built there"
        tables = {**derived.nodes, **{key[0]: t for key, t in derived.edges.items()}}
        found["rows"] = {name: table.num_rows for name, table in tables.items()}
        print(f"{sum(found['rows'].values()):,} rows {found['rows']}", flush=True)
        with EmbeddedStore(Path(folder) / "graph.lbug") as store:
            fill(source, store)
            found["embedded"] = measure(store, derived)
        print("embedded", found["embedded"], flush=True)
        found["neo4j"] = on_neo4j(source, derived, Path(folder) / "neo4j")
    print("neo4j", found["neo4j"])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
