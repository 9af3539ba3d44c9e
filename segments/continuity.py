"""Ids and names that go on from the last build's, level by level, and what changed since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from segments.identity import Changes, Level, aligned, changes, matched, overlap
from segments.model import Segmentation

__all__ = ["PREFIXES", "Carried", "Previous", "carried", "since"]

Members = npt.NDArray[np.int32]

PREFIXES: Final = ("segment", "part")
"""Of the ids of each level."""


@dataclass(frozen=True)
class Previous:
    """The build that ids and names go on from.

    Attributes:
        build: its name.
        users: user ids by its rows.
        segmentation: what it found.
    """

    build: str
    users: pl.Series
    segmentation: Segmentation

    def level(self, level: int, users: pl.Series) -> Level:
        """Its segments or parts, members over the rows of ``users``."""
        found = self.segmentation.levels[level]
        return Level(found.ids, found.names, aligned(users, self.users, found.member))


class Carried(NamedTuple):
    """Ids of a level, names that go on, and how many ids have ever been given out."""

    ids: tuple[str, ...]
    names: tuple[str | None, ...]
    issued: int


def carried(previous: Previous | None, level: int, users: pl.Series, member: Members) -> Carried:
    """An id for each segment of ``member``: of the one it was before, or one never used.

    Args:
        previous: the last build, if there is one.
        level: 0 for segments, 1 for parts.
        users: user ids by row.
        member: segment of each or -1, int32 [n_users].
    """
    count = int(member.max(initial=-1)) + 1
    issued = previous.segmentation.issued[level] if previous else 0
    before = previous.level(level, users) if previous else Level((), (), np.full_like(member, -1))
    match = matched(overlap(before.member, member, (len(before.ids), count)))
    ids: list[str] = []
    for place in match:
        issued += place < 0
        ids.append(before.ids[place] if place >= 0 else f"{PREFIXES[level]}-{issued}")
    names = tuple(before.names[place] if place >= 0 else None for place in match)
    return Carried(tuple(ids), names, int(issued))


def since(
    previous: Previous | None, levels: tuple[Level, ...], users: pl.Series
) -> tuple[Changes, ...]:
    """What changed since ``previous``, by level; nothing without one.

    Args:
        previous: the earlier build.
        levels: of the later one.
        users: user ids by the later one's rows.
    """
    if previous is None:
        return ()
    return tuple(
        changes(level, previous.level(level, users), after) for level, after in enumerate(levels)
    )
