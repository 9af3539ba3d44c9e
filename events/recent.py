"""``RecentEvents``: what customers did since a snapshot learned, read from the queue as it comes.

A look costs a few microseconds, as only what is new is read.
"""

from __future__ import annotations

import sqlite3
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from events.event import COLUMNS, ShopEvent
from events.looks import Looks

__all__ = ["RecentEvents"]

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
        self._looks, self._read_at = Looks(path, clock), read_at
        self._users, self._sessions = _Latest(), _Latest()
        self._seen = 0

    def of_user(self, user_id: str) -> tuple[ShopEvent, ...]:
        """The customer's latest events, in the order they came."""
        self._looks.take(self._take)
        return self._users.of(user_id)

    def of_session(self, session_id: str) -> tuple[ShopEvent, ...]:
        """The session's latest events, in the order they came."""
        self._looks.take(self._take)
        return self._sessions.of(session_id)

    def _take(self, connection: sqlite3.Connection) -> None:
        found = connection.execute(
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
