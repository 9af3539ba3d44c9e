"""``RecentEvents``: what customers did since a snapshot learned, read from the queue as it comes.

The queue is where every process of a server writes, so it is also where each of them sees what the
others took: a look costs a few microseconds, as only what is new is read.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from events.event import COLUMNS, ShopEvent

__all__ = ["RecentEvents"]

EVERY_SECONDS: Final = 0.05
MOST_EVENTS: Final = 50
"""Latest events kept of each customer and session."""
MOST_KEPT: Final = 100_000
"""Customers and sessions kept; whoever did something longest ago is let go first."""

_NAMES: Final = ", ".join(COLUMNS)


class _Latest:
    """The latest events by a name."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, deque[ShopEvent]] = OrderedDict()

    def add(self, name: str, event: ShopEvent) -> None:
        kept = self._of.setdefault(name, deque(maxlen=MOST_EVENTS))
        kept.append(event)
        self._of.move_to_end(name)
        if len(self._of) > MOST_KEPT:
            self._of.popitem(last=False)

    def of(self, name: str) -> tuple[ShopEvent, ...]:
        return tuple(self._of.get(name, ()))


class RecentEvents:
    """Events that a snapshot has not learned from.

    Those delivered to the graph before it was read are in the snapshot; those that waited then, or
    came later, are not.

    Args:
        path: the queue's file; it need not exist yet.
        read_at: when the snapshot's build read the graph, seconds since 1970.
        clock: seconds, from any beginning.
    """

    def __init__(
        self, path: Path, read_at: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._read_at, self._clock = path, read_at, clock
        self._connection: sqlite3.Connection | None = None
        self._users, self._sessions = _Latest(), _Latest()
        self._seen, self._next = 0, 0.0
        self._mutex = threading.Lock()

    def of_user(self, user_id: str) -> tuple[ShopEvent, ...]:
        """The customer's latest events, in the order they came."""
        self._look()
        return self._users.of(user_id)

    def of_session(self, session_id: str) -> tuple[ShopEvent, ...]:
        """The session's latest events, in the order they came."""
        self._look()
        return self._sessions.of(session_id)

    def _look(self) -> None:
        """Read what is new, unless that was done a moment ago.

        A queue that cannot be read must not keep lists from being made: they go on as they are.
        """
        with self._mutex:
            if self._clock() < self._next:
                return
            self._next = self._clock() + EVERY_SECONDS
            if self._connection is None and not self._open():
                return
            try:
                self._take()
            except sqlite3.Error:
                return

    def _open(self) -> bool:
        if not self._path.exists():
            return False
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=ro",
                uri=True,
                timeout=0.05,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error:
            return False
        weakref.finalize(self, connection.close)
        self._connection = connection
        return True

    def _take(self) -> None:
        assert self._connection is not None
        found = self._connection.execute(
            f"SELECT seq, {_NAMES} FROM events WHERE seq > ? AND refused IS NULL "
            "AND (settled IS NULL OR settled > ?) ORDER BY seq",
            (self._seen, self._read_at),
        )
        for seq, *row in found:
            event = ShopEvent(*row)
            self._users.add(event.user_id, event)
            if event.session_id:
                self._sessions.add(event.session_id, event)
            self._seen = seq
