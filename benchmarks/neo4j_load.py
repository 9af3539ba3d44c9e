"""Ways into Neo4j and out of it: ``python -m benchmarks.neo4j_load complete-journey``.

Beside each other, on one server in one run, warmed up and on the same rows: the store's bulk load,
one MERGE a row in a transaction of its own, and LOAD CSV by the server in one transaction at a time
and in two; then reading all purchases as lists and as plain records.
Starts a server from Java and Maven, or takes an empty one by ``--store bolt://…`` (then without
LOAD CSV, whose file the server must see). Ends with one JSON line.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from graph.neo4j_store import Neo4jStore
from graph.schema import EVENT_EDGES
from graph.write import write_dataset
from loaders.sources import load_source

PURCHASED = EVENT_EDGES["purchase"]
SERVER = Path(__file__).parent.parent / "tests" / "neo4j_server" / "server.py"
PROPERTIES = ("event_id", "quantity", "value", "order_id")
MERGE = (
    "MATCH (u:User {id: $source}) MATCH (p:Product {id: $target}) "
    "MERGE (u)-[r:PURCHASED {event_id: $event_id}]->(p) "
    "SET r.at = datetime({epochMillis: $ms}), r.quantity = $quantity, r.value = $value, "
    "r.order_id = $order_id"
)
LOAD_CSV = (
    "LOAD CSV WITH HEADERS FROM 'file:///purchases.csv' AS row CALL (row) { "
    "MATCH (u:User {id: row.source}) MATCH (p:Product {id: row.target}) "
    "CREATE (u)-[:PURCHASED {event_id: row.event_id, "
    "at: datetime({epochMillis: toInteger(row.ms)}), quantity: toFloat(row.quantity), "
    "value: toFloat(row.value), order_id: row.order_id}]->(p) } IN TRANSACTIONS OF 10000 ROWS"
)
DELETE = (
    "MATCH (u:User) CALL (u) { MATCH (u)-[r:PURCHASED]->() DELETE r } IN TRANSACTIONS OF 20 ROWS"
)
PLAIN = (
    "MATCH (u:User)-[r:PURCHASED]->(p:Product) WITH * LIMIT $n RETURN u.id, p.id, r.at, "
    "r.quantity, r.value, r.order_id"
)
PLAIN_ENDS = "MATCH (u:User)-[r:PURCHASED]->(p:Product) WITH * LIMIT $n RETURN u.id, p.id, r.value"


@contextmanager
def server(home: Path, settings: dict[str, str] | None = None) -> Iterator[Any]:
    """A server in ``home`` with 1 GB of heap."""
    spec = importlib.util.spec_from_file_location("neo4j_server", SERVER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["neo4j_server"] = module
    spec.loader.exec_module(module)
    running = module.Server(home, heap="1g", settings=settings).start()
    try:
        yield running
    finally:
        running.stop()


class Rates:
    """Edges a second of each way."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def time(self, name: str, work: Callable[[], int]) -> None:
        """Do ``work``, which gives a number of edges."""
        start = time.perf_counter()
        edges = work()
        self.found[name] = round(edges / (time.perf_counter() - start))
        print(f"{name:36s} {edges:>10,} edges {self.found[name]:>10,} a second", flush=True)


def measure(source: str, store: Neo4jStore, imports: Path | None, sample: int) -> dict[str, Any]:
    """Rates of all ways, on a store that is empty."""
    data = load_source(source)
    events = data.events.filter(pl.col("event") == "purchase")
    rows = events.rename({"user_id": "source", "product_id": "target"}).select(
        "source", "target", *PURCHASED.properties
    )
    write_dataset(store, replace(data, events=data.events.head(0)))
    rates = Rates()
    ordered = rows.sort("source").with_columns(ms=pl.col("at").dt.epoch("ms"))
    rates.time("MERGE per row", lambda: merge_rows(store, ordered.tail(2_000)))
    clear(store)
    beside = ordered.head(sample)
    some = rows.join(beside.select("event_id"), on="event_id", how="semi").to_arrow()
    for warm in (True, False):
        for name, one in ways(imports).items() if imports is not None else ():
            rates.time(f"{name}{' (warming up)' if warm else ''}", partial(one, store, beside))
            clear(store)
        name = "bulk load, same rows" + (" (warming up)" if warm else "")
        rates.time(name, lambda: store.append_events(PURCHASED, some))
        clear(store)
    table = rows.to_arrow()
    rates.time("bulk load", lambda: store.append_events(PURCHASED, table))
    rates.time("bulk load again", lambda: table.num_rows + store.append_events(PURCHASED, table))
    columns = ["at", "quantity", "value", "order_id"]
    rates.time("read plain records", lambda: plain(store, PLAIN, sample))
    rates.time("read lists", lambda: store.edges(PURCHASED, columns).num_rows)
    rates.time("read plain, value only", lambda: plain(store, PLAIN_ENDS, sample))
    rates.time("read lists, value only", lambda: store.edges(PURCHASED, ["value"]).num_rows)
    return {
        "benchmark": "neo4j_load",
        "source": source,
        "purchases": rows.height,
        "edges_a_second": rates.found,
        "cpus": os.cpu_count(),
    }


def merge_rows(store: Neo4jStore, frame: pl.DataFrame) -> int:
    """One statement and transaction a row."""
    wanted = frame.select("source", "target", "ms", *PROPERTIES)
    with store._link.session(write=True) as session:
        for row in wanted.iter_rows(named=True):
            session.execute_write(lambda run, row=row: run.run(MERGE, row).consume())
    return frame.height


def ways(imports: Path) -> dict[str, Callable[[Neo4jStore, pl.DataFrame], int]]:
    """LOAD CSV in one transaction at a time and in two, as the store's own loads have two."""
    two = LOAD_CSV.replace("IN TRANSACTIONS", "IN 2 CONCURRENT TRANSACTIONS")
    return {
        "LOAD CSV": partial(load_csv, statement=LOAD_CSV, imports=imports),
        "LOAD CSV, 2 concurrent": partial(load_csv, statement=two, imports=imports),
    }


def load_csv(store: Neo4jStore, frame: pl.DataFrame, *, statement: str, imports: Path) -> int:
    """The server reads a file; rows are sorted by user, which is what suits it best."""
    frame.select("source", "target", "ms", *PROPERTIES).write_csv(imports / "purchases.csv")
    with store._link.session(write=True) as session:
        session.run(statement).consume()
    return frame.height


def clear(store: Neo4jStore) -> None:
    """Delete all purchases."""
    with store._link.session(write=True) as session:
        session.run(DELETE).consume()


def plain(store: Neo4jStore, query: str, most: int) -> int:
    """A record an edge, nothing made of it."""
    with store._link.session() as session:
        return sum(1 for _ in session.run(query, n=most))


def main() -> None:
    """Measure, and end with one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("source", help="complete-journey, or synthetic:N")
    parser.add_argument("--store", help="an empty server to use")
    parser.add_argument("--sample", type=int, default=300_000, help="edges of the slow ways")
    asked = parser.parse_args()
    if asked.store:
        with Neo4jStore(asked.store) as store:
            print(json.dumps(measure(asked.source, store, None, asked.sample)))
        return
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as running:
        address = f"bolt://neo4j:{running.password}@127.0.0.1:{running.port}"
        with Neo4jStore(address) as store:
            print(json.dumps(measure(asked.source, store, running.home / "import", asked.sample)))


if __name__ == "__main__":
    main()
