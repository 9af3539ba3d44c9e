"""What a build derived, swapped on a Neo4j server so that readers see the old or the new.

The swap is one transaction. Neo4j applies a commit while others read, which takes seconds for a
million edges; so around the commit a note says that a swap is under way. Readers look at the note
before and after: they wait while it stands, and read again if it changed. The note expires, so a
process that dies with it up holds nobody for good; the commit itself is all or nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import polars as pl

from graph.ddl import quoted
from graph.frames import (
    check_endpoints,
    check_owners,
    derived_nodes,
    edge_frame,
    stamped,
    vector_length,
)
from graph.neo4j_link import Link, Run
from graph.neo4j_read import ids
from graph.neo4j_schema import STATE
from graph.neo4j_write import batches, create_edges, merge_nodes
from graph.schema import DERIVED_EDGES, NODES, EdgeType
from graph.store import Derived
from loaders.errors import StoreUnavailable

__all__ = ["announced", "replace_derived", "steady"]

T = TypeVar("T")

NOTE: Final = "derived"
LEASE_SECONDS: Final = 600
WAIT_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05
_ATTEMPTS: Final = 5


def replace_derived(run: Run, derived: Derived) -> None:
    """Delete what earlier builds derived and write ``derived``, in the transaction given.

    Raises:
        DataError: an edge names a node that does not exist; raised before anything is changed.
    """
    nodes = {label.name: derived_nodes(label, derived) for label in NODES.values() if label.derived}
    frames = _checked(run, derived, nodes)
    for edge in DERIVED_EDGES:
        ends = f"(:{quoted(edge.source)})-[r:{quoted(edge.name)}]->(:{quoted(edge.target)})"
        run.run(f"MATCH {ends} DELETE r").consume()
    for name, frame in nodes.items():
        run.run(f"MATCH (n:{quoted(name)}) DETACH DELETE n").consume()
        for batch in batches(frame):
            merge_nodes(run, NODES[name], batch, {**NODES[name].properties})
    for edge, frame in frames.items():
        for batch in batches(frame):
            create_edges(run, edge, batch)


def _checked(
    run: Run, derived: Derived, nodes: dict[str, pl.DataFrame]
) -> dict[EdgeType, pl.DataFrame]:
    for name, frame in nodes.items():
        vector_length(frame)
        if NODES[name].of:
            check_owners(NODES[name], frame, ids(run, NODES[name].of)["id"])
    frames = {}
    for edge in DERIVED_EDGES:
        table = derived.edges.get((edge.name, edge.source, edge.target))
        if table is None:
            continue
        frames[edge] = edge_frame(edge, stamped(table, derived.build)).sort(
            "source", maintain_order=True
        )
        for column, label in (("source", edge.source), ("target", edge.target)):
            known = nodes[label]["id"] if label in nodes else ids(run, label)["id"]
            check_endpoints(frames[edge], column, known, edge)
    return frames


def announced(link: Link, commit: Callable[[], None]) -> None:
    """Commit a swap, with the note up meanwhile."""
    _note(link, LEASE_SECONDS)
    try:
        commit()
    finally:
        _note(link, 0)


def _note(link: Link, seconds: int) -> None:
    """Put the note up for so long, or take it down; either way readers see that it changed."""
    link.write(
        lambda run: run.run(
            f"MERGE (s:{STATE} {{id: $note}}) SET s.changes = coalesce(s.changes, 0) + 1, "
            "s.until = timestamp() + $seconds * 1000",
            note=NOTE,
            seconds=seconds,
        ).consume()
    )


def _changes(link: Link) -> tuple[int, bool]:
    """How often the note changed, and whether it is up."""
    # Not retried: an analyst would rather hear at once that the server is away.
    with link.errors("read"), link.session() as session:
        record = session.run(
            f"MATCH (s:{STATE} {{id: $note}}) RETURN s.changes, s.until > timestamp()", note=NOTE
        ).single()
    return (int(record[0]), bool(record[1])) if record else (0, False)


def steady(link: Link, work: Callable[[], T]) -> T:
    """The result of ``work``, read while nothing derived was being swapped.

    Raises:
        StoreUnavailable: swaps went on for too long.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    for _ in range(_ATTEMPTS):
        before, under_way = _changes(link)
        while under_way and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            before, under_way = _changes(link)
        found = work()
        if not under_way and _changes(link)[0] == before:
            return found
    raise StoreUnavailable(f"a build is being written to {link.address}; try again")
