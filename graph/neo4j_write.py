"""Writing to a Neo4j store: rows as lists, thousands a statement, each statement safe to repeat.

A batch whose answer was lost may have been committed all the same (seen in 4 of 9 crashes), so
nothing is created blindly: nodes and structure are merged, events have unique ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from itertools import pairwise
from threading import Lock
from typing import Any, Final

import polars as pl

from graph.ddl import quoted
from graph.frames import new_columns
from graph.neo4j_link import Link, Run
from graph.neo4j_read import NUMBER, edge_count, ids, known_events
from graph.neo4j_schema import STATE, sent_value, to_wire
from graph.schema import EdgeType, NodeLabel, PropertyType
from graph.store import Conflict
from loaders.errors import StoreUnavailable
from loaders.progress import Progress

__all__ = [
    "BATCH",
    "WRITERS",
    "EventWriter",
    "batches",
    "create_edges",
    "keep_attributes",
    "merge_edges",
    "merge_nodes",
]

BATCH: Final = 10_000
"""Rows a statement; between 5,000 and 20,000 the speed is the same."""

WRITERS: Final = 2
"""Transactions at a time during a bulk load of events. They never share a user."""

_ATTEMPTS: Final = 3


def batches(frame: pl.DataFrame, most: int | None = None) -> list[pl.DataFrame]:
    """``frame`` in slices of at most ``BATCH`` rows, or ``most`` where that is less."""
    size = min(BATCH, BATCH if most is None else most)
    return [frame.slice(start, size) for start in range(0, frame.height, size)]


def keep_attributes(run: Run, label: NodeLabel, kinds: dict[str, PropertyType]) -> None:
    """Note which attributes nodes of an open label have, and their types."""
    extra = {name: kind for name, kind in kinds.items() if name not in label.properties}
    run.run(
        f"MERGE (s:{STATE} {{id: $label}}) SET s.names = $names, s.types = $types",
        label=label.name,
        names=list(extra),
        types=list(extra.values()),
    ).consume()


def kinds_of(frame: pl.DataFrame, known: dict[str, PropertyType]) -> dict[str, PropertyType]:
    """Types of all properties once ``frame`` is written."""
    return {**known, **new_columns(frame, known)}


def merge_nodes(
    run: Run, label: NodeLabel, frame: pl.DataFrame, kinds: dict[str, PropertyType]
) -> None:
    """Insert nodes or set the properties given; an empty value leaves what is stored.

    Nodes that belong to others are left out where those are gone.
    """
    names = [name for name in frame.columns if name != "id"]
    sets = ", ".join(
        f"n.{quoted(name)} = coalesce({sent_value(f'r[{i}]', kinds[name])}, n.{quoted(name)})"
        for i, name in enumerate(names, 1)
    )
    owner = f"MATCH (:{quoted(label.of)} {{id: r[0]}}) " if label.of else ""
    run.run(
        f"UNWIND $rows AS r {owner}MERGE (n:{quoted(label.name)} {{id: r[0]}})"
        + (f" SET {sets}" if sets else ""),
        rows=to_wire(frame.select("id", *names)).rows(),
    ).consume()


def _properties(edge: EdgeType, first: int) -> str:
    """A map of all properties of ``edge``, from places ``first`` on of the row ``r``."""
    values = (
        f"{quoted(name)}: {sent_value(f'r[{i}]', kind)}"
        for i, (name, kind) in enumerate(edge.properties.items(), first)
    )
    return "{" + ", ".join(values) + "}"


def _ends(edge: EdgeType) -> str:
    return (
        f"MATCH (a:{quoted(edge.source)} {{id: r[0]}}) MATCH (b:{quoted(edge.target)} {{id: r[1]}})"
    )


def merge_edges(run: Run, edge: EdgeType, frame: pl.DataFrame) -> None:
    """Insert structure edges; those of a ``single`` type replace what their source had."""
    kind, key = quoted(edge.name), edge.key_properties
    alone = (
        f"CALL (a) {{ MATCH (a)-[old:{kind}]->(:{quoted(edge.target)}) DELETE old }} "
        if edge.single
        else ""
    )
    columns = list(edge.properties)
    match = ", ".join(f"{quoted(name)}: r[{columns.index(name) + 2}]" for name in key)
    rest = f" SET x += {_properties(edge, 2)}" if columns else ""
    run.run(
        f"UNWIND $rows AS r {_ends(edge)} {alone}MERGE (a)-[x:{kind} {{{match}}}]->(b){rest}",
        rows=to_wire(frame.select("source", "target", *columns)).rows(),
    ).consume()


def create_edges(run: Run, edge: EdgeType, frame: pl.DataFrame) -> None:
    """Create edges, grouped by their source, whatever is there already.

    Targets are ids, or the server's numbers, which spare it a look into an index for each edge:
    a fifth of the time.
    """
    label = quoted(edge.target)
    numbered = frame.schema["target"].is_integer()
    target = f"(b) WHERE id(b) = r[0] AND b:{label}" if numbered else f"(b:{label} {{id: r[0]}})"
    run.run(
        f"UNWIND $rows AS g MATCH (a:{quoted(edge.source)} {{id: g[0]}}) UNWIND g[1] AS r "
        f"MATCH {target} "
        f"CREATE (a)-[:{quoted(edge.name)} {_properties(edge, 1)}]->(b)",
        rows=list(_grouped(to_wire(frame), list(edge.properties))),
    ).consume()


def _grouped(frame: pl.DataFrame, properties: list[str]) -> Iterator[list[Any]]:
    """``[source, rows]`` of each run of one source; a row is target and properties."""
    runs = frame["source"].rle().struct.unnest()
    ends = [0, *runs["len"].cum_sum()]
    rows = frame.select("target", *properties).rows()
    for source, (start, end) in zip(runs["value"], pairwise(ends), strict=True):
        yield [source, rows[start:end]]


class EventWriter:
    """Adds events of one type whose id is new.

    Args:
        edge: the type.
        progress: told how many rows are done.
        total: rows in all.
    """

    def __init__(self, edge: EdgeType, progress: Progress, total: int) -> None:
        self._edge, self._progress, self._total = edge, progress, total
        self._stage, self._done, self._lock = f"writing {edge.name}", 0, Lock()
        progress(self._stage, 0, total)

    def add(self, run: Run, frame: pl.DataFrame, *, fresh: bool = False) -> int:
        """Add a batch in the transaction given; ``fresh`` spares the look for known ids."""
        new = frame
        if not fresh:
            known = known_events(run, self._edge, frame["event_id"].to_list())
            new = frame.filter(~pl.col("event_id").is_in(list(known)))
        if new.height:
            create_edges(run, self._edge, new)
        return new.height

    def done(self, rows: int) -> None:
        """Tell that so many more rows are settled."""
        with self._lock:
            self._done += rows
            self._progress(self._stage, self._done, self._total)

    def load(self, link: Link, frame: pl.DataFrame) -> int:
        """Add many events, each batch a transaction of its own; how many were new.

        Raises:
            StoreUnavailable: the server went away; what was written stays, and loading again
                completes it.
        """
        empty = link.read(lambda run: edge_count(run, self._edge.name)) == 0
        ordered = _numbered(link, self._edge, frame).sort("source", maintain_order=True)
        shares = _shares(ordered, WRITERS)
        with ThreadPoolExecutor(max_workers=len(shares)) as pool:
            stop: list[bool] = []
            work = [pool.submit(self._load_share, link, share, empty, stop) for share in shares]
            wait(work, return_when=FIRST_EXCEPTION)
            stop.append(True) if any(w.done() and w.exception() for w in work) else None
            return sum(w.result() for w in work)

    def _load_share(self, link: Link, frame: pl.DataFrame, empty: bool, stop: list[bool]) -> int:
        added = 0
        for batch in batches(frame):
            if stop:
                break
            added += self._load_batch(link, batch, fresh=empty)
            self.done(batch.height)
        return added

    def _load_batch(self, link: Link, batch: pl.DataFrame, *, fresh: bool) -> int:
        for attempt in range(_ATTEMPTS):
            try:
                return link.write(partial(self.add, frame=batch, fresh=fresh and attempt == 0))
            except Conflict:
                # Committed though the answer was lost, or written by another load meanwhile.
                continue
        raise StoreUnavailable(f"others are writing the same {self._edge.name}; try again")


def _numbered(link: Link, edge: EdgeType, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the server's numbers for its targets."""
    known = link.read(lambda run: ids(run, edge.target)).select(target="id", number=NUMBER)
    return frame.join(known, on="target", how="inner", maintain_order="left").with_columns(
        target=pl.col("number")
    )


def _shares(ordered: pl.DataFrame, wanted: int) -> list[pl.DataFrame]:
    """``ordered`` cut into about equal parts, never within a source."""
    if ordered.is_empty():
        return [ordered]
    runs = ordered["source"].rle().struct.unnest()
    ends = runs["len"].cum_sum()
    aims = [ordered.height * i // wanted for i in range(1, wanted)]
    cuts = [0, *(int(ends.filter(ends >= aim)[0]) for aim in aims), ordered.height]
    parts = [ordered.slice(a, b - a) for a, b in pairwise(cuts)]
    return [part for part in parts if part.height]
