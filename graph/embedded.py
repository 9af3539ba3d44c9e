"""``EmbeddedStore``: the graph in one file of LadybugDB, durable, with nothing to start.

One process writes at a time. Others may read beside it: they open the file for each call, and a
lock keeps them out for the moments in which the writer changes it (see ``graph.locks``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ladybug
import pyarrow as pa

from graph import scan, upsert
from graph.ddl import statements
from graph.engine import BUFFER_POOL_MB, Session, open_database
from graph.locks import FileGate, WriterLock
from graph.schema import NODES, EdgeType, PropertyType
from graph.store import Derived, QueryLimits
from loaders.errors import ConfigError, StoreUnavailable
from loaders.progress import Progress, silent

__all__ = ["EmbeddedStore"]

_ATTEMPTS = 3
_RECOVERY_SECONDS = 30.0


class EmbeddedStore:
    """A ``GraphStore`` in a file.

    Args:
        path: the store's file; its folder is made if need be. Beside it stand the engine's log
            and lock files, all starting with the same name.
        read_only: open what is there for reading, beside a writer if there is one.
        wait_seconds: how long to wait for another writer to finish.
        buffer_pool_mb: memory the engine may use.

    Raises:
        ConfigError: ``read_only`` and there is no store.
        StoreUnavailable: another process writes, or the file cannot be opened.
    """

    def __init__(
        self,
        path: str | Path,
        read_only: bool = False,
        *,
        wait_seconds: float = 0.0,
        buffer_pool_mb: int = BUFFER_POOL_MB,
    ) -> None:
        self.path = Path(path).absolute()
        self.read_only = read_only
        self._pool = buffer_pool_mb
        self._gate = FileGate(self.path)
        self._mutex = threading.RLock()
        self._session: Session | None = None
        self._lock: WriterLock | None = None
        self._database: ladybug.Database | None = None
        if not read_only:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open_for_writing(wait_seconds)
        elif not self.path.exists():
            raise ConfigError(f"there is no store at {self.path}; run `coterie load` first")

    def _open_for_writing(self, wait_seconds: float) -> None:
        self._lock = WriterLock(self.path, wait_seconds)
        try:
            with self._gate.alone():
                self._database = self._open(read_only=False)
            with self.transaction():
                self._make_tables()
        except BaseException:
            self.close()
            raise

    def _open(self, *, read_only: bool) -> ladybug.Database:
        return open_database(self.path, read_only=read_only, buffer_pool_mb=self._pool)

    def _make_tables(self) -> None:
        with self._in_session() as session:
            present = set(session.ask("CALL show_tables() RETURN name")["name"].to_pylist())
            for statement in statements():
                if statement.split("`")[1] not in present:
                    session.write(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the calls inside one unit: reads see one state, writes happen together or not."""
        with self._in_session():
            yield

    @contextmanager
    def _in_session(self) -> Iterator[Session]:
        """The session under way on this store, or one for the length of the block."""
        with self._mutex:
            if self._session is not None:
                yield self._session
                return
            with self._reading() if self.read_only else self._writing() as session:
                self._session = session
                try:
                    yield session
                finally:
                    self._session = None

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        """A session on the file as it is now, which cannot change meanwhile."""
        for _ in range(_ATTEMPTS):
            with self._gate.shared():
                database = self._open_finished()
                if database is not None:
                    with database, closing(Session(database)) as session:
                        yield session
                    return
            # A writer was killed half way; the engine mends that when it opens for writing only.
            EmbeddedStore(self.path, wait_seconds=_RECOVERY_SECONDS).close()
        raise StoreUnavailable(f"the store {self.path} is being recovered; try again")

    def _open_finished(self) -> ladybug.Database | None:
        """The file opened for reading, or ``None`` where it needs recovery first."""
        try:
            return self._open(read_only=True)
        except StoreUnavailable as error:
            if "recovery is pending" in str(error):
                return None
            raise

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A session that is committed at the end, or leaves no trace."""
        if self._database is None:
            raise StoreUnavailable(f"the store {self.path} is closed")
        with closing(Session(self._database)) as session:
            yield session
            if session.dirty:
                with self._gate.alone():
                    session.commit()

    def upsert_nodes(self, label: str, table: pa.Table) -> int:
        """See ``GraphStore``."""
        with self._in_session() as session:
            return upsert.upsert_nodes(session, NODES[label], table)

    def upsert_edges(self, edge: EdgeType, table: pa.Table) -> int:
        """See ``GraphStore``."""
        with self._in_session() as session:
            return upsert.upsert_edges(session, edge, table)

    def append_events(self, edge: EdgeType, table: pa.Table, progress: Progress = silent) -> int:
        """See ``GraphStore``."""
        with self._in_session() as session:
            return upsert.append_events(session, edge, table, progress)

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        limits: QueryLimits | None = None,
    ) -> pa.Table:
        """See ``GraphStore``."""
        with self._in_session() as session:
            return session.ask(cypher, parameters, limits)

    def nodes(self, label: str) -> pa.Table:
        """See ``GraphStore``."""
        with self._in_session() as session:
            return scan.nodes(session, label).sort("id").to_arrow()

    def edges(self, edge: EdgeType, properties: Sequence[str] | None = None) -> pa.Table:
        """See ``GraphStore``."""
        with self._in_session() as session:
            return scan.edge_table(session, edge, properties)

    def erase_user(self, user_id: str) -> int:
        """See ``GraphStore``."""
        with self._in_session() as session:
            return upsert.erase_user(session, user_id)

    def replace_derived(self, derived: Derived) -> None:
        """See ``GraphStore``."""
        with self._in_session() as session:
            upsert.replace_derived(session, derived)

    def properties(self, label: str) -> dict[str, PropertyType]:
        """See ``GraphStore``."""
        with self._in_session() as session:
            return scan.attributes(session, label)

    def counts(self) -> dict[str, int]:
        """See ``GraphStore``."""
        with self._in_session() as session:
            return scan.counts(session)

    def close(self) -> None:
        """Flush and let go of the store; closing again does nothing."""
        with self._mutex:
            if self._database is not None:
                with self._gate.alone():
                    self._database.close()
                self._database = None
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
