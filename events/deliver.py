"""What waits into the store: in order, in batches, each of them exactly once in effect.

A batch is one transaction of the store, and is marked in the queue after it. A crash between the
two delivers the batch again: the store knows the ids of its events, and a change sets what it set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from events.config import EventsConfig
from events.lane import Lane, R
from events.queue import EventQueue
from events.write import write_changes, write_events
from graph.locks import WriterLock
from graph.open import open_store
from graph.store import Conflict, GraphStore
from loaders.errors import CoterieError, StoreUnavailable

__all__ = ["Delivered", "deliver", "right_to_deliver"]


@dataclass
class Delivered:
    """What a delivery did: what is in the store now, and how much of both it refused."""

    events: int = 0
    changes: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)


def right_to_deliver(queue: EventQueue, wait_seconds: float = 0.0) -> WriterLock:
    """The right to deliver, to be released; one process has it at a time, so that order is kept.

    Raises:
        StoreUnavailable: another process has held it for ``wait_seconds``.
    """
    return WriterLock(queue.path.with_name("delivery"), wait_seconds)


def deliver(
    queue: EventQueue, uri: str | Path, config: EventsConfig, *, wait_seconds: float = 0.0
) -> Delivered:
    """Move all that waits in ``queue`` to the store at ``uri``.

    Args:
        queue: where events and changes wait.
        uri: path of an embedded store, or address of a server.
        config: how many go in one transaction.
        wait_seconds: how long to wait for another writer of an embedded store.

    Raises:
        StoreUnavailable: the store cannot be written; what is not delivered goes on waiting.
        EventQueueUnavailable: the queue cannot be read or written.
    """
    done = Delivered()
    if not (queue.waiting(1) or queue.changes.waiting(1)):
        return done
    with open_store(uri, wait_seconds=wait_seconds) as store:
        done.events = _drain(queue, store, write_events, config.batch, done)
        done.changes = _drain(queue.changes, store, write_changes, config.batch, done)
    return done


def _drain(
    lane: Lane[R],
    store: GraphStore,
    write: Callable[[GraphStore, Sequence[R]], None],
    most: int,
    done: Delivered,
) -> int:
    """Deliver all of a lane; how many rows the store took."""
    taken = 0
    while batch := lane.waiting(most):
        taken += _settle(lane, batch, lambda rows: write(store, rows), done)
    return taken


def _settle(
    lane: Lane[R],
    batch: Sequence[tuple[int, R]],
    write: Callable[[Sequence[R]], None],
    done: Delivered,
) -> int:
    """Deliver a batch; where the store refuses it, find the row to blame and set it aside."""
    places = [place for place, _ in batch]
    try:
        write([row for _, row in batch])
    except CoterieError as error:
        _check_refusal(error)
        if len(batch) > 1:
            half = len(batch) // 2
            return sum(_settle(lane, part, write, done) for part in (batch[:half], batch[half:]))
        return _settle_one(lane, batch[0], write, done)
    lane.delivered(places)
    return len(batch)


def _settle_one(
    lane: Lane[R], one: tuple[int, R], write: Callable[[Sequence[R]], None], done: Delivered
) -> int:
    """Try a row that was refused once more: another process may have written it meanwhile."""
    place, row = one
    try:
        write([row])
    except CoterieError as error:
        _check_refusal(error)
        lane.set_aside(place, str(error))
        done.refused += 1
        done.reasons.append(f"{row.named}: {error}")
        return 0
    lane.delivered([place])
    return 1


def _check_refusal(error: CoterieError) -> None:
    """Raise what says nothing about the rows: the store is away."""
    if isinstance(error, StoreUnavailable) and not isinstance(error, Conflict):
        raise error
