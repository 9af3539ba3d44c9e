"""Sequences: after item A, item B is newly bought within some days.

What is counted is visits, thinned so that those of one customer lie at least that many days
apart: no purchase then counts twice. A visit leads to B where its customer buys B within the days
after it, and did not in the same days before nor at the visit itself: habit is no sequence.
Measures and tests are those of other rules, with visits for baskets and "B starts after it" for
the consequent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from graph.ids import IdMap
from rules.baskets import Baskets
from rules.candidates import Candidates
from rules.cooccurrence import BLOCK
from rules.itemsets import held_in

__all__ = ["Occasions", "occasions", "sequence_candidates", "waits"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Occasions:
    """Visits with what they held and what started after them.

    Attributes:
        visits: columns 0 to n - 1 are the items of a visit, n to 2n - 1 those that started after.
        days_until: from visit and item to days waited, float64 CSC [n_visits, n_items].
    """

    visits: Baskets
    days_until: sparse.csc_array

    @property
    def n_items(self) -> int:
        """Items of the level."""
        return int(self.days_until.shape[1])

    def where(self, mask: npt.NDArray[np.bool_]) -> Occasions:
        """The visits that ``mask`` bool [n_visits] keeps."""
        kept = sparse.csc_array(sparse.csr_array(self.days_until)[mask])
        return Occasions(self.visits.where(mask), kept)


def occasions(baskets: Baskets, within: float) -> Occasions:
    """Thinned visits that have ``within`` days of the shop's records before and after them."""
    order = np.lexsort((baskets.days, baskets.users))
    users, days = baskets.users[order].astype(np.int64), baskets.days[order]
    first, last = float(days.min(initial=0)), float(days.max(initial=0))
    span = last - first + 2 * within + 2
    clock = users * span + (days - first)
    seen = (days >= first + within) & (days <= last - within)
    chosen = _apart(clock, np.flatnonzero(seen), within)
    after = np.searchsorted(clock, clock[chosen], side="right")
    until = np.searchsorted(clock, clock[chosen] + within, side="right")
    since = np.searchsorted(clock, clock[chosen] - within, side="left")
    matrix = sparse.csr_array(baskets.matrix)[order]
    started = _started(matrix, days, chosen, (since, after, until))
    held = sparse.hstack([matrix[chosen], started.astype(np.bool_)], format="csr")
    names = pl.concat([baskets.items.ids, pl.Series("id", "then " + baskets.items.ids)])
    visits = Baskets(
        baskets.level,
        IdMap(names),
        sparse.csr_array(held),
        users=users[chosen].astype(np.int32),
        days=days[chosen],
    )
    return Occasions(visits, sparse.csc_array(started))


def _apart(clock: npt.NDArray[np.float64], rows: Rows, within: float) -> Rows:
    """Of ``rows`` in the order of the clock, the first and each that is ``within`` later."""
    kept, last = [], -np.inf
    for row in rows.tolist():
        if clock[row] > last + within:
            kept.append(row)
            last = clock[row]
    return np.array(kept, np.int64)


def _started(
    matrix: sparse.csr_array,
    days: npt.NDArray[np.float64],
    chosen: Rows,
    spans: tuple[Rows, Rows, Rows],
) -> sparse.csr_array:
    """Days from each visit to the first of each item that starts after it, CSR."""
    since, after, until = spans
    visit, item, day = _entries(matrix, days, after, until)
    order = np.lexsort((day, item, visit))
    visit, item, day = visit[order], item[order], day[order]
    new = np.ones(len(visit), np.bool_)
    new[1:] = (np.diff(visit) != 0) | (np.diff(item) != 0)
    visit, item, day = visit[new], item[new], day[new]
    old_visit, old_item, _ = _entries(matrix, days, since, after)
    width = matrix.shape[1]
    fresh = ~held_in(visit * width + item, np.sort(old_visit * width + old_item))
    waited = (day - days[chosen][visit])[fresh]
    shape = (len(chosen), width)
    return sparse.csr_array(sparse.coo_array((waited, (visit[fresh], item[fresh])), shape=shape))


def _entries(
    matrix: sparse.csr_array, days: npt.NDArray[np.float64], start: Rows, end: Rows
) -> tuple[Rows, Rows, npt.NDArray[np.float64]]:
    """Visit, item and day of all entries of the baskets ``start`` to ``end`` of each visit."""
    visit, basket = _spread(start, end)
    place, entry = _spread(*(matrix.indptr[basket + n].astype(np.int64) for n in (0, 1)))
    return visit[place], matrix.indices[entry].astype(np.int64), days[basket[place]]


def _spread(start: Rows, end: Rows) -> tuple[Rows, Rows]:
    """Number of the span and each place in it, for the spans ``start`` to ``end``."""
    size = end - start
    which = np.repeat(np.arange(len(size)), size)
    inside = np.arange(len(which)) - np.repeat(np.cumsum(size) - size, size)
    return which, start[which] + inside


def sequence_candidates(visits: Baskets, n_items: int, min_count: int) -> Candidates:
    """Rules from one item to one that starts after it, over the doubled items of ``visits``."""
    counts = visits.counts
    first = np.flatnonzero(counts[:n_items] >= min_count)
    second = np.flatnonzero(counts[n_items:] >= min_count) + n_items
    before = sparse.csr_array(visits.matrix[:, first].astype(np.int32).T)
    after = sparse.csr_array(visits.matrix[:, second].astype(np.int32))
    found = Candidates.none()
    for start in range(0, len(first), BLOCK):
        cells = sparse.coo_array(before[start : start + BLOCK] @ after)
        keep = cells.data >= min_count
        a = first[cells.coords[0][keep] + start]
        b, both = second[cells.coords[1][keep]], cells.data[keep].astype(np.int64)
        found = found.joined(Candidates(a[:, None], b, both, counts[a], counts[b]))
    return found


def waits(rules: Candidates, seen: Occasions) -> pl.DataFrame:
    """Columns wait_days, wait_low, wait_high: median and quartiles of the days waited."""
    held = sparse.csc_array(seen.visits.matrix[:, : seen.n_items])
    held.sort_indices()
    until = seen.days_until
    rows = np.full((len(rules), 3), np.nan)
    for i, (a, b) in enumerate(
        zip(rules.antecedent[:, 0], rules.consequent - seen.n_items, strict=True)
    ):
        with_a = held.indices[held.indptr[a] : held.indptr[a + 1]].astype(np.int64)
        span = slice(until.indptr[b], until.indptr[b + 1])
        days = until.data[span][held_in(until.indices[span].astype(np.int64), with_a)]
        rows[i] = np.quantile(days, (0.5, 0.25, 0.75))
    names = ("wait_days", "wait_low", "wait_high")
    return pl.DataFrame(dict(zip(names, rows.T, strict=True)))
