"""The embedded engine (LadybugDB) behind three calls: open a file, run a statement, copy a frame.

Nothing outside the modules of the embedded store meets the engine's own objects or errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ladybug
import polars as pl
import pyarrow as pa

from graph.ddl import quoted
from graph.entities import holds_entities, table_of
from graph.store import QueryLimits
from loaders.errors import QueryError, StoreUnavailable

__all__ = ["BUFFER_POOL_MB", "Session", "open_database"]

BUFFER_POOL_MB = 1024
"""Memory the engine may use for pages and results; a commit of 1.5 M events needs about 600."""


def open_database(path: Path, *, read_only: bool, buffer_pool_mb: int) -> ladybug.Database:
    """Open the store's file, replaying what a writer that was killed had committed.

    Raises:
        StoreUnavailable: the engine refuses; its own words are in the message.
    """
    try:
        return ladybug.Database(
            path, read_only=read_only, buffer_pool_size=buffer_pool_mb * 1024 * 1024
        )
    except RuntimeError as error:
        raise StoreUnavailable(f"cannot open the store {path}: {error}") from error


class Session:
    """One transaction on a connection of its own.

    A fresh connection each time matters: the engine caches prepared statements per connection,
    and a cached ``COPY`` into a table that was dropped and made anew writes into the old one.

    Attributes:
        dirty: whether anything was written.
    """

    def __init__(self, database: ladybug.Database) -> None:
        self._connection = ladybug.Connection(database)
        self.dirty = False
        self._connection.execute("BEGIN TRANSACTION")

    def ask(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        limits: QueryLimits | None = None,
    ) -> pa.Table:
        """The result of a read query.

        Raises:
            QueryError: the engine refuses the query, or it exceeds ``limits``.
        """
        milliseconds = max(1, int(limits.seconds * 1000)) if limits else 0
        self._connection.set_query_timeout(milliseconds)
        try:
            return self._table(cypher, dict(parameters or {}), limits)
        except (RuntimeError, MemoryError, pa.ArrowException, NotImplementedError) as error:
            raise QueryError(_explain(str(error), limits)) from error
        finally:
            self._connection.set_query_timeout(0)

    def _table(
        self, cypher: str, parameters: dict[str, Any], limits: QueryLimits | None
    ) -> pa.Table:
        result = self._connection.execute(cypher, parameters or None)
        if isinstance(result, list):
            raise QueryError("expected one statement, found several")
        with result:
            # Counted before converting: a result may be far larger than memory.
            if limits and result.get_num_tuples() > limits.rows:
                raise QueryError(
                    f"the query gives more than {limits.rows:,} rows; add a LIMIT or aggregate"
                )
            found = table_of(result) if holds_entities(result) else result.get_as_arrow()
        if limits:
            limits.check_size(found.nbytes)
        return found

    def write(self, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that changes the store.

        Raises:
            StoreUnavailable: the engine could not carry it out.
        """
        self.dirty = True
        try:
            self._connection.execute(statement, dict(parameters) if parameters else None)
        except RuntimeError as error:
            raise StoreUnavailable(f"the store could not write: {error}") from error

    def copy(self, table: str, frame: pl.DataFrame, options: str = "") -> None:
        """Append ``frame``, whose columns stand in the order of the table's."""
        if frame.height:
            self.write(f"COPY {quoted(table)} FROM $rows {options}", {"rows": frame.to_arrow()})

    def copy_in_order(self, table: str, frame: pl.DataFrame) -> None:
        """Append ``frame`` on one thread, so that rows keep their order."""
        self._connection.set_max_threads_for_exec(1)
        self.copy(table, frame)
        self._connection.set_max_threads_for_exec(0)

    def commit(self) -> None:
        """Make everything written so far durable.

        Raises:
            StoreUnavailable: the engine could not, for example because the disk is full.
        """
        self.write("COMMIT")

    def close(self) -> None:
        """Let go of the connection; what was not committed is gone."""
        self._connection.close()


def _explain(message: str, limits: QueryLimits | None) -> str:
    """The engine's complaint in words that say what to do."""
    if "Interrupted" in message and limits:
        return (
            f"the query ran longer than {limits.seconds:g} seconds; start from fewer nodes, "
            "or use the derived edges (BOUGHT_WITH, SIMILAR_TO)"
        )
    if "buffer pool is full" in message or "bad_alloc" in message:
        return "the query needs more memory than it may use; start from fewer nodes"
    return re.sub(r"^(Runtime|Binder|Parser|Catalog|Conversion) exception: ", "", message)
