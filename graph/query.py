"""``read_query``: an analyst's Cypher, judged, limited, and run beside whoever writes.

Each query on the embedded store runs in a process of its own (about a third of a second to start),
which opens the file for reading, holds the writer's commits off meanwhile, and can be ended. On
Neo4j the server's planner must agree that the query only reads, and ends it when time is up.
"""

from __future__ import annotations

import datetime as dt
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from graph.embedded import EmbeddedStore
from graph.guard import guarded
from graph.neo4j_address import is_address
from graph.open import open_store
from graph.store import GraphStore, JudgingStore, QueryLimits
from graph.worker import GRACE_SECONDS, Request
from loaders import errors
from loaders.errors import ConfigError, QueryError, StoreUnavailable

__all__ = ["read_query", "rows_of"]

_GATE_SECONDS = 130.0
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
        limits: rows of the result and seconds.

    Raises:
        QueryError: the query is refused, wrong, too slow, too large, or ended by a crash.
        ConfigError: there is no store at the path.
        StoreUnavailable: the store cannot be read just now.
    """
    text, values = guarded(cypher), dict(parameters or {})
    for name, value in values.items():
        _check_value(name, value)
    if is_address(store):
        with open_store(str(store), read_only=True) as opened:
            return read_query(opened, cypher, parameters, limits)
    if isinstance(store, JudgingStore):
        return store.read_query(text, values, limits)
    if isinstance(store, EmbeddedStore):
        store = store.path
    if not isinstance(store, (str, Path)):
        return store.query(text, values, limits)
    return _in_process(Request(str(store), text, values, limits))


def rows_of(table: pa.Table) -> list[list[Any]]:
    """The rows of an answer; unlike dictionaries, they keep columns that share a name."""
    return [list(row) for row in zip(*(c.to_pylist() for c in table.columns), strict=True)]


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


def _in_process(request: Request) -> pa.Table:
    """The answer of a worker process.

    Raises:
        QueryError, ConfigError, StoreUnavailable: as ``read_query``.
    """
    seconds = request.limits.seconds
    try:
        done = subprocess.run(
            [sys.executable, "-m", "graph.worker"],
            input=pickle.dumps(request),
            capture_output=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            timeout=seconds + GRACE_SECONDS + _GATE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StoreUnavailable(f"the store {request.path} stayed busy; try again") from error
    if done.returncode == 0 and done.stdout[:1] == b"+":
        return pa.ipc.open_stream(done.stdout[1:]).read_all()
    if done.returncode == 0:
        raise _error(done.stdout)
    if done.returncode == -signal.SIGALRM:
        raise QueryError(f"the query ran longer than {seconds:g} seconds and was ended")
    raise QueryError(f"the engine gave up on the query (status {done.returncode})")


def _error(answer: bytes) -> errors.CoterieError:
    """The error a worker met."""
    name, message = pickle.loads(answer[1:])
    kind = {"ConfigError": ConfigError, "StoreUnavailable": StoreUnavailable}.get(name, QueryError)
    return kind(message)
