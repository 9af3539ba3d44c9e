"""The graph schema in Neo4j's words: constraints, and how values cross.

Times are stored as native datetimes, which analysts can reckon with, and cross as microseconds
since 1970: lists of native datetimes decode at a tenth of the speed or less. Attributes of open
labels and their types are kept on nodes labelled ``CoterieState``, because Neo4j has no columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
import polars.selectors as cs

from graph.ddl import POLARS_TYPES, quoted
from graph.schema import EDGES, NODES, NodeLabel, PropertyType

__all__ = [
    "STAGED",
    "STATE",
    "constraints",
    "from_wire",
    "guarded_value",
    "known_properties",
    "none_parameters",
    "read_value",
    "sent_value",
    "to_wire",
    "vector_indexes",
]

STATE: Final = "CoterieState"
"""Label of the store's own notes."""

STAGED: Final = "CoterieStaged"
"""Label of what a build is about to put into the graph, some rows a node."""

_NO_TIME: Final = -(2**63)
_EMPTY: Final[Mapping[PropertyType, Any]] = {
    "string": "\0",
    "float": float("nan"),
    "int": _NO_TIME,
    "time": _NO_TIME,
}


def constraints() -> list[str]:
    """What makes a new store: unique ids of nodes, and of edges that have an id of their own."""
    labels = [STATE, STAGED, *NODES]
    nodes = [
        f"CREATE CONSTRAINT {_name(label, 'id')} IF NOT EXISTS "
        f"FOR (n:{quoted(label)}) REQUIRE n.id IS UNIQUE"
        for label in labels
    ]
    keyed = [(edge, edge.key_properties[0]) for edge in EDGES if edge.key_properties]
    edges = [
        f"CREATE CONSTRAINT {_name(edge.name, key)} IF NOT EXISTS "
        f"FOR ()-[r:{quoted(edge.name)}]-() REQUIRE r.{quoted(key)} IS UNIQUE"
        for edge, key in keyed
    ]
    return nodes + edges


def vector_indexes() -> list[str]:
    """What makes nearest neighbours quick; any length, and exact values rather than 8 bits each."""
    return [
        f"CREATE VECTOR INDEX {label.of.lower()}_vectors IF NOT EXISTS "
        f"FOR (n:{quoted(label.name)}) ON (n.vector) OPTIONS {{indexConfig: {{"
        "`vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}"
        for label in NODES.values()
        if "vector" in label.properties
    ]


def _name(what: str, key: str) -> str:
    return f"coterie_{what.lower()}_{key}"


def known_properties(label: NodeLabel, kept: Mapping[str, PropertyType]) -> dict[str, PropertyType]:
    """Properties of ``label``: those of the schema, then the attributes that were ``kept``."""
    return {**label.properties, **kept}


def sent_value(expression: str, kind: PropertyType) -> str:
    """Cypher that makes a stored value of one that crossed."""
    if kind != "time":
        return expression
    return (
        f"CASE WHEN {expression} IS NULL THEN NULL ELSE "
        f"datetime({{epochSeconds: 0}}) + duration({{microseconds: {expression}}}) END"
    )


def read_value(expression: str, kind: PropertyType) -> str:
    """Cypher that makes a value ready to cross."""
    if kind != "time":
        return expression
    return f"{expression}.epochMillis * 1000 + {expression}.microsecond % 1000"


def guarded_value(expression: str, kind: PropertyType) -> str:
    """As ``read_value``, with a mark where there is none: ``collect`` would leave it out."""
    return f"coalesce({read_value(expression, kind)}, $none_{kind})"


def none_parameters() -> dict[str, Any]:
    """The marks of ``guarded_value``."""
    return {f"none_{kind}": value for kind, value in _EMPTY.items()}


def to_wire(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with its times as microseconds."""
    return frame.with_columns(cs.datetime().dt.epoch("us"))


def from_wire(values: list[Any], kind: PropertyType, *, marked: bool = False) -> pl.Series:
    """Values that crossed as a series of the type they are stored with."""
    raw = pl.Series(values, dtype=pl.Int64() if kind == "time" else POLARS_TYPES[kind])
    if marked:
        raw = _unmarked(raw, kind)
    return raw.cast(POLARS_TYPES[kind])


def _unmarked(raw: pl.Series, kind: PropertyType) -> pl.Series:
    if kind == "float":
        return raw.fill_nan(None)
    return raw.set(raw == _EMPTY[kind], None)
