"""Advisory file locks around the embedded store: one writer, and readers beside it.

The engine lets a process open a store for reading while another writes, but such a reader can
meet a log half written. So readers share a lock while they have the store open, and the writer
takes it alone for the moments in which it changes the files: opening, committing, closing.
Locks vanish with their process, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loaders.errors import StoreUnavailable

__all__ = ["FileGate", "WriterLock"]

_POLL_SECONDS = 0.005


def _beside(store: Path, suffix: str) -> int:
    """A descriptor of the lock file of ``store`` with this suffix."""
    path = store.with_name(store.name + suffix)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _lock(descriptor: int, kind: int, deadline: float) -> bool:
    """Try to lock until ``deadline`` (monotonic seconds); whether it worked."""
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True


class WriterLock:
    """Held by the one process that may write the store, for as long as it has it open.

    Raises:
        StoreUnavailable: another writer has held it for ``wait_seconds``; names its process.
    """

    def __init__(self, store: Path, wait_seconds: float = 0.0) -> None:
        self._descriptor = _beside(store, ".writer")
        if not _lock(self._descriptor, fcntl.LOCK_EX, time.monotonic() + wait_seconds):
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            who = f"process {holder}" if holder else "another process"
            raise StoreUnavailable(
                f"{who} is writing to the store {store}; try again when it has finished"
            )
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let the next writer in."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


class FileGate:
    """Lets readers share the store's files, and the writer have them alone for a moment.

    Whoever wants in passes a door first. A waiting writer keeps the door, so readers that come
    later cannot starve it.

    Args:
        store: the store's file.
        wait_seconds: how long to wait before giving up.
    """

    def __init__(self, store: Path, wait_seconds: float = 120.0) -> None:
        self._store, self._wait = store, wait_seconds

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold the files among other readers.

        Raises:
            StoreUnavailable: the writer kept them for too long.
        """
        with self._held(".door", fcntl.LOCK_EX) as door, self._held(".readers", fcntl.LOCK_SH):
            fcntl.flock(door, fcntl.LOCK_UN)
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the files with no reader beside.

        Raises:
            StoreUnavailable: readers kept them for too long.
        """
        with self._held(".door", fcntl.LOCK_EX), self._held(".readers", fcntl.LOCK_EX):
            yield

    @contextmanager
    def _held(self, suffix: str, kind: int) -> Iterator[int]:
        descriptor = _beside(self._store, suffix)
        try:
            if not _lock(descriptor, kind, time.monotonic() + self._wait):
                raise StoreUnavailable(
                    f"the files of the store {self._store} stayed in use for "
                    f"{self._wait:g} seconds; try again"
                )
            yield descriptor
        finally:
            os.close(descriptor)
