"""``SnapshotProvider``: hands out the published snapshot, and changes over when it changes.

A thread looks at the pointer file once a second and reads a new snapshot aside; requests get the
old one until the new one is ready, and never wait for either.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import threading
import weakref
from collections.abc import Callable, Collection
from typing import Final

import pyarrow as pa

from api.merchandising import Rules, no_rules
from api.observe.shown import Shown
from api.service import Service
from api.snapshot_service import SnapshotService
from events.queue import queue_file
from events.recent import RecentEvents
from events.recent_changes import RecentChanges
from graph.workers import Workers
from loaders.errors import CoterieError, SnapshotMissing
from pipeline.forgotten import Forgotten, forgotten_file
from pipeline.home import Home
from pipeline.snapshot import Snapshot

__all__ = ["SnapshotProvider"]

_log = logging.getLogger("coterie.api")

PATIENT_LOOKS: Final = 4
"""How often to look again before requests that began with the old snapshot should have ended."""


def _tidy() -> None:
    """Give back what reading a snapshot left, and spare the collector what stays.

    A collection would walk all of a snapshot's objects, amid some request.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the GNU C library
    if trim is not None:
        trim(0)


class SnapshotProvider:
    """Calls give the service of the snapshot published now.

    Args:
        home: the shop.
        shop: what to call it.
        every: seconds between two looks at the pointer.
        shown: notes which products are listed.
        rules: gives the shop's merchandising rules as they are now.
    """

    def __init__(
        self,
        home: Home,
        shop: str,
        every: float = 1.0,
        shown: Shown | None = None,
        rules: Callable[[], Rules] = no_rules,
    ) -> None:
        self._home, self._shop, self._every = home, shop, every
        self._workers = Workers(home.store)
        self._shown, self._rules = shown or Shown(), rules
        self._build: str | None = None
        self._service: SnapshotService | None = None
        self._before: weakref.ref[SnapshotService] | None = None
        self._looks = 0
        self._held: dict[str, SnapshotService] = {}
        self._said = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self) -> Service:
        """The service of the published snapshot, with products as they are now.

        Raises:
            SnapshotMissing: nothing is published yet.
        """
        if self._service is None:
            raise SnapshotMissing(
                f"nothing is published yet; run: coterie build --home {self._home.path}"
            )
        self._service.follow()
        return self._service

    def refresh(self) -> None:
        """Change over if another build is published.

        What was said of products is taken up too, so that after a quiet time no request has to
        take up much.

        Raises:
            SnapshotMissing: nothing is published, or it cannot be read.
        """
        build = self._home.current()
        if build != self._build:
            fresh = self._read(build, published=True)
            self._before = weakref.ref(self._service) if self._service else None
            self._service, self._build, self._looks = fresh, build, 0
            if self._thread:  # a command that asks once has nothing to spare
                _tidy()
            _log.info("serving snapshot %s", build)
        elif self._before is not None:
            self._let_go()
        for service in (self._service, *self._held.values()):
            if service is not None:
                service.follow()

    def _let_go(self) -> None:
        """Collect the snapshot before, if requests that were under way kept it.

        What they held was spared the collector with all else, and would stay until the next change.
        Others may rightly hold it still, so the looks that collect come ever more seldom.
        """
        assert self._before is not None
        if self._before() is None:
            self._before = None
            _tidy()  # parts of it may be cycles of their own
            return
        self._looks += 1
        if self._looks >= PATIENT_LOOKS and self._looks.bit_count() == 1:
            _tidy()

    def _read(self, build: str, *, published: bool) -> SnapshotService:
        snapshot = Snapshot.load(self._home.snapshot(build))
        read_at = snapshot.manifest.read_at.timestamp()
        queue = queue_file(self._home.path)
        forgotten = Forgotten(forgotten_file(self._home.path), read_at)
        # What is listed is counted of the published build.
        marks = self._shown.begin(build, len(snapshot.products)) if published else None
        return SnapshotService(
            snapshot,
            self._workers,
            self._shop,
            RecentEvents(queue, read_at),
            marks,
            forgotten,
            self._rules,
            RecentChanges(queue, read_at),
        )

    def held(self, build: str) -> Service | None:
        """The service of a build that is published or held; ``None`` for any other."""
        found = self._service if build == self._build else self._held.get(build)
        if found is not None:
            found.follow()
        return found

    def hold(self, builds: Collection[str]) -> None:
        """Have further builds ready beside the published one, and let go of those held before.

        Raises:
            SnapshotMissing: one is not there, or cannot be read; the others are held.
        """
        wanted = [build for build in builds if build != self._build]
        self._held = {build: self._held[build] for build in wanted if build in self._held}
        for build in wanted:
            if build not in self._held:
                self._held = {**self._held, build: self._read(build, published=False)}

    def start(self) -> None:
        """Read what is published and watch for what follows, until ``stop``."""
        self._thread = threading.Thread(target=self._watch, name="snapshots", daemon=True)
        self._try()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, and end what still waits to ask the store."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._workers.close()

    def _watch(self) -> None:
        while not self._stop.wait(self._every):
            self._try()

    def _try(self) -> None:
        """Refresh; what cannot be read is said once, and the old snapshot goes on.

        Whatever goes wrong, the watch goes on: a server that never changes over again is worse.
        """
        try:
            self.refresh()
            self._said = ""
        except Exception as error:
            if str(error) != self._said:
                self._said = str(error)
                known = isinstance(error, CoterieError)
                _log.warning("%s", error, exc_info=None if known else error)
