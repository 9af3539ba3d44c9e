"""``Neo4jStore``: the graph on a Neo4j server, for shops that have one or need a cluster.

Several processes may read and write at a time. A load commits in parts, each of them whole, and is
completed by running it again; reads in one ``transaction`` may see what others commit meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import polars as pl
import pyarrow as pa

from graph import neo4j_read as read
from graph import neo4j_write as write
from graph.frames import check_endpoints, edge_frame, node_frame
from graph.neo4j_address import Address
from graph.neo4j_answer import answer, judged_answer
from graph.neo4j_derived import replace_derived, steady
from graph.neo4j_link import Link, Run, Unit
from graph.neo4j_schema import constraints, vector_indexes
from graph.schema import NODES, EdgeType, PropertyType, belongings
from graph.scope import may_meet_derived
from graph.store import Derived, QueryLimits
from loaders.errors import ConfigError, UnknownUser
from loaders.progress import Progress, silent

__all__ = ["Neo4jStore"]

A = TypeVar("A")
T = TypeVar("T")

_CREATE_CONSTRAINTS_SECONDS: Final = 60.0


def _on(work: Callable[[Run, A], T], argument: A) -> Callable[[Run], T]:
    """``work`` with its argument filled in."""
    return lambda run: work(run, argument)


def _run(run: Run, statement: str) -> None:
    run.run(statement).consume()


class Neo4jStore:
    """A ``GraphStore`` on a Neo4j server.

    Args:
        uri: ``scheme://[user:password@]host[:port][/database]``; see ``graph.neo4j_address``.
        read_only: never write; the server is told, and in a cluster any member may answer.

    Raises:
        ConfigError: the address or login is wrong, or ``read_only`` and nothing was ever loaded.
        StoreUnavailable: the server does not answer.
    """

    def __init__(self, uri: str, read_only: bool = False) -> None:
        self.address = Address.parse(uri)
        self.read_only = read_only
        self._link = Link(self.address, read_only=read_only)
        self._mutex = threading.RLock()
        self._unit: Unit | None = None
        try:
            self._check_exists() if read_only else self._make_constraints()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Neo4jStore('{self.address}')"

    def _check_exists(self) -> None:
        names = self._link.read(
            lambda run: run.run("SHOW CONSTRAINTS YIELD name RETURN collect(name)").single()
        )
        if names is None or "coterie_user_id" not in names[0]:
            raise ConfigError(f"there is no shop at {self.address}; run `coterie load` first")

    def _make_constraints(self) -> None:
        for statement in (*constraints(), *vector_indexes()):
            self._link.write(_on(_run, statement))
        with self._link.errors("read"), self._link.session() as session:
            session.run("CALL db.awaitIndexes($s)", s=_CREATE_CONSTRAINTS_SECONDS).consume()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the calls inside one unit, but for bulk loads, whose parts stay when it fails."""
        with self._mutex:
            if self._unit is not None:
                yield
                return
            with self._link.unit() as unit:
                self._unit = unit
                try:
                    yield
                    unit.commit()
                finally:
                    self._unit = None

    def _read(self, work: Callable[[Run], T]) -> T:
        with self._mutex:
            if self._unit is None:
                return self._link.read(work)
            with self._link.errors("read"):
                return work(self._unit.run)

    def _write(self, work: Callable[[Run], T]) -> T:
        with self._mutex:
            if self._unit is None:
                return self._link.write(work)
            self._link.check_writable()
            with self._link.errors("write"):
                return work(self._unit.run)

    def _set_apart(self) -> None:
        """Commit the unit under way, if there is one, so that other transactions see it."""
        if self._unit is not None:
            with self._link.errors("write"):
                self._unit.commit()

    def _in_parts(self, frame: pl.DataFrame, work: Callable[[Run, pl.DataFrame], None]) -> None:
        """Write few rows at once, and many in transactions of their own, which are retried."""
        parts = write.batches(frame)
        if len(parts) <= 1:
            for part in parts:
                self._write(_on(work, part))
            return
        self._set_apart()
        for part in parts:
            self._link.write(_on(work, part))

    def upsert_nodes(self, label: str, table: pa.Table) -> int:
        """See ``GraphStore``."""
        kind = NODES[label]
        with self._mutex:
            known = self._read(lambda run: read.attributes(run, kind))
            frame = node_frame(kind, table, known)
            kinds = write.kinds_of(frame, known)
            if kind.open and kinds != known:
                self._write(lambda run: write.keep_attributes(run, kind, kinds))
            self._in_parts(frame, lambda run, part: write.merge_nodes(run, kind, part, kinds))
        return frame.height

    def upsert_edges(self, edge: EdgeType, table: pa.Table) -> int:
        """See ``GraphStore``."""
        frame = edge_frame(edge, table)
        with self._mutex:
            self._check_ends(edge, frame)
            stored = self._read(lambda run: read.edge_table(run, edge, edge.key_properties))
            held = pl.DataFrame(pl.from_arrow(stored)).with_columns(
                pl.col("source", "target").cast(pl.String)
            )
            fresh = frame.join(held, on=list(edge.key), how="anti", maintain_order="left")
            if edge.single:
                fresh = fresh.unique("source", keep="last", maintain_order=True)
            self._in_parts(fresh, lambda run, part: write.merge_edges(run, edge, part))
        return fresh.height

    def _check_ends(self, edge: EdgeType, frame: pl.DataFrame) -> None:
        for column, label in (("source", edge.source), ("target", edge.target)):
            ids = self._read(_on(read.ids, label))["id"]
            check_endpoints(frame, column, ids, edge)

    def append_events(self, edge: EdgeType, table: pa.Table, progress: Progress = silent) -> int:
        """See ``GraphStore``; more than some thousand are committed in parts.

        Raises:
            DataError: an edge names a node that does not exist.
            StoreUnavailable: the server went away; appending again completes what was begun.
        """
        frame = edge_frame(edge, table)
        with self._mutex:
            self._check_ends(edge, frame)
            writer = write.EventWriter(edge, progress, frame.height)
            if frame.height > write.BATCH:
                self._set_apart()
                return writer.load(self._link, frame)
            added = self._write(lambda run: writer.add(run, frame.sort("source")))
            writer.done(frame.height)
        return added

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        limits: QueryLimits | None = None,
    ) -> pa.Table:
        """See ``GraphStore``."""
        return self._read(lambda run: answer(run, cypher, parameters, limits))

    def read_query(
        self, cypher: str, parameters: Mapping[str, Any], limits: QueryLimits
    ) -> pa.Table:
        """Run a query that passed the guard, if the server's planner too says that it only reads.

        While a build is being swapped, one that could meet anything derived waits.

        Raises:
            QueryError: it would write, is wrong, or exceeds a limit.
            StoreUnavailable: the server does not answer.
        """

        def judged() -> pa.Table:
            return judged_answer(self._link, cypher, parameters, limits)

        return steady(self._link, judged) if may_meet_derived(cypher) else judged()

    def nodes(self, label: str) -> pa.Table:
        """See ``GraphStore``."""
        kind = NODES[label]
        frame = self._settled(kind.derived, lambda run: read.nodes(run, kind))
        return frame.to_arrow()

    def edges(self, edge: EdgeType, properties: Sequence[str] | None = None) -> pa.Table:
        """See ``GraphStore``."""
        derived = edge.kind == "derived"
        return self._settled(derived, lambda run: read.edge_table(run, edge, properties))

    def properties(self, label: str) -> dict[str, PropertyType]:
        """See ``GraphStore``."""
        return self._read(lambda run: read.attributes(run, NODES[label]))

    def counts(self) -> dict[str, int]:
        """See ``GraphStore``."""
        return self._settled(True, read.counts)

    def _settled(self, derived: bool, work: Callable[[Run], T]) -> T:
        """Read; what is derived not while it is being swapped."""
        if derived:
            return steady(self._link, lambda: self._read(work))
        return self._read(work)

    def erase_user(self, user_id: str) -> int:
        """See ``GraphStore``."""
        erased = self._write(
            lambda run: run.run(
                "MATCH (u:User {id: $id}) WITH u, COUNT { (u)--() } AS edges "
                f"OPTIONAL MATCH (own:{'|'.join(belongings('User'))} {{id: $id}}) "
                "DETACH DELETE own, u RETURN edges",
                id=user_id,
            ).single()
        )
        if erased is None:
            raise UnknownUser(f"no user has the id '{user_id}'")
        return int(erased["edges"])

    def replace_derived(self, derived: Derived) -> None:
        """See ``GraphStore``; committed in parts that readers do not see."""
        with self._mutex:
            self._set_apart()
            self._link.check_writable()
            replace_derived(self._link, derived)

    def close(self) -> None:
        """Let go of the connections; closing again does nothing."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
