"""``Forgotten``: customers who are erased, and whom earlier snapshots must not tell of any more.

Snapshots never change, so what serves one asks here first. A line a customer in a file that every
process of a server reads again as soon as it grows; lines go once no snapshot is left that was
read before the customer was erased.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline.home import write_atomically

__all__ = ["Forgotten", "forgotten_file"]

EVERY_SECONDS: Final = 0.05


def forgotten_file(home: Path) -> Path:
    """The list of the shop that lives in ``home``."""
    return home / "forgotten.jsonl"


class Forgotten:
    """The customers erased since a snapshot was read.

    Args:
        path: the file; it need not exist yet.
        read_at: when the snapshot's build read the graph, seconds since 1970.
        clock: seconds, from any beginning.
    """

    def __init__(
        self, path: Path, read_at: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._read_at, self._clock = path, read_at, clock
        self._ids: frozenset[str] = frozenset()
        self._state: tuple[int, int] | None = None
        self._next = 0.0
        self._mutex = threading.Lock()

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the customers; at most ``EVERY_SECONDS`` old."""
        if self._clock() >= self._next:
            with self._mutex:
                self._look()
        return self._ids

    def _look(self) -> None:
        self._next = self._clock() + EVERY_SECONDS
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._ids, self._state = frozenset(), None
            return
        if (found.st_mtime_ns, found.st_size) != self._state:
            self._ids = frozenset(id_ for id_, at in self._lines() if at >= self._read_at)
            self._state = (found.st_mtime_ns, found.st_size)

    def _lines(self) -> list[tuple[str, float]]:
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8").splitlines()
        return [(line["user_id"], line["at"]) for line in map(json.loads, lines)]

    def add(self, user_id: str) -> None:
        """Put a customer on the list; on disk when this returns."""
        self._write([*self._lines(), (user_id, time.time())])

    def prune(self, oldest: float) -> None:
        """Drop those erased before ``oldest``, when the oldest snapshot left was read."""
        lines = self._lines()
        kept = [(id_, at) for id_, at in lines if at >= oldest]
        if len(kept) < len(lines):
            self._write(kept)

    def _write(self, lines: list[tuple[str, float]]) -> None:
        text = "".join(json.dumps({"user_id": id_, "at": at}) + "\n" for id_, at in lines)
        write_atomically(self._path, text)
        os.chmod(self._path, 0o600)
        self._next = 0.0
