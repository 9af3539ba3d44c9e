"""``Arrangement``: what a shop itself wants of a list, beside what suits the customer.

Applied in this order, so that two rules never leave the outcome open: what is barred leaves; scores
are multiplied; of a group with a limit the most relevant stay; a group with a least number gets its
places from the end of the list up; what is pinned takes its place. A request's own rules come
first: a product they bar is not pinned, and a list is as long as it would be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ranking.scorer import Scores

__all__ = ["Arrangement", "Slots"]

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Slots:
    """How many of a list's places a group of products may or must have.

    Attributes:
        members: products of the group, bool [n_products].
        count: places.
    """

    members: Mask
    count: int


@dataclass(frozen=True)
class Arrangement:
    """What is changed of every list it is given to.

    Attributes:
        allowed: products that may be listed, bool [n_products]; ``None`` for all.
        factor: what scores are multiplied by, above 0, float32 [n_products]; ``None`` for nothing.
        at_most: groups with a limit; a product that is in several counts in each.
        at_least: groups that must have places, where they have products; earlier ones come first.
        pins: places, 0 is the first, and the product rows that take them.
    """

    allowed: Mask | None = None
    factor: Scores | None = None
    at_most: tuple[Slots, ...] = ()
    at_least: tuple[Slots, ...] = ()
    pins: tuple[tuple[int, int], ...] = field(default=())

    @property
    def rearranges(self) -> bool:
        """Whether places change beyond what scores and masks do."""
        return bool(self.at_most or self.at_least or self.pins)

    @cached_property
    def raises(self) -> bool:
        """Whether a product may come from further down than its score has it."""
        return bool(self.at_least) or (self.factor is not None and bool((self.factor > 1).any()))

    @cached_property
    def pin_rows(self) -> Rows:
        """Rows of the pins, int64 [n_pins]."""
        return np.array([row for _, row in self.pins], np.int64)

    def pinned(self, may: Mask) -> tuple[tuple[int, int], ...]:
        """Pins by place, those of products that may be listed by ``may`` bool [n_pins]."""
        return tuple(sorted(pin for pin, listed in zip(self.pins, may, strict=True) if listed))

    def limited(self, rows: Rows, pinned: Rows) -> Mask:
        """Which candidates stay within the limits, the pinned counting first, bool [n].

        Args:
            rows: candidates, the most relevant first, int64 [n].
            pinned: rows that have a place whatever their group, int64 [m].
        """
        keep = np.ones(len(rows), np.bool_)
        for slots in self.at_most:
            left = slots.count - int(slots.members[pinned].sum())
            inside = slots.members[rows] & keep
            keep &= ~inside | (np.cumsum(inside) <= left)
        return keep

    def composed(
        self, rows: Rows, extra: Rows, pinned: tuple[tuple[int, int], ...], k: int
    ) -> Rows:
        """The list: at most ``k`` product rows, int64.

        Args:
            rows: candidates, the most relevant first, int64 [n].
            extra: candidates of ``at_least`` that may be missing from ``rows``, int64 [m].
            pinned: what ``pinned`` gives.
            k: length of the list.
        """
        pins = [(place, row) for place, row in pinned if place < k]
        fixed = np.array(sorted({row for _, row in pins}), np.int64)
        more = extra[~np.isin(extra, rows)]
        rows = np.concatenate([rows, more])
        rows = rows[~np.isin(rows, fixed)]
        rows = rows[self.limited(rows, fixed)]
        most = k - len(fixed)
        chosen = self._with_least(rows, fixed, most)
        return _pinned(rows[chosen], pins, k)

    def _with_least(self, rows: Rows, fixed: Rows, most: int) -> Mask:
        """Which of ``rows`` are among the ``most``, once groups have their least places."""
        chosen = np.arange(len(rows)) < most
        needed = np.zeros(len(rows), np.bool_)
        for slots in self.at_least:
            inside = slots.members[rows]
            have = int((inside & chosen).sum()) + int(slots.members[fixed].sum())
            coming = np.flatnonzero(inside & ~chosen)[: max(0, slots.count - have)]
            for place in coming:
                free = np.flatnonzero(chosen & ~inside & ~needed)
                if chosen.sum() >= most:
                    if not len(free):
                        break
                    chosen[free[-1]] = False
                chosen[place] = True
            needed |= inside & chosen
        return chosen


def _pinned(rows: Rows, pins: list[tuple[int, int]], k: int) -> Rows:
    """``rows`` with pinned products at their places; of two for one place the second is next."""
    listed, seen = [int(row) for row in rows], set[int]()
    for place, row in pins:
        if row not in seen:
            seen.add(row)
            listed.insert(min(place, len(listed)), row)
    return np.array(listed[:k], np.int64)
