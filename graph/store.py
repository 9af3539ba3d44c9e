"""``GraphStore``: what a graph database must do for Coterie, and nothing more.

Tables cross as Arrow. Node tables have ``id`` and properties; edge tables have ``source`` and
``target`` ids and properties; times are UTC microseconds. Implementations: ``graph.embedded``
(LadybugDB, default) and ``graph.neo4j_store``. One conformance suite runs against each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import pyarrow as pa

from graph.schema import EdgeType, PropertyType
from loaders.errors import QueryError, StoreUnavailable
from loaders.progress import Progress, silent

__all__ = ["Conflict", "Derived", "EdgeTypeKey", "GraphStore", "JudgingStore", "QueryLimits"]

EdgeTypeKey = tuple[str, str, str]
"""(type, source label, target label): CHILD_OF exists twice."""


class Conflict(StoreUnavailable):
    """Something that must be unique is stored already, maybe by another writer just now."""


@dataclass(frozen=True)
class QueryLimits:
    """What one analyst's query may use: rows of the answer, seconds, and megabytes it may fill."""

    rows: int = 10_000
    seconds: float = 30.0
    megabytes: float = 256.0

    def check_size(self, table_bytes: int) -> None:
        """Refuse an answer that is too large.

        Raises:
            QueryError: it fills more than ``megabytes``.
        """
        if table_bytes > self.megabytes * 1e6:
            raise QueryError(
                f"the answer fills more than {self.megabytes:g} MB; "
                "ask for fewer rows or columns, or aggregate"
            )


@dataclass(frozen=True)
class Derived:
    """Everything one build writes back.

    Attributes:
        build: version of the snapshot it belongs to.
        nodes: table of ``Community`` nodes by label.
        edges: table by edge type; every type of ``DERIVED_EDGES`` that is left out is emptied.
    """

    build: str
    nodes: Mapping[str, pa.Table]
    edges: Mapping[EdgeTypeKey, pa.Table]


@runtime_checkable
class JudgingStore(Protocol):
    """A store that runs analysts' queries itself, and judges them once more."""

    def read_query(
        self, cypher: str, parameters: Mapping[str, Any], limits: QueryLimits
    ) -> pa.Table:
        """Run a query that passed the guard.

        Raises:
            QueryError: it would write, is wrong, or exceeds a limit.
            StoreUnavailable: the store does not answer.
        """
        ...


class GraphStore(Protocol):
    """A store of the shop's graph: the source of truth."""

    def upsert_nodes(self, label: str, table: pa.Table) -> int:
        """Insert nodes or update the properties given; attributes new to an open label are added.

        An empty value leaves what is stored. Names of attributes are made such that Cypher needs
        no quotes for them.

        Returns:
            Rows in ``table``.
        """
        ...

    def upsert_edges(self, edge: EdgeType, table: pa.Table) -> int:
        """Insert structure edges that are not there yet; returns how many were new.

        An edge of a ``single`` type replaces the one its source had.

        Raises:
            DataError: an edge names a node that does not exist.
        """
        ...

    def append_events(self, edge: EdgeType, table: pa.Table, progress: Progress = silent) -> int:
        """Add events whose ``event_id`` is new, in one transaction; returns how many were new."""
        ...

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        limits: QueryLimits | None = None,
    ) -> pa.Table:
        """Run a trusted read query. Analysts' text passes ``graph.guard`` first.

        Raises:
            QueryError: the query is wrong, or exceeds a limit.
        """
        ...

    def nodes(self, label: str) -> pa.Table:
        """All nodes of a label: ``id`` and every property, ordered by ``id``."""
        ...

    def edges(self, edge: EdgeType, properties: Sequence[str] | None = None) -> pa.Table:
        """All edges of a type: ``source``, ``target`` ids and properties, as flat arrays.

        Args:
            edge: the type.
            properties: which ones to read; all by default.

        The ends are dictionary arrays over the ids, so that a reader maps each id once.
        Rows come in no order.
        """
        ...

    def erase_user(self, user_id: str) -> int:
        """Delete a user with all their edges; returns edges deleted.

        Raises:
            UnknownUser: there is no such user.
        """
        ...

    def replace_derived(self, derived: Derived) -> None:
        """Swap what earlier builds derived for this build's; a reader sees one or the other."""
        ...

    def properties(self, label: str) -> dict[str, PropertyType]:
        """Types of the properties that nodes of a label may have, but ``id``."""
        ...

    def counts(self) -> dict[str, int]:
        """Number of nodes by label and of edges by type."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Make the calls inside one unit: reads see one state, writes happen together or not.

        A store whose transactions cannot hold a whole load may commit parts of it earlier; a load
        cut short there is completed by running it again.
        """
        ...

    def close(self) -> None:
        """Flush and let go of the store."""
        ...

    def __enter__(self) -> Self:
        """Use as a context that closes the store."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        ...
