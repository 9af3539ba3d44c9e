"""``Looks``: quick looks into the queue's file, which nothing has to wait for or fails by.

The queue is where every process of a server writes, so it is also where each of them sees what the
others took.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

__all__ = ["EVERY_SECONDS", "Looks"]

EVERY_SECONDS: Final = 0.05


class Looks:
    """Reads the queue at most every ``EVERY_SECONDS``; in between a look costs a fraction of 1 µs.

    Args:
        path: the queue's file; it need not exist yet.
        clock: seconds, from any beginning.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._connection: sqlite3.Connection | None = None
        self._next = 0.0
        self._mutex = threading.Lock()

    def take(self, read: Callable[[sqlite3.Connection], None]) -> None:
        """Call ``read`` with a connection, unless that was done a moment ago or is done just now.

        A queue that cannot be read must not keep lists from being made: they go on as they are.
        """
        if self._clock() < self._next or not self._mutex.acquire(blocking=False):
            return
        try:
            self._next = self._clock() + EVERY_SECONDS
            connection = self._connection or self._opened()
            if connection is not None:
                with suppress(sqlite3.Error):
                    read(connection)
        finally:
            self._mutex.release()

    def _opened(self) -> sqlite3.Connection | None:
        if not self._path.exists():
            return None
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=ro",
                uri=True,
                timeout=0.05,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error:
            return None
        weakref.finalize(self, connection.close)
        self._connection = connection
        return connection
