"""Answers of a Neo4j server as Arrow tables, within an analyst's limits.

Nodes and relationships become maps of their properties with ``_id`` and ``_labels`` or ``_type``;
paths the list of their nodes and relationships; times are UTC microseconds.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Final

import neo4j
import pyarrow as pa
from neo4j import exceptions, graph, spatial
from neo4j import time as times

from graph.neo4j_link import Link, Run
from graph.store import QueryLimits
from loaders.errors import CoterieError, QueryError

__all__ = ["answer", "judged_answer", "plain"]

_BATCH_ROWS: Final = 1000
_TIMED_OUT = ("TransactionTimedOut", "LockClientStopped", "TransactionTerminated")


def answer(
    run: Run, cypher: str, parameters: Mapping[str, Any] | None, limits: QueryLimits | None
) -> pa.Table:
    """The result of a query in the transaction given.

    Raises:
        QueryError: it gives more rows than ``limits`` allows.
    """
    return _table(run.run(cypher, dict(parameters or {})), limits)


def judged_answer(
    link: Link, cypher: str, parameters: Mapping[str, Any] | None, limits: QueryLimits
) -> pa.Table:
    """The result of a query that the server's planner says only reads, ended in time.

    Raises:
        QueryError: it would write, is wrong, or exceeds a limit.
        StoreUnavailable: the server does not answer.
    """
    given = dict(parameters or {})
    try:
        with link.errors("read"), link.session(fetch_size=min(limits.rows + 1, 1000)) as session:
            _check_plan(session, cypher, given)
            query = neo4j.Query(cypher, timeout=limits.seconds)
            return _table(session.run(query, given), limits)
    except CoterieError as error:
        raise _explained(error, limits) from error


def _check_plan(session: neo4j.Session, cypher: str, given: dict[str, Any]) -> None:
    summary = session.run(f"EXPLAIN {cypher}", given).consume()
    if summary.query_type != "r":
        raise QueryError("the query is refused: it would change the graph or the server")


def _explained(error: CoterieError, limits: QueryLimits) -> CoterieError:
    """Errors of a query in words that say what to do."""
    code = getattr(error.__cause__, "code", None) or ""
    if any(name in code for name in _TIMED_OUT):
        return QueryError(
            f"the query ran longer than {limits.seconds:g} seconds; start from fewer nodes, "
            "or use the derived edges (BOUGHT_WITH, SIMILAR_TO)"
        )
    if "OutOfMemory" in code:
        return QueryError("the query needs more memory than it may use; start from fewer nodes")
    if isinstance(error.__cause__, exceptions.ClientError):
        return error if isinstance(error, QueryError) else QueryError(str(error.__cause__.message))
    return error


def _table(result: neo4j.Result, limits: QueryLimits | None) -> pa.Table:
    """The rows, a batch at a time: Python's own values take ten times the room of Arrow's."""
    names = list(result.keys())
    parts = [_part([], len(names))]
    rows = size = 0
    while values := [list(record) for record in result.fetch(_BATCH_ROWS)]:
        rows += len(values)
        parts.append(_part(values, len(names)))
        size += sum(array.nbytes for array in parts[-1])
        _check_limits(rows, size, limits)
    columns = [_joined([part[i] for part in parts[1:] or parts]) for i in range(len(names))]
    return pa.table(columns, names=names)


def _check_limits(rows: int, size: int, limits: QueryLimits | None) -> None:
    if limits is None:
        return
    if rows > limits.rows:
        raise QueryError(
            f"the query gives more than {limits.rows:,} rows; add a LIMIT or aggregate"
        )
    limits.check_size(size)


def _part(rows: list[list[Any]], width: int) -> list[pa.Array]:
    """Columns of some rows."""
    return [_column([plain(row[i]) for row in rows]) for i in range(width)]


def _joined(parts: list[pa.Array]) -> pa.ChunkedArray:
    """One column of parts whose types may differ: the widest type, or JSON text where none is."""
    tables = [pa.table({"": part}) for part in parts]
    try:
        return pa.concat_tables(tables, promote_options="permissive")[""]
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        values = [value for part in parts for value in part.to_pylist()]
        return pa.chunked_array([_texts(values)])


def _column(values: list[Any]) -> pa.Array:
    """An array of the values' own type; values of several types become JSON text."""
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return _texts(values)
    if pa.types.is_timestamp(array.type) and array.type.tz:
        return array.cast(pa.timestamp("us", "UTC"))
    return array


def _texts(values: list[Any]) -> pa.Array:
    return pa.array([None if v is None else _as_text(v) for v in values], pa.string())


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def plain(value: Any) -> Any:
    """A value of the driver as Python's own."""
    if isinstance(value, graph.Path):
        return [plain(part) for part in _steps(value)]
    if isinstance(value, graph.Node):
        return {"_id": value.element_id, "_labels": sorted(value.labels), **_map(value.items())}
    if isinstance(value, graph.Relationship):
        return {"_id": value.element_id, "_type": value.type, **_map(value.items())}
    if isinstance(value, times.DateTime):
        native = value.to_native()
        return native.astimezone(dt.UTC) if native.tzinfo else native
    if isinstance(value, (times.Date, times.Time)):
        return value.to_native()
    if isinstance(value, times.Duration):
        return value.iso_format()
    if isinstance(value, spatial.Point):
        return list(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return _map(value.items()) if isinstance(value, dict) else value


def _steps(path: graph.Path) -> list[Any]:
    """Nodes and relationships of a path, in turn."""
    steps: list[Any] = [path.nodes[0]]
    for edge, node in zip(path.relationships, path.nodes[1:], strict=True):
        steps += [edge, node]
    return steps


def _map(items: Any) -> dict[str, Any]:
    return {name: plain(value) for name, value in items}
