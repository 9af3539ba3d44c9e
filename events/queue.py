"""``EventQueue``: what was acknowledged and waits for the store, in one SQLite file.

Events in one lane, changes of customers and products in another (``queue.changes``). Whichever goes
to the store first, it ends the same: an event adds a bare node, a change fills in what it has.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from events.change import CHANGES_TABLE, Change, ChangeLane
from events.config import EventsConfig
from events.event import COLUMNS, ShopEvent
from events.lane import Lane, QueueFile, QueueStatus

__all__ = ["EventQueue", "QueueStatus", "Waiting", "queue_file"]

MOST_COUNTED: Final = 50_000

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


class EventQueue(Lane[ShopEvent]):
    """A durable queue in a file, shared by the threads of a process and by several processes.

    Args:
        path: the file; its folder is made if need be.
        config: how long delivered events stay, and how much disk is left alone.

    Attributes:
        changes: of customers and products, in the same file.

    Raises:
        EventQueueUnavailable: the file cannot be opened or made.
    """

    def __init__(self, path: Path, config: EventsConfig | None = None) -> None:
        file = QueueFile(path, config or EventsConfig(), _SCHEMA + CHANGES_TABLE)
        super().__init__(file, "events", COLUMNS, ShopEvent)
        self.changes = ChangeLane(file, "changes", Change._fields, Change)

    def kept_of(self, user_id: str) -> int:
        """How many events and changes of a customer are kept, waiting, delivered or refused."""
        with self._file.reading() as connection:
            (found,) = connection.execute(
                "SELECT (SELECT count(*) FROM events WHERE user_id = ?1) + "
                "(SELECT count(*) FROM changes WHERE label = 'User' AND id = ?1)",
                (user_id,),
            ).fetchone()
        return int(found)

    def erase(self, user_id: str) -> int:
        """Drop all of a customer, and overwrite it on disk; returns how many events and changes."""
        with self._file.reading() as connection:
            connection.execute("PRAGMA secure_delete = ON")
        with self._file.writing("erase events") as connection:
            gone = connection.execute("DELETE FROM events WHERE user_id = ?", (user_id,)).rowcount
            gone += connection.execute(
                "DELETE FROM changes WHERE label = 'User' AND id = ?", (user_id,)
            ).rowcount
        self._file.flush("erase events")
        return gone

    def retry(self) -> int:
        """Let events that were set aside wait once more; returns how many.

        Changes are not tried again: by now a later one may have set the same property.
        """
        with self._file.writing("queue events again") as connection:
            return connection.execute(
                "UPDATE events SET settled = NULL, refused = NULL WHERE refused IS NOT NULL"
            ).rowcount

    def flow(self, minutes: int) -> list[tuple[int, str, int]]:
        """How many events came in within the last minutes: minutes ago, kind, how many.

        Of a flood only the latest ``MOST_COUNTED`` are counted.
        """
        now = time.time()
        with self._file.reading() as connection:
            return connection.execute(
                "SELECT CAST((? - received) / 60 AS INTEGER) AS ago, event, count(*) FROM "
                "(SELECT received, event FROM events ORDER BY seq DESC LIMIT ?) "
                "WHERE received > ? GROUP BY ago, event ORDER BY ago, event",
                (now, MOST_COUNTED, now - 60 * minutes),
            ).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> EventQueue:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
