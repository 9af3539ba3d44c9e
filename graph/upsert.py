"""What the embedded store does to its tables: nodes, edges, events, derived edges, erasure.

Each function compares with what is stored and copies only what is new, so that running it again
changes nothing. Deleting edges in bulk crashes the engine (0.22: a second delete after a copy),
so edges that are replaced wholesale have their table dropped and made anew, which is also faster.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from graph import scan
from graph.ddl import add_column, create_edge, create_node, edge_columns, pairs_of, quoted
from graph.engine import Session
from graph.frames import (
    check_endpoints,
    check_owners,
    derived_nodes,
    edge_frame,
    new_columns,
    node_frame,
    stamped,
    vector_length,
)
from graph.schema import DERIVED_EDGES, NODES, EdgeType, NodeLabel, belongings
from graph.store import Derived
from loaders.errors import UnknownUser
from loaders.progress import Progress

__all__ = ["append_events", "erase_user", "replace_derived", "upsert_edges", "upsert_nodes"]

_CHUNK = 500_000
_FEW = 1_000
_STORED = "__stored"


def upsert_nodes(session: Session, label: NodeLabel, table: pa.Table) -> int:
    """Insert nodes, update properties that differ, add attributes; rows of ``table``."""
    frame = node_frame(label, table, scan.attributes(session, label.name))
    for name, kind in new_columns(frame, scan.attributes(session, label.name)).items():
        session.write(add_column(label.name, name, kind))
    stored = scan.nodes(session, label.name)
    _update(session, label.name, frame, stored)
    fresh = frame.join(stored, on="id", how="anti", maintain_order="left")
    session.copy_in_order(label.name, _in_order_of(fresh, stored))
    return frame.height


def _in_order_of(frame: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the columns of ``stored``; what it lacks is empty."""
    return frame.select(
        pl.col(name) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in stored.schema.items()
    )


def _update(session: Session, label: str, frame: pl.DataFrame, stored: pl.DataFrame) -> None:
    """Set the properties that ``frame`` knows on nodes whose stored values differ."""
    names = [name for name in frame.columns if name != "id"]
    if not names or stored.is_empty():
        return
    both = frame.join(stored.select("id", *names), on="id", suffix=_STORED)
    differs = [
        pl.col(name).is_not_null() & pl.col(name).ne_missing(pl.col(name + _STORED))
        for name in names
    ]
    changed = both.filter(pl.any_horizontal(differs))
    if changed.is_empty():
        return
    # Numbered columns: the engine takes the frame's own names for variables.
    values = [pl.coalesce(name, name + _STORED).alias(f"value{i}") for i, name in enumerate(names)]
    rows = changed.select(pl.col("id").alias("key"), *values)
    sets = ", ".join(f"n.{quoted(name)} = value{i}" for i, name in enumerate(names))
    session.write(
        f"LOAD FROM $rows MATCH (n:{quoted(label)}) WHERE n.id = key SET {sets}",
        {"rows": rows.to_arrow()},
    )


def upsert_edges(session: Session, edge: EdgeType, table: pa.Table) -> int:
    """Insert edges that are not there yet; how many were new."""
    frame = edge_frame(edge, table)
    _check_ends(session, edge, frame)
    stored = scan.edges(session, edge, None if edge.single else edge.key_properties)
    fresh = frame.join(stored, on=list(edge.key), how="anti", maintain_order="left")
    if edge.single:
        fresh = fresh.unique("source", keep="last", maintain_order=True)
        kept = stored.join(fresh, on="source", how="anti")
        if kept.height < stored.height:
            _rewrite(session, edge, pl.concat([kept, fresh]))
            return fresh.height
    _copy_edges(session, edge, fresh)
    return fresh.height


def _check_ends(session: Session, edge: EdgeType, frame: pl.DataFrame) -> None:
    for column, label in (("source", edge.source), ("target", edge.target)):
        check_endpoints(frame, column, scan.ids(session, label)["id"], edge)


def _copy_edges(session: Session, edge: EdgeType, frame: pl.DataFrame) -> None:
    """Append edges; the table may hold properties of its other pairs, which stay empty."""
    full = frame.select(
        "source",
        "target",
        *(
            pl.col(name) if name in frame.columns else pl.lit(None, pl.String).alias(name)
            for name in edge_columns(edge.name)
        ),
    )
    several = len(pairs_of(edge.name)) > 1
    options = f"(from='{edge.source}', to='{edge.target}')" if several else ""
    session.copy(edge.name, full, options)


def _rewrite(session: Session, edge: EdgeType, frame: pl.DataFrame) -> None:
    """Make ``frame`` all there is of ``edge``, and keep other pairs of the same name."""
    others = {e: scan.edges(session, e) for e in pairs_of(edge.name) if e.target != edge.target}
    session.write(f"DROP TABLE {quoted(edge.name)}")
    session.write(create_edge(edge.name))
    for pair, rows in {**others, edge: frame}.items():
        _copy_edges(session, pair, rows)


def append_events(session: Session, edge: EdgeType, table: pa.Table, progress: Progress) -> int:
    """Add events whose ``event_id`` is new; how many were."""
    frame = edge_frame(edge, table)
    _check_ends(session, edge, frame)
    stage = f"writing {edge.name}"
    progress(stage, 0, frame.height)
    fresh = frame.join(_stored_events(session, edge, frame), on="event_id", how="anti")
    for start in range(0, fresh.height, _CHUNK):
        _copy_edges(session, edge, fresh.slice(start, _CHUNK))
        progress(stage, frame.height - fresh.height + start, frame.height)
    progress(stage, frame.height, frame.height)
    return fresh.height


def _stored_events(session: Session, edge: EdgeType, frame: pl.DataFrame) -> pl.DataFrame:
    """``event_id`` of stored events; of those in ``frame`` only where it is short."""
    match = f"MATCH (:{quoted(edge.source)})-[r:{quoted(edge.name)}]->(:{quoted(edge.target)})"
    given = frame["event_id"].to_list() if frame.height <= _FEW else None
    where = "" if given is None else " WHERE r.event_id IN $given"
    known = session.ask(
        f"{match}{where} RETURN r.event_id AS event_id", None if given is None else {"given": given}
    )
    return pl.DataFrame({"event_id": pl.Series(known["event_id"], dtype=pl.String)})


def replace_derived(session: Session, derived: Derived) -> None:
    """Drop what earlier builds derived and write ``derived`` in its place."""
    nodes, frames = _derived_frames(session, derived)
    others = {
        pair: scan.edges(session, pair)
        for edge in DERIVED_EDGES
        for pair in pairs_of(edge.name)
        if pair.kind != "derived"
    }
    names = dict.fromkeys(edge.name for edge in DERIVED_EDGES)
    labels = [label for label in NODES.values() if label.derived]
    for table in (*names, *(label.name for label in labels)):
        session.write(f"DROP TABLE {quoted(table)}")
    made = [create_node(label, vector_length(nodes[label.name])) for label in labels]
    for statement in (*made, *map(create_edge, names)):
        session.write(statement)
    for name, frame in nodes.items():
        session.copy_in_order(name, frame)
    for pair, rows in {**frames, **others}.items():
        _copy_edges(session, pair, rows)


def _derived_frames(
    session: Session, derived: Derived
) -> tuple[dict[str, pl.DataFrame], dict[EdgeType, pl.DataFrame]]:
    """Checked nodes by label and edges by type, each with the id of its build."""
    nodes = {label.name: derived_nodes(label, derived) for label in NODES.values() if label.derived}
    for name, frame in nodes.items():
        if NODES[name].of:
            check_owners(NODES[name], frame, scan.ids(session, NODES[name].of)["id"])
    frames = {}
    for edge in DERIVED_EDGES:
        table = derived.edges.get((edge.name, edge.source, edge.target))
        if table is None:
            continue
        frames[edge] = edge_frame(edge, stamped(table, derived.build))
        for column, label in (("source", edge.source), ("target", edge.target)):
            known = nodes[label]["id"] if label in nodes else scan.ids(session, label)["id"]
            check_endpoints(frames[edge], column, known, edge)
    return nodes, frames


def erase_user(session: Session, user_id: str) -> int:
    """Delete a user and all their edges; edges deleted."""
    who: Mapping[str, str] = {"id": user_id}
    if not session.ask("MATCH (u:User {id: $id}) RETURN u.id AS id", who).num_rows:
        raise UnknownUser(f"no user has the id '{user_id}'")
    edges = session.ask("MATCH (u:User {id: $id})-[r]-() RETURN count(r) AS n", who)
    for label in ("User", *belongings("User")):
        session.write(f"MATCH (n:{label} {{id: $id}}) DETACH DELETE n", who)
    return int(edges["n"][0].as_py())
