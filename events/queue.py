"""``EventQueue``: events that were acknowledged and wait for the store, in one SQLite file.

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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from events.config import EventsConfig
from events.event import COLUMNS, ShopEvent
from graph.locks import FileGate
from loaders.errors import EventQueueUnavailable, StoreUnavailable

__all__ = ["EventQueue", "QueueStatus", "Waiting", "queue_file"]

MOST_COUNTED: Final = 50_000
WAIT_SECONDS: Final = 10.0
"""How long to wait for another process to finish its write, which takes milliseconds."""

_NAMES: Final = ", ".join(COLUMNS)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    user_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    quantity REAL NOT NULL,
    value REAL,
    order_id TEXT,
    session_id TEXT,
    rating REAL,
    received REAL NOT NULL,
    settled REAL,
    refused TEXT
);
CREATE INDEX IF NOT EXISTS waiting ON events (seq) WHERE settled IS NULL;
CREATE INDEX IF NOT EXISTS settled ON events (settled) WHERE settled IS NOT NULL;
CREATE INDEX IF NOT EXISTS refused ON events (seq) WHERE refused IS NOT NULL;
"""

Waiting = tuple[int, ShopEvent]
"""A place in the queue and the event that waits there."""


def queue_file(home: Path) -> Path:
    """The queue of the shop that lives in ``home``."""
    return home / "events" / "queue.sqlite"


def _sync(folder: Path) -> None:
    """Put on disk which files ``folder`` has; SQLite sees to the queue's own folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class QueueStatus:
    """What is in the queue.

    Attributes:
        waiting: events acknowledged and not yet in the store.
        oldest_seconds: age of the oldest of them; 0 where none waits.
        refused: events the store refused, set aside.
    """

    waiting: int
    oldest_seconds: float
    refused: int


class EventQueue:
    """A durable queue in a file, shared by the threads of a process and by several processes.

    Args:
        path: the file; its folder is made if need be.
        config: how long delivered events stay, and how much disk is left alone.

    Raises:
        EventQueueUnavailable: the file cannot be opened or made.
    """

    def __init__(self, path: Path, config: EventsConfig | None = None) -> None:
        self.path, self._config = path, config or EventsConfig()
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
                self._connection.executescript(_SCHEMA)
            _sync(path.parent.parent)

    def append(self, events: Sequence[ShopEvent]) -> None:
        """Keep events, all or none; they are on disk when this returns.

        An event whose id is in the queue already changes nothing.

        Raises:
            EventQueueUnavailable: they could not be written; none of them is kept.
        """
        self._check_room()
        now = time.time()
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        with self._writing("keep the events"):
            self._connection.executemany(
                f"INSERT INTO events ({_NAMES}, received) VALUES ({marks}) "
                "ON CONFLICT (event_id) DO NOTHING",
                [(*event, now) for event in events],
            )

    def _check_room(self) -> None:
        """Leave disk for marking what is delivered, and for whoever shares the disk."""
        with self._errors("keep the events"):
            free = shutil.disk_usage(self.path.parent).free / 1e6
        if free < self._config.reserve_mb:
            raise EventQueueUnavailable(
                f"the disk of {self.path.parent} has {free:,.0f} MB left, less than events."
                f"reserve_mb ({self._config.reserve_mb:g}); make room, then send the events again"
            )

    def waiting(self, most: int) -> list[Waiting]:
        """At most ``most`` waiting events, oldest first."""
        with self._mutex, self._errors("read the queue"):
            rows = self._connection.execute(
                f"SELECT seq, {_NAMES} FROM events WHERE settled IS NULL ORDER BY seq LIMIT ?",
                (most,),
            ).fetchall()
        return [(seq, ShopEvent(*row)) for seq, *row in rows]

    def delivered(self, places: Sequence[int]) -> None:
        """Note that the events at ``places`` are in the store, and drop those long delivered."""
        now = time.time()
        before = now - self._config.keep_hours * 3600
        with self._writing("note what was delivered"):
            self._connection.executemany(
                "UPDATE events SET settled = ? WHERE seq = ?", [(now, seq) for seq in places]
            )
            self._connection.execute(
                "DELETE FROM events WHERE settled <= ? AND refused IS NULL", (before,)
            )

    def set_aside(self, place: int, why: str) -> None:
        """Take the event at ``place`` out of the way; it is kept with the reason."""
        with self._writing("set an event aside"):
            self._connection.execute(
                "UPDATE events SET settled = ?, refused = ? WHERE seq = ?",
                (time.time(), why, place),
            )

    def events_of(self, user_id: str) -> int:
        """How many events of a customer are kept, waiting, delivered or refused."""
        with self._mutex, self._errors("read the queue"):
            (found,) = self._connection.execute(
                "SELECT count(*) FROM events WHERE user_id = ?", (user_id,)
            ).fetchone()
        return int(found)

    def erase(self, user_id: str) -> int:
        """Drop all events of a customer, and overwrite them on disk; returns how many."""
        self._connection.execute("PRAGMA secure_delete = ON")
        with self._writing("erase events"):
            gone = self._connection.execute(
                "DELETE FROM events WHERE user_id = ?", (user_id,)
            ).rowcount
        with self._mutex, self._errors("erase events"), self._gate.alone():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    def retry(self) -> int:
        """Let events that were set aside wait once more; returns how many."""
        with self._writing("queue events again"):
            return self._connection.execute(
                "UPDATE events SET settled = NULL, refused = NULL WHERE refused IS NOT NULL"
            ).rowcount

    def refused(self, most: int) -> list[tuple[ShopEvent, str]]:
        """At most ``most`` events that were set aside, oldest first, each with the reason."""
        with self._mutex, self._errors("read the queue"):
            rows = self._connection.execute(
                f"SELECT {_NAMES}, refused FROM events WHERE refused IS NOT NULL "
                "ORDER BY seq LIMIT ?",
                (most,),
            ).fetchall()
        return [(ShopEvent(*row), why) for *row, why in rows]

    def status(self) -> QueueStatus:
        """How much waits, for how long, and how much was refused.

        Raises:
            EventQueueUnavailable: the file cannot be read.
        """
        with self._mutex, self._errors("read the queue"):
            waiting, received, refused = self._connection.execute(
                "SELECT (SELECT count(*) FROM events WHERE settled IS NULL), "
                "(SELECT received FROM events WHERE settled IS NULL ORDER BY seq LIMIT 1), "
                "(SELECT count(*) FROM events WHERE refused IS NOT NULL)"
            ).fetchone()
        age = max(0.0, time.time() - received) if received is not None else 0.0
        return QueueStatus(waiting, age, refused)

    def flow(self, minutes: int) -> list[tuple[int, str, int]]:
        """How many events came in within the last minutes: minutes ago, kind, how many.

        Of a flood only the latest ``MOST_COUNTED`` are counted.
        """
        now = time.time()
        with self._mutex, self._errors("read the queue"):
            return self._connection.execute(
                "SELECT CAST((? - received) / 60 AS INTEGER) AS ago, event, count(*) FROM "
                "(SELECT received, event FROM events ORDER BY seq DESC LIMIT ?) "
                "WHERE received > ? GROUP BY ago, event ORDER BY ago, event",
                (now, MOST_COUNTED, now - 60 * minutes),
            ).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        with self._mutex, self._errors("close"), self._gate.alone():
            self._connection.close()

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        """One transaction, on disk at the end of the block or without a trace."""
        with self._mutex, self._errors(what), self._gate.alone():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # it may have been undone already
                    self._connection.execute("ROLLBACK")
                raise

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

    def __enter__(self) -> EventQueue:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
