"""The Neo4j driver behind a few calls: read, write, a unit of several calls.

Nothing outside the modules of the Neo4j store meets the driver's own objects or errors. Reads and
writes are managed: the driver runs them again when the server says that this may help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import neo4j
from neo4j import exceptions

from graph.neo4j_address import PASSWORD_VARIABLE, USER_VARIABLE, Address
from graph.store import Conflict
from loaders.errors import ConfigError, CoterieError, QueryError, StoreUnavailable

__all__ = ["Link", "Run", "Unit", "translated"]

T = TypeVar("T")
Run = neo4j.ManagedTransaction | neo4j.Transaction

RETRY_SECONDS: Final = 60.0
"""How long writes are retried: a server that crashed takes up to half a minute to be back."""

CONNECT_SECONDS: Final = 15.0
IDLE_SECONDS: Final = 1.0
"""A connection that was idle for longer is tried before it is used again."""
_UNSURE_ATTEMPTS: Final = 2
_LOGIN: Final = (exceptions.AuthError, exceptions.TokenExpired)


def translated(error: Exception, what: str, address: Address) -> CoterieError:
    """The driver's ``error`` as one of ours; ``what`` says what could not be done."""
    if isinstance(error, _LOGIN):
        return ConfigError(
            f"{address} refused the login; set {USER_VARIABLE} and {PASSWORD_VARIABLE}"
        )
    if isinstance(error, exceptions.ConstraintError):
        return Conflict(f"{address} could not {what}: {error.message}")
    if isinstance(error, exceptions.ConfigurationError):
        return ConfigError(f"the address {address} cannot be used: {error}")
    if isinstance(error, exceptions.Neo4jError) and "OutOfMemory" in (error.code or ""):
        return StoreUnavailable(
            f"{address} could not {what} in the memory that it allows; raise its settings "
            f"db.memory.transaction.max or dbms.memory.transaction.total.max: {error.message}"
        )
    if isinstance(error, exceptions.Neo4jError) and not error.is_retryable():
        if "DatabaseNotFound" in (error.code or ""):
            return ConfigError(f"{address} has no database '{address.database}'")
        if error.code and ".Statement." in error.code:
            return QueryError(error.message or str(error))
        return StoreUnavailable(f"{address} could not {what}: {error.message}")
    return StoreUnavailable(f"{address} does not answer; it could not {what}: {error}")


class Unit:
    """Calls that are committed together; begun with the first of them."""

    def __init__(self, session: neo4j.Session) -> None:
        self._session = session
        self._transaction: neo4j.Transaction | None = None

    @property
    def run(self) -> Run:
        """The transaction under way."""
        if self._transaction is None:
            self._transaction = self._session.begin_transaction()
        return self._transaction

    def commit(self) -> None:
        """Make what was done so far durable; what follows begins anew."""
        if self._transaction is not None:
            self._transaction.commit()
            self._transaction = None

    def close(self) -> None:
        """Undo what was not committed."""
        if self._transaction is not None:
            self._transaction.close()


class Link:
    """Connections to one database.

    Raises:
        ConfigError: the address or login is wrong.
        StoreUnavailable: the server does not answer.
    """

    def __init__(self, address: Address, *, read_only: bool) -> None:
        self.address, self.read_only = address, read_only
        with self.errors("connect"):
            self._driver = neo4j.GraphDatabase.driver(
                address.uri,
                auth=address.login,
                user_agent="coterie",
                notifications_min_severity="OFF",
                connection_timeout=CONNECT_SECONDS,
                # A connection that waited may be to a server that was restarted meanwhile.
                liveness_check_timeout=IDLE_SECONDS,
                connection_acquisition_timeout=CONNECT_SECONDS * 2,
                max_transaction_retry_time=RETRY_SECONDS,
                retry_delay_multiplier=1.4,
            )
        try:
            with self.errors("connect"):
                self._driver.verify_connectivity()
        except CoterieError:
            self.close()
            raise

    @contextmanager
    def errors(self, what: str) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except (exceptions.Neo4jError, exceptions.DriverError, OSError) as error:
            raise translated(error, what, self.address) from error

    def session(self, *, write: bool = False, fetch_size: int = 1000) -> neo4j.Session:
        """A session; without ``write`` the server refuses writes, and a cluster may route it."""
        writes = write and not self.read_only
        return self._driver.session(
            database=self.address.database or None,
            default_access_mode=neo4j.WRITE_ACCESS if writes else neo4j.READ_ACCESS,
            fetch_size=fetch_size,
        )

    def check_writable(self) -> None:
        """Refuse to write where that was not asked for: sessions alone do not see to it.

        Raises:
            StoreUnavailable: it is open for reading only.
        """
        if self.read_only:
            raise StoreUnavailable(f"{self.address} is open for reading only")

    def read(self, work: Callable[[Run], T]) -> T:
        """The result of ``work``, in a transaction that only reads."""
        with self.errors("read"), self.session() as session:
            return session.execute_read(work)

    def write(self, work: Callable[[Run], T]) -> T:
        """The result of ``work``, committed. It may run several times and must bear that."""
        self.check_writable()
        with self.errors("write"), self.session(write=True) as session:
            for _ in range(_UNSURE_ATTEMPTS):
                # The driver leaves it to us whether a commit without an answer may be repeated.
                with suppress(exceptions.IncompleteCommit):
                    return session.execute_write(work)
            return session.execute_write(work)

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """A unit; it is not committed here."""
        with self.errors("write"), self.session(write=True) as session:
            unit = Unit(session)
            try:
                yield unit
            finally:
                unit.close()

    def close(self) -> None:
        """Let go of all connections."""
        self._driver.close()
