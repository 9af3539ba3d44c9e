"""Whole nodes, edges and paths in a query's answer, as an Arrow table.

The engine's own conversion to Arrow ends the process where a column holds one (``RETURN u``), so
such answers are fetched row by row.
"""

from __future__ import annotations

from typing import Any, Final

import ladybug
import pyarrow as pa

__all__ = ["holds_entities", "table_of"]

_ENTITIES: Final = ("NODE", "REL")
_INTERNAL: Final = ("_ID", "_SRC", "_DST")
"""Places inside the engine's files, which say nothing of the shop and change as it is loaded."""


def holds_entities(result: ladybug.QueryResult) -> bool:
    """Whether a column holds nodes, edges or paths, be it in a list or a map."""
    return any(name in kind for kind in result.get_column_data_types() for name in _ENTITIES)


def table_of(result: ladybug.QueryResult) -> pa.Table:
    """The whole answer; entities become maps of their properties and ``_LABEL``.

    Raises:
        pa.ArrowException: a property has different types in different rows.
    """
    rows = [_plain(row) for row in result.get_all()]
    names = result.get_column_names()
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.Table.from_arrays([pa.array(list(c)) for c in columns], names=names)


def _plain(value: Any) -> Any:
    """``value`` without what only the engine understands."""
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items() if name not in _INTERNAL}
    return [_plain(v) for v in value] if isinstance(value, list) else value
