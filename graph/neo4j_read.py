"""Reading nodes and edges of a Neo4j store: columns collected on the server, a list at a time.

A record for every edge costs twenty times as much as a list of fifty thousand. Nodes at both ends
cross as the server's own numbers and are looked up once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from graph.ddl import POLARS_TYPES, quoted
from graph.neo4j_link import Run
from graph.neo4j_schema import (
    STATE,
    from_wire,
    guarded_value,
    known_properties,
    none_parameters,
    read_value,
)
from graph.schema import EDGES, NODES, EdgeType, NodeLabel, PropertyType

__all__ = [
    "NUMBER",
    "attributes",
    "counts",
    "edge_count",
    "edge_frame",
    "edge_table",
    "ids",
    "known_events",
    "nodes",
]

_NODES_A_LIST = 20_000
_EDGES_A_LIST = 50_000
NUMBER = "__number"
"""Column of the server's own numbers of nodes or edges."""


def attributes(run: Run, label: NodeLabel) -> dict[str, PropertyType]:
    """Properties of ``label`` but ``id``, in the order they came up."""
    record = run.run(
        f"MATCH (s:{STATE} {{id: $label}}) RETURN s.names AS names, s.types AS types",
        label=label.name,
    ).single()
    kept = dict(zip(record["names"], record["types"], strict=True)) if record else {}
    return known_properties(label, kept)


def nodes(run: Run, label: NodeLabel) -> pl.DataFrame:
    """``id`` and every property of all nodes of ``label``, by id."""
    return _nodes(run, label.name, {"id": "string", **attributes(run, label)}).drop(NUMBER)


def ids(run: Run, label: str) -> pl.DataFrame:
    """``id`` of all nodes of ``label`` and the server's number for each, by id."""
    return _nodes(run, label, {"id": "string"})


def _nodes(run: Run, label: str, kinds: dict[str, PropertyType]) -> pl.DataFrame:
    columns = [f"[n IN ns | {read_value(f'n.{quoted(name)}', k)}]" for name, k in kinds.items()]
    result = run.run(
        f"MATCH (n:{quoted(label)}) WITH id(n) / {_NODES_A_LIST} AS part, collect(n) AS ns "
        f"RETURN [n IN ns | id(n)], {', '.join(columns)}"
    )
    types: dict[str, PropertyType] = {NUMBER: "int", **kinds}
    return _frame(result, types).sort("id")


def _frame(
    records: Iterable[Any], kinds: dict[str, PropertyType], *, marked: bool = False
) -> pl.DataFrame:
    """Records of one list a column, one under the other."""
    parts = [
        pl.DataFrame(
            {
                name: from_wire(values, kind, marked=marked and name not in _ENDS)
                for values, (name, kind) in zip(record, kinds.items(), strict=True)
            }
        )
        for record in records
    ]
    schema = {name: POLARS_TYPES[kind] for name, kind in kinds.items()}
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


_ENDS = ("source", "target")


def edge_frame(
    run: Run, edge: EdgeType, properties: Sequence[str] | None = None, *, numbered: bool = False
) -> pl.DataFrame:
    """``source``, ``target`` as the server's numbers and properties of all edges of a type.

    ``numbered`` adds the number of the edge itself, as ``NUMBER``.
    """
    names = edge.properties if properties is None else properties
    asked = {name: edge.properties[name] for name in names}
    columns = [f"collect({guarded_value(f'r.{quoted(n)}', kind)})" for n, kind in asked.items()]
    if numbered:
        asked[NUMBER] = "int"
        columns.append("collect(id(r))")
    named = "".join(f", {column} AS c{i}" for i, column in enumerate(columns))
    result = run.run(
        f"MATCH (a:{quoted(edge.source)}) "
        "WITH id(a) / $sources AS part, collect(a) AS sources CALL (sources) { "
        f"UNWIND sources AS a MATCH (a)-[r:{quoted(edge.name)}]->(b:{quoted(edge.target)}) "
        f"RETURN collect(id(a)) AS source, collect(id(b)) AS target{named} }} "
        f"RETURN source, target{''.join(f', c{i}' for i in range(len(columns)))}",
        sources=_sources_a_list(run, edge),
        **none_parameters(),
    )
    return _frame(result, {"source": "int", "target": "int", **asked}, marked=True)


def _sources_a_list(run: Run, edge: EdgeType) -> int:
    """How many numbers of sources share a list, so that it holds about as many edges as wanted."""
    held = max(1, edge_count(run, edge.name))
    sources = _count(run, f"MATCH (n:{quoted(edge.source)}) RETURN count(n)")
    return max(1, min(_NODES_A_LIST, _EDGES_A_LIST * sources // held))


def edge_table(run: Run, edge: EdgeType, properties: Sequence[str] | None = None) -> pa.Table:
    """As ``edge_frame``, with the ends as dictionary arrays over the ids of the nodes."""
    frame = edge_frame(run, edge, properties)
    table = frame.to_arrow()
    for place, (end, label) in enumerate(zip(_ENDS, (edge.source, edge.target), strict=True)):
        table = table.set_column(place, end, _as_dictionary(frame[end], ids(run, label)))
    return table


def _as_dictionary(numbers: pl.Series, known: pl.DataFrame) -> pa.DictionaryArray:
    order = known.sort(NUMBER)
    places = np.searchsorted(order[NUMBER].to_numpy(), numbers.to_numpy()).astype(np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(places), order["id"].to_arrow().cast(pa.string())
    )


def _count(run: Run, query: str) -> int:
    record = run.run(query).single()
    return int(record[0]) if record else 0


def edge_count(run: Run, name: str) -> int:
    """Edges of a type, between whatever labels; the server keeps this number."""
    return _count(run, f"MATCH ()-[r:{quoted(name)}]->() RETURN count(r)")


def counts(run: Run) -> dict[str, int]:
    """Number of nodes by label and of edges by type."""
    found = {name: _count(run, f"MATCH (n:{quoted(name)}) RETURN count(n)") for name in NODES}
    return found | {edge.name: edge_count(run, edge.name) for edge in EDGES}


def known_events(run: Run, edge: EdgeType, event_ids: list[str]) -> set[str]:
    """Which of ``event_ids`` are stored."""
    record = run.run(
        f"UNWIND $ids AS id MATCH ()-[r:{quoted(edge.name)} {{event_id: id}}]->() "
        "RETURN collect(id)",
        ids=event_ids,
    ).single()
    return set(record[0]) if record else set()
