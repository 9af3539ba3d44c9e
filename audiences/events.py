"""``EventLog``: a shop's events by customer and time, as arrays that are mapped into memory.

Events of one customer stand together, oldest first, and so do the orders' numbers: counting a
customer's orders is then setting flags, and what follows what is a search in sorted keys. 17 bytes
an event on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graph.interactions import InteractionGraph
from loaders.errors import SnapshotMissing

__all__ = ["DAY", "EventLog", "Span"]

DAY: Final = 86_400
"""Seconds."""
CHUNK: Final = 1 << 17
"""Events looked at together: what is made of them stays in the processor's cache."""


@dataclass(frozen=True)
class Span:
    """The events of some neighbouring customers.

    Attributes:
        first, last: customers ``first`` to ``last - 1``.
        users: int32 [n], row of each event's customer, counted from ``first``.
        products: int32 [n].
        kinds: int8 [n].
        seconds: uint32 [n], since 1970-01-01 UTC, rounded down.
        values: float32 [n].
        orders: int32 [n], counted from the first order of ``first``.
        owners: int32 [n_orders], customer of each of these orders, counted from ``first``.
        starts: int64 [last - first + 1], where each customer's events begin.
    """

    first: int
    last: int
    users: npt.NDArray[np.int32]
    products: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]
    seconds: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float32]
    orders: npt.NDArray[np.int32]
    owners: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return self.last - self.first


@dataclass(frozen=True)
class EventLog:
    """All events.

    Attributes:
        starts: int64 [n_users + 1]; events ``starts[u]`` to ``starts[u + 1] - 1`` are user u's.
        order_starts: int64 [n_users + 1], the same of orders.
        products: int32 [n_events], rows.
        kinds: int8 [n_events], index into ``loaders.schema.EVENT_NAMES``.
        seconds: uint32 [n_events], since 1970-01-01 UTC, rounded down.
        values: float32 [n_events], the shop's currency; 0 where unknown.
        orders: int32 [n_events]; an event without an order has a number of its own.
    """

    starts: npt.NDArray[np.int64]
    order_starts: npt.NDArray[np.int64]
    products: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]
    seconds: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float32]
    orders: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.products)

    @property
    def now(self) -> int:
        """The moment of the last event, in seconds since 1970; what ages are counted from."""
        return int(self.seconds.max()) if len(self) else 0

    @staticmethod
    def of(graph: InteractionGraph) -> EventLog:
        """The events of ``graph``."""
        return EventLog.build(
            graph.user_rows,
            graph.product_rows,
            graph.kinds,
            np.floor(graph.days * DAY + 1e-3),
            graph.values,
            graph.orders,
            len(graph.users),
        )

    @staticmethod
    def build(
        users: npt.NDArray[Any],
        products: npt.NDArray[Any],
        kinds: npt.NDArray[Any],
        seconds: npt.NDArray[Any],
        values: npt.NDArray[Any],
        orders: npt.NDArray[Any],
        n_users: int,
    ) -> EventLog:
        """Sort events, [n_events] each, in any order; ``orders`` of -1 are unknown."""
        order = np.lexsort((orders, seconds, users))
        user, number = users[order], orders[order].astype(np.int64)
        alone = number < 0
        number[alone] = np.arange(int(alone.sum())) + (int(number.max(initial=-1)) + 1)
        # An order is one customer's; numbers follow the customers.
        pairs = user.astype(np.int64) << 32 | number
        kept, renumbered = np.unique(pairs, return_inverse=True)
        return EventLog(
            _starts(user, n_users),
            _starts(kept >> 32, n_users),
            products[order].astype(np.int32),
            kinds[order].astype(np.int8),
            np.clip(seconds[order], 0, 2**32 - 1).astype(np.uint32),
            np.nan_to_num(values[order].astype(np.float32), nan=0.0),
            renumbered.astype(np.int32),
        )

    def span(self, first: int, last: int) -> Span:
        """The events of users ``first`` to ``last - 1``."""
        events = slice(int(self.starts[first]), int(self.starts[last]))
        rows = np.arange(last - first, dtype=np.int32)
        return Span(
            first,
            last,
            np.repeat(rows, np.diff(self.starts[first : last + 1])),
            self.products[events],
            self.kinds[events],
            self.seconds[events],
            self.values[events],
            self.orders[events] - np.int32(self.order_starts[first]),
            np.repeat(rows, np.diff(self.order_starts[first : last + 1])),
            self.starts[first : last + 1] - self.starts[first],
        )

    def chunks(self, size: int = CHUNK) -> Iterator[tuple[int, int]]:
        """Ranges of users with about ``size`` events each."""
        count = len(self.starts) - 1
        ends = np.searchsorted(self.starts, np.arange(size, len(self) + size, size))
        edges = np.unique(np.concatenate([[0], np.minimum(ends, count), [count]]))
        yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)

    def save(self, folder: Path) -> None:
        """Write one file an array to ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name), allow_pickle=False)

    @staticmethod
    def load(folder: Path) -> EventLog:
        """Map what ``save`` wrote.

        Raises:
            SnapshotMissing: a file is missing or damaged.
        """
        try:
            return EventLog(
                **{
                    f.name: np.load(folder / f"{f.name}.npy", mmap_mode="r").view(np.ndarray)
                    for f in fields(EventLog)
                }
            )
        except (OSError, ValueError) as error:
            raise SnapshotMissing(f"cannot read events in {folder}: {error}; build again") from None


def _starts(users: npt.NDArray[Any], n_users: int) -> npt.NDArray[np.int64]:
    """Where each user's entries begin among sorted ``users``, int64 [n_users + 1]."""
    counts = np.bincount(users, minlength=n_users)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
