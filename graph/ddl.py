"""The graph schema in the embedded engine's words: tables, columns, types, quoted names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import polars as pl

from graph.schema import EDGES, NODES, EdgeType, NodeLabel, PropertyType
from loaders.errors import DataError

__all__ = [
    "POLARS_TYPES",
    "add_column",
    "attribute_name",
    "create_edge",
    "create_node",
    "edge_columns",
    "pairs_of",
    "property_type",
    "quoted",
    "statements",
]

_ENGINE_TYPES: Final[dict[PropertyType, str]] = {
    "string": "STRING",
    "float": "DOUBLE",
    "int": "INT64",
    "bool": "BOOL",
    "time": "TIMESTAMP_TZ",
    "vector": "FLOAT[{length}]",
}
POLARS_TYPES: Final[dict[PropertyType, pl.DataType]] = {
    "string": pl.String(),
    "float": pl.Float64(),
    "int": pl.Int64(),
    "bool": pl.Boolean(),
    "time": pl.Datetime("us", "UTC"),
    "vector": pl.List(pl.Float32()),
}
_BY_ENGINE: Final = {engine: name for name, engine in _ENGINE_TYPES.items()}


def property_type(engine_type: str) -> PropertyType:
    """The property type of an engine column type, as ``table_info`` prints it."""
    return "vector" if engine_type.startswith("FLOAT[") else _BY_ENGINE[engine_type]


def quoted(name: str) -> str:
    """``name`` as an identifier, whatever it holds."""
    return "`" + name.replace("`", "``") + "`"


def attribute_name(name: str) -> str:
    """A property name that needs no quotes in Cypher: word characters only, no leading digit.

    Raises:
        DataError: nothing of ``name`` is left.
    """
    clean = re.sub(r"\W+", "_", name.strip()).strip("_")
    if not clean:
        raise DataError("expected an attribute name with a letter or digit", column=name)
    return f"n{clean}" if clean[0].isdigit() else clean


def _columns(properties: dict[str, PropertyType], length: int = 1) -> Iterable[str]:
    return (
        f"{quoted(name)} {_ENGINE_TYPES[kind].format(length=length)}"
        for name, kind in properties.items()
    )


def create_node(label: NodeLabel, length: int = 1) -> str:
    """The statement that makes a node table, if it is not there; ``length`` is its vectors'."""
    columns = ", ".join(["id STRING PRIMARY KEY", *_columns(label.properties, length)])
    return f"CREATE NODE TABLE IF NOT EXISTS {quoted(label.name)} ({columns})"


def pairs_of(name: str) -> list[EdgeType]:
    """All edge types called ``name``: one, or several between different labels."""
    return [edge for edge in EDGES if edge.name == name]


def edge_columns(name: str) -> dict[str, PropertyType]:
    """Properties of the edge table ``name``, which holds all pairs of that name."""
    return {key: kind for edge in pairs_of(name) for key, kind in edge.properties.items()}


def create_edge(name: str) -> str:
    """The statement that makes an edge table with all its pairs, if it is not there."""
    pairs = [f"FROM {quoted(e.source)} TO {quoted(e.target)}" for e in pairs_of(name)]
    columns = ", ".join([*pairs, *_columns(edge_columns(name))])
    return f"CREATE REL TABLE IF NOT EXISTS {quoted(name)} ({columns})"


def add_column(label: str, name: str, kind: PropertyType) -> str:
    """The statement that gives a node table one more attribute."""
    return f"ALTER TABLE {quoted(label)} ADD {quoted(name)} {_ENGINE_TYPES[kind]}"


def statements() -> list[str]:
    """What makes a new store, in order."""
    names = dict.fromkeys(edge.name for edge in EDGES)
    return [*map(create_node, NODES.values()), *map(create_edge, names)]
