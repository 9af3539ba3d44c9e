"""``Habits``: how often, how lately and in what rhythm each customer buys each thing.

A thing is a product, a category of some level or a brand; all of them are asked the same
questions. One sort of the lines, so a million lines take a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graph.interactions import InteractionGraph

__all__ = ["HALF_LIVES", "PERIOD", "Found", "Habits", "habits"]

HALF_LIVES: Final = (7, 21, 60, 180)
"""Days after which a visit counts half."""
PERIOD: Final = 31
"""Days of the latest periods that visits are counted in."""
UNKNOWN: Final = frozenset({"age_first", "age_last", "gap", "gap_sd", "gap_mid", "gap_last"})
"""Columns that are NaN, not 0, where there is nothing to tell."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Found = tuple[Ints, npt.NDArray[np.bool_]]
"""Places of pairs in a ``Habits``, and whether each is there at all."""


@dataclass(frozen=True)
class Habits:
    """One entry a pair of customer and thing that met, by customer and then thing.

    Attributes:
        keys: int64 [n], customer * n_things + thing, ascending.
        n_things: how many things there are.
        columns: float32 [n] each: ``lines``; ``visits`` (days with a purchase); ``decay_H``,
            visits halved each H days; ``recent_0`` to ``recent_2``, visits in the last periods;
            ``age_first`` and ``age_last``, days; ``gap``, ``gap_sd``, ``gap_mid`` (the median)
            and ``gap_last`` between visits, days; ``quantity``; ``value``, money.
    """

    keys: Ints
    n_things: int
    columns: dict[str, Floats]

    @cached_property
    def users(self) -> Ints:
        """Customer of each pair, int64 [n]."""
        return self.keys // self.n_things

    @cached_property
    def things(self) -> Ints:
        """Thing of each pair, int64 [n]."""
        return self.keys % self.n_things

    def find(self, users: Ints, things: npt.NDArray[np.integer]) -> Found:
        """Where pairs stand; things of -1 are never there."""
        asked = users * self.n_things + things
        place = np.searchsorted(self.keys, asked)
        place[place == len(self.keys)] = 0
        there = np.zeros(len(asked), np.bool_)
        if len(self.keys):
            there = (self.keys[place] == asked) & (things >= 0)
        return place, there

    def at(self, name: str, found: Found) -> Floats:
        """A column for pairs that ``find`` looked up, float32; what is unknown is NaN or 0."""
        missing = np.float32(np.nan if name in UNKNOWN else 0)
        if not len(self.keys):
            return np.full(len(found[0]), missing, np.float32)
        return np.where(found[1], self.columns[name][found[0]], missing)

    def per_thing(self, weights: npt.NDArray[np.floating] | npt.NDArray[np.bool_]) -> Floats:
        """Sum of ``weights`` [n] by thing, float32 [n_things]."""
        return np.bincount(self.things, weights, self.n_things).astype(np.float32)


def habits(
    bought: InteractionGraph, things: npt.NDArray[np.integer], n_things: int, now: float
) -> Habits:
    """Gather purchase lines; those of thing -1 are left out, unknown amounts count 0.

    Args:
        bought: purchases.
        things: row of the thing that each line bought, int [n_lines].
        n_things: how many things there are.
        now: the day that ages are counted to, since 1970-01-01 UTC.
    """
    known = np.flatnonzero(things >= 0)
    key = bought.user_rows[known].astype(np.int64) * n_things + things[known]
    order = np.lexsort((bought.days[known], key))
    key, line = key[order], known[order]
    first = _starts(key)
    pair = np.cumsum(first) - 1
    n = int(first.sum())
    columns: dict[str, npt.NDArray[Any]] = _rhythm(bought.days[line], first, pair, n, now)
    columns["lines"] = np.bincount(pair, minlength=n).astype(float)
    for name, amounts in (("quantity", bought.quantities), ("value", bought.values)):
        columns[name] = np.bincount(pair, np.nan_to_num(amounts[line]).astype(np.float64), n)
    return Habits(key[first], n_things, {k: v.astype(np.float32) for k, v in columns.items()})


def _starts(key: Ints) -> npt.NDArray[np.bool_]:
    """Where a sorted key changes."""
    first = np.ones(len(key), np.bool_)
    first[1:] = key[1:] != key[:-1]
    return first


def _rhythm(
    days: npt.NDArray[np.float64], first: npt.NDArray[np.bool_], pair: Ints, n: int, now: float
) -> dict[str, npt.NDArray[Any]]:
    """Columns of visits: lines of one day are one visit."""
    day = np.floor(days)
    visit = first.copy()
    visit[1:] |= day[1:] != day[:-1]
    days, pair = days[visit], pair[visit]
    age = np.maximum(now - days, 0)
    start = np.searchsorted(pair, np.arange(n))
    end = np.searchsorted(pair, np.arange(n), side="right") - 1
    found = {"visits": np.bincount(pair, minlength=n).astype(float)}
    for half in HALF_LIVES:
        found[f"decay_{half}"] = np.bincount(pair, np.exp2(-age / half), n)
    period = np.floor(age / PERIOD)
    for i in range(3):
        found[f"recent_{i}"] = np.bincount(pair, (period == i).astype(float), n)
    found["age_first"], found["age_last"] = age[start], age[end]
    return found | _gaps(days, pair, n)


def _gaps(days: npt.NDArray[np.float64], pair: Ints, n: int) -> dict[str, npt.NDArray[Any]]:
    """Days between successive visits of a pair: mean, deviation, median and the last one."""
    same = pair[1:] == pair[:-1]
    gap, owner = np.diff(days)[same], pair[1:][same]
    count = np.bincount(owner, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(owner, gap, n) / count
        square = np.bincount(owner, gap**2, n) / count
    last = np.full(n, np.nan)
    last[owner] = gap
    deviation = np.where(count > 1, np.sqrt(np.maximum(square - mean**2, 0)), np.nan)
    ordered = gap[np.lexsort((gap, owner))]
    start, some = np.searchsorted(owner, np.arange(n)), count > 0
    middle = np.full(n, np.nan)
    low = start[some] + (count[some] - 1) // 2
    middle[some] = (ordered[low] + ordered[start[some] + count[some] // 2]) / 2
    return {"gap": mean, "gap_sd": deviation, "gap_mid": middle, "gap_last": last}
