"""Segments that stay the same from build to build: which one of before each is, and what changed.

Two builds number their communities as they find them. Those of a new build are matched one to one
to the last one's so that as many customers as possible stay where they were (Kuhn 1955, by
``scipy.optimize.linear_sum_assignment`` on the customers both have), and a match that is too thin
is none: below ``SAME`` of Jaccard it is a new thing under an old name. What is left over came from
somewhere: most of a new one's customers from one before it (a split), most of an old one's into
one after it (a merge), or neither (a birth, a death). See Greene, Doyle and Cunningham, "Tracking
the evolution of communities in dynamic social networks" (ASONAM 2010).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = ["Change", "Changes", "Flow", "Level", "aligned", "changes", "matched", "overlap"]

Members = npt.NDArray[np.int32]
Table = npt.NDArray[np.int64]
Kind = Literal["kept", "split", "merged", "born", "died"]
Reason = Literal["moved", "split", "merged", "born", "died"]

SAME = 0.25
"""Least Jaccard of two communities that are one. A community that falls in four equal parts goes on
as one of them; below, nobody would know it again."""

MOST = 0.5
"""Share of a community's customers that says where it came from or went."""


@dataclass(frozen=True)
class Level:
    """One level of one build's segments.

    Attributes:
        ids, names: of its segments.
        member: int32 [n_users], place in them or -1.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    member: Members


@dataclass(frozen=True)
class Change:
    """What became of one segment.

    Attributes:
        kind: kept, split (new, most of it from one that was there), merged (gone, most of it in
            one that is there), born (new, from many or from none), died (gone, into many).
        id, name: of the segment.
        other_id, other_name: what it split from or merged into; ``None`` otherwise.
        before, after: customers of both builds that were, and are, in it.
        jaccard: of these two sets; 0 unless kept.
        arrived: customers in it who were in none.
    """

    kind: Kind
    id: str
    name: str
    other_id: str | None
    other_name: str | None
    before: int
    after: int
    jaccard: float
    arrived: int = 0


@dataclass(frozen=True)
class Flow:
    """Customers who were in one segment and are in another.

    ``reason`` is what moved them: their old segment merged or died, their new one split off or was
    born, or both went on and they themselves moved.
    """

    source: str
    target: str
    customers: int
    reason: Reason


@dataclass(frozen=True)
class Changes:
    """One level of a build against the same level of the one before.

    Attributes:
        level: 0 is the broadest.
        customers: who were and are in a segment.
        kept: of them, those whose segment has the id that it had.
        arrived, left: who only are, or only were, in one.
        segments: what became of each, those that are there first.
        flows: those who are not ``kept``, most customers first.
    """

    level: int
    customers: int
    kept: int
    arrived: int
    left: int
    segments: tuple[Change, ...]
    flows: tuple[Flow, ...]

    @property
    def kept_share(self) -> float:
        """Share of the customers of both builds whose segment kept its id; 1 of none."""
        return self.kept / self.customers if self.customers else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Plain keys and values, ready for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Changes:
        """What ``to_dict`` gave, read back from JSON."""
        segments = tuple(Change(**each) for each in data["segments"])
        flows = tuple(Flow(**each) for each in data["flows"])
        return Changes(**{**data, "segments": segments, "flows": flows})


def aligned(users: pl.Series, before: pl.Series, member: Members) -> Members:
    """Members of an earlier build over a later one's rows, int32 [len(users)]; -1 for the unknown.

    Args:
        users: user ids of the later build, by row.
        before: user ids of the earlier one, by row.
        member: over the rows of ``before``.
    """
    place = pl.DataFrame({"id": before, "member": member})
    found = pl.DataFrame({"id": users}).join(place, on="id", how="left", maintain_order="left")
    return found["member"].fill_null(-1).to_numpy().astype(np.int32)


def overlap(before: Members, after: Members, sizes: tuple[int, int]) -> Table:
    """Customers in each pair of segments, int64 [sizes[0], sizes[1]]; those in none don't count.

    Args:
        before: segment of each customer or -1, int32 [n_users].
        after: the same later, over the same rows.
        sizes: number of segments before and after.
    """
    both = (before >= 0) & (after >= 0)
    table = np.zeros(sizes, np.int64)
    np.add.at(table, (before[both], after[both]), 1)
    return table


def matched(table: Table) -> npt.NDArray[np.int64]:
    """Which segment of before each one of after is, int64 [n_after]; -1 for none.

    Args:
        table: as ``overlap`` gives it.
    """
    from scipy.optimize import linear_sum_assignment

    found = np.full(table.shape[1], -1, np.int64)
    old, new = linear_sum_assignment(table, maximize=True)
    alike = _jaccard(table)[old, new] >= SAME
    found[new[alike]] = old[alike]
    return found


def changes(level: int, before: Level, after: Level) -> Changes:
    """What changed from one build to the next on one level; equal ids are the same segment.

    Args:
        level: 0 is the broadest.
        before: the earlier build, over the rows of ``after``.
        after: the later one.
    """
    table = overlap(before.member, after.member, (len(before.ids), len(after.ids)))
    fate = [*_present(before, after, table), *_gone(before, after, table)]
    flows = _flows(before, after, table, {change.id: change.kind for change in fate})
    was, now = before.member >= 0, after.member >= 0
    both = int((was & now).sum())
    return Changes(
        level=level,
        customers=both,
        kept=both - sum(flow.customers for flow in flows),
        arrived=int((now & ~was).sum()),
        left=int((was & ~now).sum()),
        segments=tuple(fate),
        flows=tuple(flows),
    )


def _jaccard(table: Table) -> npt.NDArray[np.float64]:
    either = table.sum(axis=1)[:, None] + table.sum(axis=0)[None, :] - table
    return np.asarray(table / np.maximum(either, 1), np.float64)


def _present(before: Level, after: Level, table: Table) -> list[Change]:
    """What became of the segments that are there: they were kept, split off or were born."""
    place = {id_: row for row, id_ in enumerate(before.ids)}
    was, now, alike = table.sum(axis=1), table.sum(axis=0), _jaccard(table)
    everybody = np.bincount(after.member[after.member >= 0], minlength=len(after.ids))
    found = []
    for new, (id_, name) in enumerate(zip(after.ids, after.names, strict=True)):
        size, old = int(now[new]), place.get(id_)
        arrived = int(everybody[new]) - size
        if old is not None:
            jaccard = float(alike[old, new])
            found.append(
                Change("kept", id_, name, None, None, int(was[old]), size, jaccard, arrived)
            )
        else:
            source = _mostly(table[:, new], size + arrived)
            kind: Kind = "born" if source is None else "split"
            found.append(Change(kind, id_, name, *_named(before, source), 0, size, 0.0, arrived))
    return found


def _gone(before: Level, after: Level, table: Table) -> list[Change]:
    """What became of the segments that are not there any more: they merged or died."""
    was, found = table.sum(axis=1), []
    for old, (id_, name) in enumerate(zip(before.ids, before.names, strict=True)):
        if id_ not in after.ids:
            target = _mostly(table[old], int(was[old]))
            kind: Kind = "died" if target is None else "merged"
            found.append(Change(kind, id_, name, *_named(after, target), int(was[old]), 0, 0.0))
    return found


def _flows(before: Level, after: Level, table: Table, fate: dict[str, Kind]) -> list[Flow]:
    """Customers whose segment has another id, by where from and where to."""
    reasons: dict[Kind, Reason] = {k: k for k in ("split", "merged", "born", "died")}
    found = []
    for old, new in zip(*np.nonzero(table), strict=True):
        source, target = before.ids[old], after.ids[new]
        if source != target:
            reason = reasons.get(fate[source]) or reasons.get(fate[target]) or "moved"
            found.append(Flow(source, target, int(table[old, new]), reason))
    return sorted(found, key=lambda flow: -flow.customers)


def _mostly(counts: npt.NDArray[np.int64], total: int) -> int | None:
    """Where ``MOST`` of the ``total`` customers are; ``None`` where they are scattered."""
    most = counts.max(initial=0)
    return int(counts.argmax()) if most and most >= MOST * total else None


def _named(level: Level, place: int | None) -> tuple[str | None, str | None]:
    return (None, None) if place is None else (level.ids[place], level.names[place])
