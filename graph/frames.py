"""Tables on their way into a store: checked, cast to the schema's types, ids first.

Shared by all stores, so that each refuses the same input with the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl
import pyarrow as pa

from graph.ddl import POLARS_TYPES, attribute_name
from graph.schema import EdgeType, NodeLabel, PropertyType
from graph.store import Derived
from loaders.errors import DataError

__all__ = [
    "check_endpoints",
    "check_owners",
    "derived_nodes",
    "edge_frame",
    "kind_of_column",
    "new_columns",
    "node_frame",
    "stamped",
    "vector_length",
]


def node_frame(
    label: NodeLabel, table: pa.Table, known: Mapping[str, PropertyType]
) -> pl.DataFrame:
    """``table`` as ``id`` and properties of ``label``, cast to the types already ``known``.

    Attributes of an open label that are not known yet keep a type the store can hold.

    Raises:
        DataError: an id is missing or repeated, a property is unknown to a closed label, or a
            value does not fit the type its property is stored with.
    """
    frame = _from_arrow(table, ("id",), label.name)
    frame = frame.rename(_names(frame.columns, label, known))
    _check_ids(frame, label.name)
    types = {**new_columns(frame, known), **known}
    return _cast(frame, {"id": "string", **types}, label.name)


def new_columns(frame: pl.DataFrame, known: Mapping[str, PropertyType]) -> dict[str, PropertyType]:
    """Attributes of ``frame`` that are not ``known``, with the type they are to be stored with."""
    return {
        name: kind_of_column(dtype)
        for name, dtype in frame.schema.items()
        if name != "id" and name not in known
    }


def edge_frame(edge: EdgeType, table: pa.Table) -> pl.DataFrame:
    """``table`` as ``source``, ``target`` and every property of ``edge``, each key once.

    Raises:
        DataError: an endpoint or key is missing, a property is unknown, or a value does not fit.
    """
    frame = _from_arrow(table, ("source", "target", *edge.key), edge.name)
    unknown = set(frame.columns) - {"source", "target", *edge.properties}
    if unknown:
        raise DataError(f"edges {edge.name} have no property {', '.join(sorted(unknown))}")
    absent = [
        pl.lit(None, POLARS_TYPES[kind]).alias(name)
        for name, kind in edge.properties.items()
        if name not in frame.columns
    ]
    types: dict[str, PropertyType] = {"source": "string", "target": "string", **edge.properties}
    full = _cast(frame.with_columns(absent), types, edge.name).select(*types)
    for column in {"source", "target", *edge.key}:
        _refuse(full.filter(pl.col(column).is_null()), edge.name, column, "expected a value")
    return full.unique(list(edge.key), keep="first", maintain_order=True)


def check_endpoints(frame: pl.DataFrame, column: str, ids: pl.Series, edge: EdgeType) -> None:
    """Refuse edges whose ``column`` names a node that is not in ``ids``.

    Raises:
        DataError: with their number and examples.
    """
    orphans = frame.join(pl.DataFrame({column: ids}), on=column, how="anti")
    label = edge.source if column == "source" else edge.target
    _refuse(orphans, edge.name, column, f"expected the id of a {label}")


def check_owners(label: NodeLabel, frame: pl.DataFrame, ids: pl.Series) -> None:
    """Refuse nodes of ``label`` that belong to a node which is not in ``ids``.

    Raises:
        DataError: with their number and examples.
    """
    orphans = frame.join(pl.DataFrame({"id": ids}), on="id", how="anti")
    _refuse(orphans, label.name, "id", f"expected the id of a {label.of}")


def vector_length(frame: pl.DataFrame) -> int:
    """Length of the vectors in ``frame``, 1 where it holds none.

    Raises:
        DataError: lengths differ, or a vector is missing.
    """
    if "vector" not in frame.columns or frame.is_empty():
        return 1
    lengths = frame["vector"].list.len().unique()
    if len(lengths) > 1 or not lengths[0]:
        raise DataError(f"expected vectors of one length; found {lengths.to_list()}")
    return int(lengths[0])


def derived_nodes(label: NodeLabel, derived: Derived) -> pl.DataFrame:
    """Nodes of ``label`` that a build derived, with every property and the build's id."""
    empty = pa.table({"id": pa.array([], pa.string())})
    table = stamped(derived.nodes.get(label.name, empty), derived.build)
    known = {"id": "string", **label.properties}
    missing = {name: pa.nulls(table.num_rows) for name in known if name not in table.column_names}
    for name, values in missing.items():
        table = table.append_column(name, values)
    return node_frame(label, table, label.properties).select(*known)


def stamped(table: pa.Table, build: str) -> pa.Table:
    """``table`` with the build's id on each row."""
    bare = table.drop_columns("build") if "build" in table.column_names else table
    return bare.append_column("build", pa.array([build] * table.num_rows, pa.string()))


def _from_arrow(table: pa.Table, needed: Iterable[str], what: str) -> pl.DataFrame:
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise DataError(f"table of {what} lacks {', '.join(missing)}; it has {table.column_names}")
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _names(
    columns: list[str], label: NodeLabel, known: Mapping[str, PropertyType]
) -> dict[str, str]:
    """Stored name of each column; names that differ only in case are one property."""
    stored = {name.lower(): name for name in known}
    named: dict[str, str] = {}
    for column in columns:
        name = column if column in known or column == "id" else attribute_name(column)
        named[column] = stored.get(name.lower(), name)
        if named[column] not in known and column != "id" and not label.open:
            raise DataError(f"{label.name} has no property '{column}'")
    lowered = [name.lower() for name in named.values()]
    clash = [column for column, name in named.items() if lowered.count(name.lower()) > 1]
    if clash:
        raise DataError(f"attributes of {label.name} would share a name: {', '.join(clash)}")
    return named


def kind_of_column(dtype: pl.DataType) -> PropertyType:
    """The type that a column of ``dtype`` is stored with, where the store has none for it yet."""
    if dtype == pl.Boolean:
        return "bool"
    if dtype.is_integer():
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    return "time" if isinstance(dtype, pl.Datetime) else "string"


def _cast(frame: pl.DataFrame, types: Mapping[str, PropertyType], what: str) -> pl.DataFrame:
    columns = []
    for name in frame.columns:
        target = POLARS_TYPES[types[name]]
        try:
            column = frame[name] if frame.schema[name] == target else frame[name].cast(target)
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"{what} keeps '{name}' as {types[name]}; found {frame.schema[name]}: {error}",
                column=name,
            ) from error
        columns.append(column.fill_nan(None) if target.is_float() else column)
    return pl.DataFrame(columns)


def _check_ids(frame: pl.DataFrame, label: str) -> None:
    ids = frame.select("id")
    _refuse(ids.filter(pl.col("id").is_null()), label, "id", "expected an id")
    if ids["id"].n_unique() != ids.height:
        _refuse(ids.filter(pl.col("id").is_duplicated()), label, "id", "expected each id once")


def _refuse(rows: pl.DataFrame, what: str, column: str, expected: str) -> None:
    if rows.height:
        found = ", ".join(map(repr, rows[column].head(3).to_list()))
        raise DataError(f"{expected}; {rows.height:,} rows of {what} have {found}", column=column)
