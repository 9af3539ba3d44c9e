"""Conditions on what customers did: each reads a span of events and says who meets it.

Windows end at the shop's last event. Money is compared to the cent, shares to six digits: the log
keeps values in single precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audiences.conditions import Act, Bought, NotBought, Sequence, Share
from audiences.events import DAY, EventLog, Span
from audiences.tables import Mask, Tables
from graph.interactions import from_day
from loaders.schema import EVENT_NAMES

__all__ = ["BoughtScan", "Scan", "SequenceScan", "ShareScan", "scan_of", "seconds_before"]

LATEST = 2**32 - 1
Found = npt.NDArray[np.int64]


def seconds_before(now: int, days: float | None) -> int:
    """The moment ``days`` before ``now``; 0 for ``None``, which is before everything."""
    return 0 if days is None else max(0, now - round(days * DAY))


@dataclass(frozen=True)
class Hits:
    """Which events count.

    Attributes:
        kind: of the event; -1 where the log holds no other.
        products: bool [n_products]; ``None`` for all.
        since, until: first and last second.
    """

    kind: int
    products: Mask | None
    since: int = 0
    until: int = LATEST

    @staticmethod
    def of(tables: Tables, act: Any, since: int = 0, until: int = LATEST) -> Hits:
        """Events of kind ``act.event`` on its products."""
        kind = EVENT_NAMES.index(getattr(act, "event", "purchase"))
        return Hits(-1 if tables.only_kind == kind else kind, tables.matching(act), since, until)

    def __call__(self, span: Span) -> Mask:
        """Which events of ``span`` count, bool [n]."""
        keep = np.ones(len(span.users), np.bool_)
        if self.products is not None:
            keep = self.products.take(span.products)
        if self.kind >= 0:
            keep &= span.kinds == self.kind
        if self.since > 0:
            keep &= span.seconds >= np.uint32(self.since)
        if self.until < LATEST:
            keep &= span.seconds <= np.uint32(self.until)
        return keep


class Scan:
    """A condition on events. ``measure`` gives arrays of one value a customer of the span."""

    def measure(self, span: Span) -> dict[str, npt.NDArray[Any]]:
        """What the condition is decided by, [len(span)] each."""
        raise NotImplementedError

    def met(self, measured: dict[str, npt.NDArray[Any]]) -> Mask:
        """Who meets the condition, bool [len(span)]."""
        raise NotImplementedError

    def tell(self, log: EventLog, row: int) -> tuple[bool, dict[str, Any]]:
        """Whether one customer meets it, and the true values."""
        span = log.span(row, row + 1)
        measured = self.measure(span)
        values = {name: _known(array[0].item()) for name, array in measured.items()}
        return bool(self.met(measured)[0]), values | self.more(span)

    def more(self, span: Span) -> dict[str, Any]:
        """What else helps to understand one customer's case."""
        return {}


@dataclass(frozen=True)
class BoughtScan(Scan):
    """Bought or not bought; ``times`` 0 is for those who did not."""

    hits: Hits
    times: int
    value: float | None

    def measure(self, span: Span) -> dict[str, npt.NDArray[Any]]:
        """``times``: orders; ``value``: money, where that counts."""
        found = self.hits(span)
        flags = np.zeros(len(span.owners), np.bool_)
        flags[span.orders[found]] = True
        measured: dict[str, npt.NDArray[Any]] = {}
        measured["times"] = np.bincount(span.owners[flags], minlength=len(span))
        if self.value is not None:
            measured["value"] = _money(span, found)
        return measured

    def met(self, measured: dict[str, npt.NDArray[Any]]) -> Mask:
        """Often enough and for enough money; or never."""
        times = measured["times"]
        enough: Mask = times >= self.times if self.times else times == 0
        return enough if self.value is None else enough & (measured["value"] >= self.value)

    def more(self, span: Span) -> dict[str, Any]:
        """When they did so last."""
        found = self.hits(span)
        return {"last": _last(span, found)}


@dataclass(frozen=True)
class ShareScan(Scan):
    """Share of spend."""

    all: Hits
    part: Hits
    min: float
    max: float

    def measure(self, span: Span) -> dict[str, npt.NDArray[Any]]:
        """``share``: NaN for those who spent nothing; ``spend``: of all products."""
        total, part = _money(span, self.all(span)), _money(span, self.part(span))
        share = np.full(len(span), np.nan)
        np.divide(part, total, out=share, where=total > 0)
        return {"share": np.round(share, 6), "spend": total}

    def met(self, measured: dict[str, npt.NDArray[Any]]) -> Mask:
        """Within the limits; not where nothing was spent."""
        share = measured["share"]
        return np.asarray((share >= self.min) & (share <= self.max), np.bool_)


@dataclass(frozen=True)
class SequenceScan(Scan):
    """One thing, then (not) the other within some days."""

    first: Hits
    second: Hits
    seconds: int
    followed: bool
    same_product: bool
    products: int

    def measure(self, span: Span) -> dict[str, npt.NDArray[Any]]:
        """``times``: how often it came about; ``first_times``: how often it could have."""
        firsts = np.flatnonzero(self.first(span))
        gap = self._gap(span, firsts, np.flatnonzero(self.second(span)))
        came = gap <= self.seconds if self.followed else gap > self.seconds
        users = span.users[firsts]
        return {
            "times": np.bincount(users[came], minlength=len(span)),
            "first_times": np.bincount(users, minlength=len(span)),
        }

    def met(self, measured: dict[str, npt.NDArray[Any]]) -> Mask:
        """Once is enough."""
        return np.asarray(measured["times"] > 0, np.bool_)

    def _gap(self, span: Span, firsts: Found, seconds: Found) -> Found:
        """Seconds from each first to the next second after it, int64 [n]; huge where none is."""
        if not len(firsts) or not len(seconds):
            return np.full(len(firsts), np.iinfo(np.int64).max)
        start, end = self._keys(span, firsts, seconds)
        place = np.minimum(np.searchsorted(end, start, side="right"), len(end) - 1)
        follower = end[place]
        later = (follower > start) & (follower >> 32 == start >> 32)
        return np.where(later, follower - start, np.iinfo(np.int64).max)

    def _keys(self, span: Span, firsts: Found, seconds: Found) -> tuple[Found, Found]:
        """Customer (and product) and time in one number for each event; those after, sorted."""
        both = np.concatenate([firsts, seconds])
        group = span.users[both].astype(np.int64)
        if self.same_product:
            pairs = group * self.products + span.products[both]
            group = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
        keys = group << 32 | span.seconds[both].astype(np.int64)
        end = keys[len(firsts) :]
        return keys[: len(firsts)], np.sort(end) if self.same_product else end

    def more(self, span: Span) -> dict[str, Any]:
        """When the first happened last."""
        found = self.first(span)
        return {"last_first": _last(span, found)}


def scan_of(condition: Bought | NotBought | Share | Sequence, tables: Tables) -> Scan:
    """The scan that decides ``condition``."""
    now = tables.now
    if isinstance(condition, Sequence):
        return _sequence(condition, tables, now)
    since = seconds_before(now, condition.days)
    if isinstance(condition, Share):
        spent = Act()
        return ShareScan(
            Hits.of(tables, spent, since),
            Hits.of(tables, condition, since),
            condition.min,
            condition.max,
        )
    until = seconds_before(now, condition.until_days) if condition.until_days else LATEST
    hits = Hits.of(tables, condition, since, until)
    if isinstance(condition, NotBought):
        return BoughtScan(hits, 0, None)
    return BoughtScan(hits, condition.times, condition.value)


def _sequence(condition: Sequence, tables: Tables, now: int) -> SequenceScan:
    second = condition.then or condition.then_not
    assert second is not None
    followed = condition.then is not None
    # What did not follow yet may still: only those count whose days are over.
    until = LATEST if followed else seconds_before(now, condition.within_days)
    return SequenceScan(
        Hits.of(tables, condition.first, seconds_before(now, condition.days), until),
        Hits.of(tables, second),
        round(condition.within_days * DAY),
        followed,
        condition.same_product,
        max(1, tables.products.height),
    )


def _money(span: Span, found: Mask) -> npt.NDArray[np.float64]:
    """Value of the events by customer, float64 [len(span)], to the cent."""
    # Adding up runs of neighbours is ten times as fast as counting customer by customer.
    there = np.flatnonzero(np.diff(span.starts))
    total = np.zeros(len(span))
    if len(there):
        paid = (span.values * found).astype(np.float64)
        total[there] = np.round(np.add.reduceat(paid, span.starts[there]), 2)
    return total


def _known(value: Any) -> Any:
    return None if value != value else value


def _last(span: Span, found: Mask) -> str | None:
    """The moment of the last of the events."""
    places = np.flatnonzero(found)
    return from_day(int(span.seconds[places[-1]]) / DAY).isoformat() if len(places) else None
