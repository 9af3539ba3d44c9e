"""Waiting events into the store: in order, in batches, each of them exactly once in effect.

A batch is one transaction of the store, and is marked in the queue after it. A crash between the
two delivers the batch again, and the store knows the ids of its events: nothing is there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from events.config import EventsConfig
from events.event import COLUMNS, ShopEvent
from events.queue import EventQueue, Waiting
from graph.ddl import quoted
from graph.locks import WriterLock
from graph.open import open_store
from graph.schema import EVENT_EDGES
from graph.store import Conflict, GraphStore
from loaders.errors import CoterieError, DataError, StoreUnavailable
from loaders.schema import ANONYMOUS_PREFIX, TABLES

__all__ = ["Delivered", "deliver", "right_to_deliver"]

_TYPES = TABLES["events"].dtypes
_ENDS = {"user_id": "source", "product_id": "target"}


@dataclass
class Delivered:
    """What a delivery did: events that are in the store now, and events it refused."""

    events: int = 0
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
        queue: where events wait.
        uri: path of an embedded store, or address of a server.
        config: how many go in one transaction.
        wait_seconds: how long to wait for another writer of an embedded store.

    Raises:
        StoreUnavailable: the store cannot be written; what is not delivered goes on waiting.
        EventQueueUnavailable: the queue cannot be read or written.
    """
    done = Delivered()
    if not queue.waiting(1):
        return done
    with open_store(uri, wait_seconds=wait_seconds) as store:
        while batch := queue.waiting(config.batch):
            _settle(queue, store, batch, done)
    return done


def _settle(
    queue: EventQueue, store: GraphStore, batch: Sequence[Waiting], done: Delivered
) -> None:
    """Deliver a batch; where the store refuses it, find the event to blame and set it aside."""
    try:
        _write(store, [event for _, event in batch])
    except CoterieError as error:
        if isinstance(error, StoreUnavailable) and not isinstance(error, Conflict):
            raise
        if len(batch) > 1:
            half = len(batch) // 2
            for part in (batch[:half], batch[half:]):
                _settle(queue, store, part, done)
            return
        _settle_one(queue, store, batch[0], done)
    else:
        queue.delivered([place for place, _ in batch])
        done.events += len(batch)


def _settle_one(queue: EventQueue, store: GraphStore, one: Waiting, done: Delivered) -> None:
    """Try an event that was refused once more: another process may have written it meanwhile."""
    place, event = one
    try:
        _write(store, [event])
    except CoterieError as error:
        if isinstance(error, StoreUnavailable) and not isinstance(error, Conflict):
            raise
        queue.set_aside(place, str(error))
        done.refused += 1
        done.reasons.append(f"{event.event_id}: {error}")
    else:
        queue.delivered([place])
        done.events += 1


def _write(store: GraphStore, events: Sequence[ShopEvent]) -> None:
    """Events with the users and products that only they name, in one transaction."""
    frame = pl.DataFrame(
        events, schema={name: _raw(name) for name in COLUMNS}, orient="row"
    ).with_columns(pl.col("at").cast(_TYPES["at"]))
    unknown = set(frame["event"]) - set(EVENT_EDGES)
    if unknown:
        raise DataError(f"expected one of {', '.join(EVENT_EDGES)}; found {sorted(unknown)}")
    with store.transaction():
        _add_bare(store, "User", frame["user_id"])
        _add_bare(store, "Product", frame["product_id"])
        for (name,), rows in frame.partition_by("event", as_dict=True).items():
            edge = EVENT_EDGES[str(name)]
            table = rows.rename(_ENDS).select("source", "target", *edge.properties)
            store.append_events(edge, table.to_arrow())


def _raw(name: str) -> pl.DataType:
    """The type a column has in the queue."""
    return pl.Int64() if name == "at" else _TYPES[name]


def _add_bare(store: GraphStore, label: str, named: pl.Series) -> None:
    """Make nodes for ids the store does not know, with nothing but their id.

    As a load does for what only events name; a later load fills in the rest.
    """
    ids = named.unique(maintain_order=True)
    known = store.query(
        f"UNWIND $ids AS id MATCH (n:{quoted(label)} {{id: id}}) RETURN n.id AS id",
        {"ids": ids.to_list()},
    )["id"].to_pylist()
    fresh = pl.DataFrame({"id": ids.filter(~ids.is_in(known))})
    if label == "User":
        visitor = pl.col("id").str.starts_with(ANONYMOUS_PREFIX)
        fresh = fresh.with_columns(anonymous=visitor)
    if fresh.height:
        store.upsert_nodes(label, fresh.to_arrow())
