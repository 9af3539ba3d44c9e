"""What a build derived, swapped on a Neo4j server so that readers see the old or the new.

One transaction for a million edges takes gigabytes of the server's heap, so there are many, each of
bounded size. The build is first written aside, as chunks of rows that no query meets. A note then
says that it is being shown: from here on Coterie's readers wait, what was there is deleted, and
each chunk becomes nodes or edges and goes, in one transaction. Whoever finds that a swap was cut
off once the note was up ends it: the next build, or a reader. Cut off before, nothing was changed,
and the next build deletes what is left.

Who swaps holds a lease, prolonged by each of its transactions; each makes sure that it is held.
"""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import polars as pl

from graph import neo4j_write as write
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
from graph.neo4j_schema import STAGED, STATE
from graph.schema import DERIVED_EDGES, EDGES, NODES
from graph.store import Derived
from loaders.errors import StoreUnavailable

__all__ = ["replace_derived", "steady"]

T = TypeVar("T")

NOTE: Final = "derived"
LEASE_SECONDS: Final = 60
WAIT_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05
_ATTEMPTS: Final = 5
_NUMBERS_A_CHUNK: Final = 1_000_000
"""In vectors: the server takes some 30 bytes for each while it writes them."""


class _Note(NamedTuple):
    """How often it changed, what a swap that is being shown does, whether the lease is held."""

    changes: int = 0
    showing: str | None = None
    held: bool = False


class _Chunk(NamedTuple):
    """Rows of one derived label, or edge type by its place in ``DERIVED_EDGES``."""

    kind: str
    rows: pl.DataFrame


def replace_derived(link: Link, derived: Derived) -> None:
    """Write ``derived`` in the place of what earlier builds derived.

    Raises:
        DataError: an edge names a node that does not exist; raised before anything is changed.
        StoreUnavailable: others are swapping, or the server went away. What was there stays, or
            ``derived`` is there whole once anybody reads.
    """
    chunks = list(_chunks(link, derived))
    swap = _Swap(link)
    swap.begin()
    swap.stage(chunks)
    swap.show()
    swap.end()


def _chunks(link: Link, derived: Derived) -> Iterator[_Chunk]:
    """All rows, checked, nodes first."""
    nodes = {label.name: derived_nodes(label, derived) for label in NODES.values() if label.derived}
    for name, frame in nodes.items():
        length = vector_length(frame)
        if NODES[name].of:
            check_owners(NODES[name], frame, _ids(link, NODES[name].of))
        for part in write.batches(frame, _NUMBERS_A_CHUNK // length):
            yield _Chunk(name, part)
    for place, edge in enumerate(DERIVED_EDGES):
        table = derived.edges.get((edge.name, edge.source, edge.target))
        if table is None:
            continue
        frame = edge_frame(edge, stamped(table, derived.build)).sort("source", maintain_order=True)
        for column, label in (("source", edge.source), ("target", edge.target)):
            known = nodes[label]["id"] if label in nodes else _ids(link, label)
            check_endpoints(frame, column, known, edge)
        for part in write.batches(frame):
            yield _Chunk(str(place), part)


def _ids(link: Link, label: str) -> pl.Series:
    return link.read(lambda run: ids(run, label))["id"]


def _write(run: Run, chunk: _Chunk) -> None:
    if chunk.kind in NODES:
        label = NODES[chunk.kind]
        write.merge_nodes(run, label, chunk.rows, {**label.properties})
    else:
        write.create_edges(run, DERIVED_EDGES[int(chunk.kind)], chunk.rows)


class _Swap:
    """The steps of a swap, each of them transactions that hold the lease."""

    def __init__(self, link: Link) -> None:
        self._link, self._holder = link, secrets.token_hex(8)

    def begin(self) -> None:
        """Take the lease once nobody else holds it, and end what they left half done.

        Raises:
            StoreUnavailable: others hold it for too long.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._link.write(self._take):
            if time.monotonic() > deadline:
                raise _busy(self._link)
            time.sleep(_POLL_SECONDS)
        if _note(self._link).showing:
            self._move()

    def _take(self, run: Run) -> bool:
        run.run(f"MERGE (s:{STATE} {{id: $note}})", note=NOTE).consume()
        taken = run.run(
            f"MATCH (s:{STATE} {{id: $note}}) SET s.changes = coalesce(s.changes, 0) WITH s "
            "WHERE coalesce(s.until, 0) < timestamp() OR s.holder = $holder "
            "SET s.holder = $holder, s.until = timestamp() + $ms RETURN s.until",
            note=NOTE,
            holder=self._holder,
            ms=LEASE_SECONDS * 1000,
        )
        return taken.single() is not None

    def _held(self, work: Callable[[Run], T]) -> T:
        """Commit ``work``, if the lease is still held, and prolong that."""

        def unit(run: Run) -> T:
            held = run.run(
                f"MATCH (s:{STATE} {{id: $note, holder: $holder}}) "
                "SET s.until = timestamp() + $ms RETURN s.until",
                note=NOTE,
                holder=self._holder,
                ms=LEASE_SECONDS * 1000,
            )
            if held.single() is None:
                raise _busy(self._link)
            return work(run)

        return self._link.write(unit)

    def _set(self, **values: Any) -> None:
        """Change the note, so that readers see that it changed."""
        self._held(
            lambda run: run.run(
                f"MATCH (s:{STATE} {{id: $note}}) SET s.changes = s.changes + 1, s += $values",
                note=NOTE,
                values=values,
            ).consume()
        )

    def _delete(self, pattern: str, name: str) -> None:
        """Delete everything of a kind, some at a time."""
        query = f"MATCH {pattern} WITH {name} LIMIT {write.BATCH} "
        gone = "DETACH DELETE" if name == "n" else "DELETE"

        def some(run: Run) -> int:
            found = run.run(f"{query} {gone} {name} RETURN count(*)").single()
            return int(found[0]) if found else 0

        while self._held(some):
            continue

    def stage(self, chunks: list[_Chunk]) -> None:
        """Write chunks aside, in the place of those a swap left that was cut off."""
        self._delete(f"(n:{STAGED})", "n")
        for place, chunk in enumerate(chunks):
            self._held(partial(_keep_chunk, place=place, chunk=chunk))

    def show(self) -> None:
        """Put the staged build in the place of the old one."""
        self._set(showing="old goes")
        self._move()

    def _move(self) -> None:
        """Go on from wherever the note says that a swap has come to."""
        if _note(self._link).showing == "old goes":
            shared = {edge.name for edge in EDGES if edge.kind != "derived"}
            for name in {edge.name: None for edge in DERIVED_EDGES if edge.name not in shared}:
                self._delete(f"()-[r:{quoted(name)}]->()", "r")
            for label in NODES.values():
                if label.derived:
                    self._delete(f"(n:{quoted(label.name)})", "n")
            self._set(showing="new comes")
        while self._held(_move_chunk):
            continue
        self._set(showing=None)

    def end(self) -> None:
        """Let others have the lease."""
        self._set(until=0)


def _keep_chunk(run: Run, place: int, chunk: _Chunk) -> None:
    data = io.BytesIO()
    chunk.rows.write_ipc(data, compression="zstd")
    run.run(
        f"MERGE (c:{STAGED} {{id: $id}}) SET c.kind = $kind, c.rows = $rows",
        id=place,
        kind=chunk.kind,
        rows=data.getvalue(),
    ).consume()


def _move_chunk(run: Run) -> bool:
    """Turn the first chunk into what it holds; whether there was one."""
    found = run.run(
        f"MATCH (c:{STAGED}) WITH c ORDER BY c.id LIMIT 1 "
        "WITH c, c.kind AS kind, c.rows AS rows DELETE c RETURN kind, rows"
    ).single()
    if found is not None:
        _write(run, _Chunk(found["kind"], pl.read_ipc(io.BytesIO(found["rows"]))))
    return found is not None


def _busy(link: Link) -> StoreUnavailable:
    return StoreUnavailable(f"a build is being written to {link.address}; try again")


def _note(link: Link) -> _Note:
    # Not retried: an analyst would rather hear at once that the server is away.
    with link.errors("read"), link.session() as session:
        record = session.run(
            f"MATCH (s:{STATE} {{id: $note}}) RETURN s.changes, s.showing, s.until > timestamp()",
            note=NOTE,
        ).single()
    return _Note(record[0] or 0, record[1], bool(record[2])) if record else _Note()


def steady(link: Link, work: Callable[[], T]) -> T:
    """The result of ``work``, read while nothing derived was being swapped.

    Raises:
        StoreUnavailable: swaps went on for too long, or one was cut off and cannot be ended.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    for _ in range(_ATTEMPTS):
        before = _settled(link, deadline)
        found = work()
        if _note(link).changes == before.changes:
            return found
    raise _busy(link)


def _settled(link: Link, deadline: float) -> _Note:
    """The note once no swap is being shown; one that nobody goes on with is ended here."""
    while (note := _note(link)).showing:
        if time.monotonic() > deadline:
            raise _busy(link)
        if note.held:
            time.sleep(_POLL_SECONDS)
        else:
            with closing(Link(link.address, read_only=False)) as writer:
                swap = _Swap(writer)
                swap.begin()
                swap.end()
    return note
