"""``Live``: what a server does beside answering: takes events, delivers them, watches its parts."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from api.models.health import Part, State
from api.observe.stages import stage
from api.store_watch import StoreWatch
from events.change import Change
from events.config import EventsConfig
from events.deliverer import Deliverer
from events.event import ShopEvent
from events.queue import EventQueue, QueueStatus, queue_file
from loaders.errors import CoterieError, StoreUnavailable

__all__ = ["Live", "LiveParts"]


class LiveParts(Protocol):
    """What the routes ask of the parts of a server."""

    def take(self, events: Sequence[ShopEvent]) -> None:
        """Keep events on disk, all or none.

        Raises:
            EventQueueUnavailable: they could not be written.
        """
        ...

    def change(self, changes: Sequence[Change]) -> None:
        """Keep changes of customers and products on disk, all or none.

        Raises:
            EventQueueUnavailable: they could not be written.
        """
        ...

    def check_store(self) -> None:
        """Refuse at once what a store that is away would keep waiting.

        Raises:
            StoreUnavailable: the store did not answer when it was asked last.
        """
        ...

    def parts(self) -> list[Part]:
        """How each part is; answered from memory and the local disk, never by the store."""
        ...

    def flow(self, minutes: int) -> list[tuple[int, str, int]]:
        """How many events came in: minutes ago, kind, how many.

        Raises:
            EventQueueUnavailable: the queue cannot be read.
        """
        ...


class Live:
    """The parts of a server of the shop that lives in ``home``.

    Args:
        home: folder of the shop.
        store: path of its embedded store, or address of its server.
        config: settings of events.
        store_check_seconds: seconds between two looks whether the store answers.

    Raises:
        EventQueueUnavailable: the event queue cannot be opened.
    """

    def __init__(
        self,
        home: Path,
        store: str | Path,
        config: EventsConfig,
        store_check_seconds: float = 5.0,
    ) -> None:
        self._home, self._config = home, config
        self._queue = EventQueue(queue_file(home), config)
        self._deliverer = Deliverer(self._queue, store, config)
        self._watch = StoreWatch(store, store_check_seconds)

    def start(self) -> None:
        """Begin to deliver and to watch."""
        self._deliverer.start()
        self._watch.start()

    def stop(self) -> None:
        """End both; what is not delivered goes on waiting on disk."""
        self._watch.stop()
        self._deliverer.stop()

    def take(self, events: Sequence[ShopEvent]) -> None:
        """See ``LiveParts``."""
        with stage("coterie.queue"):
            self._queue.append(events)

    def change(self, changes: Sequence[Change]) -> None:
        """See ``LiveParts``."""
        with stage("coterie.queue"):
            self._queue.changes.append(changes)

    def check_store(self) -> None:
        """See ``LiveParts``."""
        if trouble := self._watch.trouble:
            raise StoreUnavailable(trouble)

    def flow(self, minutes: int) -> list[tuple[int, str, int]]:
        """See ``LiveParts``."""
        return self._queue.flow(minutes)

    def parts(self) -> list[Part]:
        """See ``LiveParts``."""
        return [self._store(), self._events(), self._disk()]

    def _store(self) -> Part:
        trouble = self._watch.trouble
        state: State = "down" if trouble else "ok"
        return Part(name="store", state=state, detail=trouble or "The graph store answers.")

    def _events(self) -> Part:
        try:
            status = self._queue.status() + self._queue.changes.status()
        except CoterieError as error:
            return Part(name="events", state="down", detail=str(error))
        late = status.oldest_seconds > self._config.late_seconds
        state: State = "degraded" if late or self._deliverer.error else "ok"
        return Part(
            name="events",
            state=state,
            detail=_told(status, self._deliverer.error),
            waiting=status.waiting,
            oldest_seconds=round(status.oldest_seconds, 1),
            refused=status.refused,
        )

    def _disk(self) -> Part:
        free = shutil.disk_usage(self._home).free / 1e6
        state: State = "degraded" if free < self._config.reserve_mb else "ok"
        scarce = "; no events are taken before there is more" if state == "degraded" else ""
        return Part(name="disk", state=state, detail=f"{free:,.0f} MB are free{scarce}.")


def _told(status: QueueStatus, error: str) -> str:
    """The queue in a sentence or two."""
    waits = (
        f"{status.waiting:,} events and changes wait, the oldest for {status.oldest_seconds:.0f} s."
        if status.waiting
        else "All events and changes are in the graph."
    )
    aside = (
        f" The store refused {status.refused:,}: coterie events status." if status.refused else ""
    )
    return waits + aside + (f" The last try failed: {error}" if error and status.waiting else "")
