"""``read_query``, ``open_answer``: an analyst's Cypher, judged, limited, run beside whoever writes.

A query named by path or address runs in a process of its own, which memory limits hold and which
can be ended. On the embedded store it opens the file for reading and holds the writer's commits
off meanwhile; on Neo4j the server's planner must agree that the query only reads.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from graph.answer import Answer, rows_of
from graph.embedded import EmbeddedStore
from graph.guard import guarded
from graph.store import GraphStore, JudgingStore, QueryLimits
from graph.workers import Stop, Workers
from loaders.errors import QueryError

__all__ = ["open_answer", "read_query", "rows_of"]

_DEFAULT: Final = QueryLimits()
_SCALARS: Final = (str, bool, int, float, dt.date, dt.datetime, type(None))


def read_query(
    store: GraphStore | str | Path,
    cypher: str,
    parameters: Mapping[str, Any] | None = None,
    limits: QueryLimits = _DEFAULT,
) -> pa.Table:
    """Run a query that nobody vouches for.

    Args:
        store: a store, the path of an embedded one, or the address of a Neo4j server.
        cypher: the query; see ``docs/cypher.md`` for what is refused.
        parameters: values of ``$name`` in it: numbers, text, dates, lists and maps of these.
        limits: rows of the answer, seconds, megabytes.

    Raises:
        QueryError: the query is refused, wrong, too slow, too large, or ended by a crash.
        ConfigError: there is no store at the path.
        StoreUnavailable: the store cannot be read just now.
    """
    if isinstance(store, EmbeddedStore):
        store = store.path
    if isinstance(store, (str, Path)):
        with Workers(store) as workers, open_answer(workers, cypher, parameters, limits) as answer:
            return answer.table()
    text, values = _checked(cypher, parameters)
    if isinstance(store, JudgingStore):
        return store.read_query(text, values, limits)
    return store.query(text, values, limits)


def open_answer(
    workers: Workers,
    cypher: str,
    parameters: Mapping[str, Any] | None = None,
    limits: QueryLimits = _DEFAULT,
    stop: Stop | None = None,
) -> Answer:
    """As ``read_query``, with the rows in batches, to be passed on as they are read.

    Args:
        workers: the processes that run queries on a store.
        cypher: the query.
        parameters: values of ``$name`` in it.
        limits: as above; the seconds count until the last row is read.
        stop: ends the query when another thread calls it.

    Raises:
        QueryError, ConfigError, StoreUnavailable: as ``read_query``, before the first row; later
            only where time is up or ``stop`` was called.
    """
    text, values = _checked(cypher, parameters)
    return workers.answer(text, values, limits, stop)


def _checked(cypher: str, parameters: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    text, values = guarded(cypher), dict(parameters or {})
    for name, value in values.items():
        _check_value(name, value)
    return text, values


def _check_value(name: str, value: object) -> None:
    """Refuse values an engine might scan as tables, such as data frames."""
    if isinstance(value, (list, tuple)):
        for item in value:
            _check_value(name, item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_value(f"{name}.{key}", item)
    elif type(value) not in _SCALARS:
        raise QueryError(f"parameter '{name}' may not be a {type(value).__name__}")
