"""``Lane``: one kind of things that were acknowledged and wait for the store, in a SQLite file.

SQLite rather than a format of our own: its recovery from torn writes is better tested than ours
would ever be, several processes may append, and ids, waiting rows and refusals are indexed. It runs
in WAL mode with ``synchronous=FULL``, so ``append`` returns after one fsync. Versions 3.7 to 3.51.2
can lose a commit where two connections write or checkpoint in the same instant
(https://www.sqlite.org/wal.html#walresetbug), and a Python may carry any of them; so whoever
writes holds a file lock meanwhile.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from events.config import EventsConfig
from graph.locks import FileGate
from loaders.errors import EventQueueUnavailable, StoreUnavailable

__all__ = ["Lane", "QueueFile", "QueueStatus", "R", "Row"]

WAIT_SECONDS: Final = 10.0
"""How long to wait for another process to finish its write, which takes milliseconds."""


class Row(Protocol):
    """What waits in a lane: a tuple of what SQLite holds."""

    def __iter__(self) -> Iterator[Any]: ...

    @property
    def named(self) -> str:
        """What a person knows it by."""
        ...


R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class QueueStatus:
    """What is in a lane, or in several.

    Attributes:
        waiting: what is acknowledged and not yet in the store.
        oldest_seconds: age of the oldest of it; 0 where none waits.
        refused: what the store refused, set aside.
    """

    waiting: int
    oldest_seconds: float
    refused: int

    def __add__(self, other: QueueStatus) -> QueueStatus:
        """Both together."""
        oldest = max(self.oldest_seconds, other.oldest_seconds)
        return QueueStatus(self.waiting + other.waiting, oldest, self.refused + other.refused)


class QueueFile:
    """The file of a queue, shared by the threads of a process and by several processes.

    Args:
        path: the file; its folder is made if need be.
        config: how long what is delivered stays, and how much disk is left alone.
        schema: statements that make its tables where they are not there yet.

    Raises:
        EventQueueUnavailable: the file cannot be opened or made.
    """

    def __init__(self, path: Path, config: EventsConfig, schema: str) -> None:
        self.path, self.config = path, config
        self._mutex = threading.RLock()
        self._gate = FileGate(path, WAIT_SECONDS)
        with self._errors("open"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._gate.alone():
                self._connection = sqlite3.connect(
                    path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
                )
                for pragma in ("journal_mode = WAL", "synchronous = FULL"):
                    self._connection.execute(f"PRAGMA {pragma}")
                self._connection.executescript(schema)
            _sync(path.parent.parent)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one read."""
        with self._mutex, self._errors("read the queue"):
            yield self._connection

    @contextmanager
    def writing(self, what: str) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk at the end of the block or without a trace."""
        with self._mutex, self._errors(what), self._gate.alone():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # it may have been undone already
                    self._connection.execute("ROLLBACK")
                raise

    def check_room(self, what: str) -> None:
        """Leave disk for marking what is delivered, and for whoever shares the disk."""
        with self._errors(f"keep the {what}"):
            free = shutil.disk_usage(self.path.parent).free / 1e6
        reserve = self.config.reserve_mb
        if free < reserve:
            raise EventQueueUnavailable(
                f"the disk of {self.path.parent} has {free:,.0f} MB left, less than events."
                f"reserve_mb ({reserve:g}); make room, then send the {what} again"
            )

    def flush(self, what: str) -> None:
        """Write the log into the file, so that nothing of what was dropped is left in it."""
        with self._mutex, self._errors(what), self._gate.alone():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Let go of the file."""
        with self._mutex, self._errors("close"), self._gate.alone():
            self._connection.close()

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Turn errors of SQLite and of the disk into ours."""
        try:
            yield
        except EventQueueUnavailable:
            raise
        except (sqlite3.Error, OSError, StoreUnavailable) as error:
            raise EventQueueUnavailable(
                f"the event queue {self.path} could not {what}: {error}; is its disk full?"
            ) from error


def _sync(folder: Path) -> None:
    """Put on disk which files ``folder`` has; SQLite sees to the queue's own folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lane(Generic[R]):
    """Rows of one table of the file, in the order in which they came.

    Args:
        file: where the table is.
        table: its name, which is also what its rows are called.
        columns: of the rows; ``seq``, ``received``, ``settled`` and ``refused`` are the lane's.
        make: gives a row of the values of ``columns``.
    """

    def __init__(
        self, file: QueueFile, table: str, columns: Sequence[str], make: Callable[..., R]
    ) -> None:
        self._file, self._table, self._make = file, table, make
        self._names = ", ".join(columns)
        self._marks = ", ".join("?" * (len(columns) + 1))

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def append(self, rows: Sequence[R]) -> None:
        """Keep rows, all or none; they are on disk when this returns.

        An event whose id is in the queue already changes nothing.

        Raises:
            EventQueueUnavailable: they could not be written; none of them is kept.
        """
        self._file.check_room(self._table)
        now = time.time()
        with self._file.writing(f"keep the {self._table}") as connection:
            connection.executemany(
                f"INSERT INTO {self._table} ({self._names}, received) VALUES ({self._marks}) "
                "ON CONFLICT DO NOTHING",
                [(*row, now) for row in rows],
            )

    def waiting(self, most: int) -> list[tuple[int, R]]:
        """At most ``most`` waiting rows, oldest first, each with its place."""
        with self._file.reading() as connection:
            rows = connection.execute(
                f"SELECT seq, {self._names} FROM {self._table} WHERE settled IS NULL "
                "ORDER BY seq LIMIT ?",
                (most,),
            ).fetchall()
        return [(seq, self._make(*row)) for seq, *row in rows]

    def delivered(self, places: Sequence[int]) -> None:
        """Note that the rows at ``places`` are in the store, and drop those long delivered."""
        now = time.time()
        before = now - self._file.config.keep_hours * 3600
        with self._file.writing("note what was delivered") as connection:
            connection.executemany(
                f"UPDATE {self._table} SET settled = ? WHERE seq = ?",
                [(now, seq) for seq in places],
            )
            self._forget(connection, before, places)

    def _forget(self, connection: sqlite3.Connection, before: float, places: Sequence[int]) -> None:
        """Drop what was delivered until ``before``, in seconds since 1970.

        Args:
            connection: within a transaction.
            before: until when.
            places: what was delivered just now.
        """
        connection.execute(
            f"DELETE FROM {self._table} WHERE settled <= ? AND refused IS NULL", (before,)
        )

    def set_aside(self, place: int, why: str) -> None:
        """Take the row at ``place`` out of the way; it is kept with the reason."""
        with self._file.writing(f"set one of its {self._table} aside") as connection:
            connection.execute(
                f"UPDATE {self._table} SET settled = ?, refused = ? WHERE seq = ?",
                (time.time(), why, place),
            )

    def refused(self, most: int) -> list[tuple[R, str]]:
        """At most ``most`` rows that were set aside, oldest first, each with the reason."""
        with self._file.reading() as connection:
            rows = connection.execute(
                f"SELECT {self._names}, refused FROM {self._table} WHERE refused IS NOT NULL "
                "ORDER BY seq LIMIT ?",
                (most,),
            ).fetchall()
        return [(self._make(*row), why) for *row, why in rows]

    def status(self) -> QueueStatus:
        """How much waits, for how long, and how much was refused.

        Raises:
            EventQueueUnavailable: the file cannot be read.
        """
        with self._file.reading() as connection:
            waiting, received, refused = connection.execute(
                f"SELECT (SELECT count(*) FROM {self._table} WHERE settled IS NULL), "
                f"(SELECT received FROM {self._table} WHERE settled IS NULL ORDER BY seq LIMIT 1), "
                f"(SELECT count(*) FROM {self._table} WHERE refused IS NOT NULL)"
            ).fetchone()
        age = max(0.0, time.time() - received) if received is not None else 0.0
        return QueueStatus(waiting, age, refused)
