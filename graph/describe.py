"""``describe``: what a store holds, with one real example of everything, for writers of Cypher.

Examples are those of the smallest id that has the property, so every store tells the same. Those
of customers are real too: show them to whoever may ask the graph anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graph.ddl import pairs_of, quoted
from graph.schema import EDGES, NODES, EdgeType, Kind, NodeLabel, PropertyType
from graph.store import GraphStore

__all__ = ["GraphDescription", "LabelInfo", "PropertyInfo", "RelationshipInfo", "describe"]

_SHOWN: Final = 3
"""Numbers of a vector that are shown."""

_SOURCE: Final = ""
"""Where the id of the example's source stands among its properties."""


@dataclass(frozen=True)
class PropertyInfo:
    """A property, its type, and a value that is stored; ``None`` where none is."""

    name: str
    type: PropertyType
    example: Any


@dataclass(frozen=True)
class LabelInfo:
    """A node label.

    Attributes:
        label: its name.
        count: nodes.
        kind: structure, or derived by a build.
        build: which build wrote them, where one did.
        properties: ``id`` first.
    """

    label: str
    count: int
    kind: Kind
    build: str | None
    properties: list[PropertyInfo]


@dataclass(frozen=True)
class RelationshipInfo:
    """A relationship type between two labels.

    Attributes:
        type: its name.
        source: label it starts at.
        target: label it leads to.
        count: relationships.
        kind: event, structure, or derived by a build.
        build: which build wrote them, where one did.
        properties: what they carry.
        example: a line of Cypher that finds one of them, or would if there were any.
    """

    type: str
    source: str
    target: str
    count: int
    kind: Kind
    build: str | None
    properties: list[PropertyInfo]
    example: str


@dataclass(frozen=True)
class GraphDescription:
    """All labels and relationship types."""

    labels: list[LabelInfo]
    relationships: list[RelationshipInfo]


def describe(store: GraphStore) -> GraphDescription:
    """Labels, relationship types, properties, counts and examples of ``store``, of one state."""
    with store.transaction():
        labels = [_label(store, label) for label in NODES.values()]
        return GraphDescription(labels, [_relationship(store, edge) for edge in EDGES])


def _label(store: GraphStore, label: NodeLabel) -> LabelInfo:
    kinds: dict[str, PropertyType] = {"id": "string", **store.properties(label.name)}
    count = _value(store, f"MATCH (a:{quoted(label.name)}) RETURN count(a)")
    found = _label_examples(store, label.name, kinds) if count else {}
    return LabelInfo(
        label=label.name,
        count=count,
        kind="derived" if label.derived else "structure",
        build=found.get("build"),
        properties=_properties(kinds, found),
    )


def _label_examples(
    store: GraphStore, label: str, kinds: Mapping[str, PropertyType]
) -> dict[str, Any]:
    """Values of the first node, or of the first that has one."""
    node = f"MATCH (a:{quoted(label)})"

    def ask(names: Sequence[str], condition: str) -> dict[str, Any]:
        first = _value(store, f"{node} {condition} RETURN min(a.id)")
        return _row(store, f"{node} WHERE a.id = $first", "a", names, "a.id", first)

    return _filled(ask, list(kinds), "a")


def _filled(
    ask: Callable[[Sequence[str], str], dict[str, Any]], names: Sequence[str], of: str
) -> dict[str, Any]:
    """Properties of the first that ``ask`` finds; each it lacks, of the first that has it."""
    found = ask(names, "")
    for name in names:
        if found[name] is None:
            found[name] = ask([name], f"WHERE {of}.{quoted(name)} IS NOT NULL")[name]
    return found


def _relationship(store: GraphStore, edge: EdgeType) -> RelationshipInfo:
    # A label at an end makes some engines look at every edge, so it is named only where it tells.
    start = f"(:{quoted(edge.source)})" if len(pairs_of(edge.name)) > 1 else "()"
    count = _value(store, f"MATCH {start}-[r:{quoted(edge.name)}]->() RETURN count(r)")
    found = _edge_examples(store, edge) if count else {}
    return RelationshipInfo(
        type=edge.name,
        source=edge.source,
        target=edge.target,
        count=count,
        kind=edge.kind,
        build=found.get("build"),
        properties=_properties(edge.properties, found),
        example=_line(edge, found.get(_SOURCE)),
    )


def _edge_examples(store: GraphStore, edge: EdgeType) -> dict[str, Any]:
    """Values of the first source's first edge, or of the first that has one; and the source."""
    source = f"MATCH (a:{quoted(edge.source)})"
    way = f"MATCH (a)-[r:{quoted(edge.name)}]->(b:{quoted(edge.target)})"
    order = ", ".join([*(f"r.{quoted(name)}" for name in edge.key_properties), "b.id"])

    def ask(names: Sequence[str], condition: str) -> dict[str, Any]:
        # Found by its source: sorting a million edges takes a second, this a hundredth.
        first = _value(store, f"{source} WHERE EXISTS {{ {way} {condition} }} RETURN min(a.id)")
        sought = f"{source} WHERE a.id = $first {way} {condition}"
        return {_SOURCE: first, **_row(store, sought, "r", names, order, first)}

    return _filled(ask, list(edge.properties), "r")


def _properties(kinds: Mapping[str, PropertyType], found: Mapping[str, Any]) -> list[PropertyInfo]:
    return [PropertyInfo(name, kind, _shown(found.get(name))) for name, kind in kinds.items()]


def _shown(value: Any) -> Any:
    return value[:_SHOWN] if isinstance(value, list) else value


def _line(edge: EdgeType, source: str | None) -> str:
    """Cypher that finds edges of one source."""
    start = f"(a:{edge.source})"
    if source is not None:
        text = source.replace("\\", "\\\\").replace("'", "\\'")
        start = f"(a:{edge.source} {{id: '{text}'}})"
    return f"MATCH {start}-[r:{edge.name}]->(b:{edge.target}) RETURN a, r, b LIMIT 5"


def _row(
    store: GraphStore, sought: str, of: str, names: Sequence[str], order: str, first: str | None
) -> dict[str, Any]:
    """Properties of the first that is found; empty ones where nothing is."""
    columns = ", ".join([f"{of}.{quoted(n)} AS c{i}" for i, n in enumerate(names)] or ["1 AS c"])
    rows: list[dict[str, Any]] = []
    if first is not None:
        asked = f"{sought} RETURN {columns} ORDER BY {order} LIMIT 1"
        rows = store.query(asked, {"first": first}).to_pylist()
    values = rows[0].values() if rows else [None] * len(names)
    return dict(zip(names, values, strict=False))


def _value(store: GraphStore, query: str) -> Any:
    return store.query(query).column(0)[0].as_py()
