"""Reading nodes and edges of the embedded store as frames, over the engine's own row numbers.

Strings of both ends of 1.5 M edges cost more than the edges themselves; so ends come back as
offsets and are looked up once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from graph.ddl import POLARS_TYPES, property_type, quoted
from graph.engine import Session
from graph.schema import EDGES, NODES, EdgeType, PropertyType

__all__ = ["attributes", "counts", "edge_table", "edges", "ids", "nodes"]

_OFFSET = "__offset"


def attributes(session: Session, label: str) -> dict[str, PropertyType]:
    """Stored properties of ``label`` but ``id``, in the table's order."""
    table = session.ask(f"CALL table_info('{label}') RETURN name, type")
    pairs = zip(table["name"].to_pylist(), table["type"].to_pylist(), strict=True)
    return {name: property_type(kind) for name, kind in pairs if name != "id"}


def ids(session: Session, label: str) -> pl.DataFrame:
    """``id`` and offset of all nodes of ``label``, in the order of insertion."""
    return _nodes(session, label, ("id",))


def nodes(session: Session, label: str) -> pl.DataFrame:
    """``id`` and every property of all nodes of ``label``, in the order of insertion."""
    return _nodes(session, label, ("id", *attributes(session, label))).drop(_OFFSET)


def _nodes(session: Session, label: str, names: Iterable[str]) -> pl.DataFrame:
    columns = ", ".join(f"n.{quoted(name)} AS {quoted(name)}" for name in names)
    table = session.ask(
        f"MATCH (n:{quoted(label)}) RETURN offset(id(n)) AS {quoted(_OFFSET)}, {columns}"
    )
    return _frame(table).sort(_OFFSET)


def edges(
    session: Session, edge: EdgeType, properties: Sequence[str] | None = None
) -> pl.DataFrame:
    """``source``, ``target`` ids and properties of all edges of a type, in no order."""
    frame = _frame(edge_table(session, edge, properties))
    return frame.with_columns(pl.col("source", "target").cast(pl.String))


def edge_table(
    session: Session, edge: EdgeType, properties: Sequence[str] | None = None
) -> pa.Table:
    """As ``edges``, with the ends as dictionary arrays over the ids of the nodes."""
    asked = edge.properties if properties is None else properties
    columns = "".join(f", r.{quoted(name)} AS {quoted(name)}" for name in asked)
    table = session.ask(
        f"MATCH (a:{quoted(edge.source)})-[r:{quoted(edge.name)}]->(b:{quoted(edge.target)}) "
        f"RETURN offset(id(a)) AS source, offset(id(b)) AS target{columns}"
    )
    for place, (end, label) in enumerate((("source", edge.source), ("target", edge.target))):
        known = ids(session, label)
        table = table.set_column(place, end, _as_dictionary(table[end], known))
    return table


def _as_dictionary(offsets: pa.ChunkedArray, known: pl.DataFrame) -> pa.DictionaryArray:
    """Offsets as a dictionary array over ids; offsets have gaps where nodes were deleted."""
    held = known[_OFFSET].to_numpy()
    place = np.zeros(int(held.max()) + 1 if len(held) else 1, np.int32)
    place[held] = np.arange(len(held), dtype=np.int32)
    indices = pa.array(place[offsets.to_numpy()])
    return pa.DictionaryArray.from_arrays(indices, known["id"].to_arrow())


def counts(session: Session) -> dict[str, int]:
    """Number of nodes by label and of edges by type."""
    asked = {name: f"MATCH (n:{quoted(name)}) RETURN count(n) AS n" for name in NODES}
    asked |= {e.name: f"MATCH ()-[r:{quoted(e.name)}]->() RETURN count(r) AS n" for e in EDGES}
    return {name: session.ask(query)["n"][0].as_py() for name, query in asked.items()}


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame.with_columns(
        pl.col(name).cast(POLARS_TYPES["vector"])
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.Array)
    )
