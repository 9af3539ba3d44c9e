"""``Deliverer``: the thread of a server that delivers events as they come, and waits out faults."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Final

from events.config import EventsConfig
from events.deliver import deliver, right_to_deliver
from events.queue import EventQueue
from loaders.errors import CoterieError, StoreUnavailable

__all__ = ["Deliverer"]

_log = logging.getLogger("coterie.events")

EVERY_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 10.0
"""Between two tries while the store is away."""


class Deliverer:
    """Delivers what waits, again and again, until it is stopped.

    Several servers of one home may each have one: whoever is first delivers, the others look on.

    Args:
        queue: where events wait.
        uri: path of an embedded store, or address of a server.
        config: size of a batch.
        every: seconds between two looks at the queue, and before the first try after a failure.

    Attributes:
        error: why the last try failed; empty when it did not.
    """

    def __init__(
        self,
        queue: EventQueue,
        uri: str | Path,
        config: EventsConfig,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._queue, self._uri, self._config, self._every = queue, uri, config, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self.error = ""

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Finish the batch under way and end; a store that hangs is not waited for any longer."""
        self._stop.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        pause = self._every
        while not self._stop.wait(pause):
            failed = not self._try()
            pause = min(pause * 2, LONGEST_SECONDS) if failed else self._every

    def _try(self) -> bool:
        """Deliver once; whether that went well. Whatever goes wrong, the next try comes."""
        start = time.monotonic()
        try:
            done = self._deliver()
        except Exception as error:
            if str(error) != self.error:
                known = isinstance(error, CoterieError)
                _log.warning("events wait: %s", error, exc_info=None if known else error)
            self.error = str(error)
            return False
        if self.error:
            _log.info("events are delivered again (%.1f s)", time.monotonic() - start)
        self.error = ""
        for reason in done:
            _log.warning("set aside: %s", reason)
        return True

    def _deliver(self) -> list[str]:
        """Reasons for which something was set aside."""
        if not (self._queue.waiting(1) or self._queue.changes.waiting(1)):
            return []
        try:
            right = right_to_deliver(self._queue)
        except StoreUnavailable:
            return []  # another process delivers
        try:
            return deliver(self._queue, self._uri, self._config).reasons
        finally:
            right.release()
