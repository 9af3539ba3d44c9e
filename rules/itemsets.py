"""``Itemsets``: frequent sets of items with their counts, as one array a length.

What every miner here gives, so that miners can be exchanged and compared. Sets of a length stand in
lexicographic order, each set's items ascending, which makes finding one a binary search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["Itemsets", "Sets", "held_in"]

Sets = npt.NDArray[np.int64]
"""Item rows of some sets of one length, int64 [n, length], ascending within a set."""


def held_in(keys: Sets, ordered: Sets) -> npt.NDArray[np.bool_]:
    """Which of ``keys`` int64 [n] stand in ``ordered`` int64 [m], ascending; bool [n].

    ``np.isin`` finds the distinct of both first, which takes longer than all the rest here.
    """
    if not len(ordered):
        return np.zeros(len(keys), np.bool_)
    place = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return np.asarray(ordered[place] == keys)


@dataclass(frozen=True)
class Itemsets:
    """Frequent sets by length.

    Attributes:
        n_items: items there are, frequent or not.
        sets: of each length from 1 up, int64 [n, length], in lexicographic order.
        counts: baskets with each, int64 [n] a length.
    """

    n_items: int
    sets: tuple[Sets, ...]
    counts: tuple[Sets, ...]

    @staticmethod
    def of(n_items: int, sets: Sequence[Sets], counts: Sequence[Sets]) -> Itemsets:
        """Put sets in order; lengths at the end that have none are dropped.

        Args:
            n_items: items there are.
            sets: of each length from 1 up, int64 [n, length], in any order.
            counts: baskets with each.
        """
        lines, numbers = [], []
        for one, count in zip(sets, counts, strict=True):
            if not len(one):
                break
            ascending = np.sort(one, axis=1)
            order = np.lexsort(ascending.T[::-1])
            lines.append(ascending[order])
            numbers.append(count[order])
        return Itemsets(n_items, tuple(lines), tuple(numbers))

    def __len__(self) -> int:
        return sum(map(len, self.counts))

    def up_to(self, length: int) -> Itemsets:
        """The sets of ``length`` items at most."""
        return Itemsets(self.n_items, self.sets[:length], self.counts[:length])

    def kept(self, masks: Sequence[npt.NDArray[np.bool_]]) -> Itemsets:
        """The sets that ``masks`` bool [n] a length keep; lengths without any stay, empty."""
        sets = [one[mask] for one, mask in zip(self.sets, masks, strict=True)]
        counts = [one[mask] for one, mask in zip(self.counts, masks, strict=True)]
        return Itemsets(self.n_items, tuple(sets), tuple(counts))

    def find(self, sets: Sets) -> Sets:
        """Places of ``sets`` int64 [n, length] among those of their length; -1 for none.

        Asks for all shorter sets at the front of each to be there too, as they are unless
        ``kept`` took them.
        """
        length = sets.shape[1]
        if length > len(self.sets):
            return np.full(len(sets), -1, np.int64)
        before = self.find(sets[:, :-1]) if length > 1 else np.zeros(len(sets), np.int64)
        keys = self._keys[length - 1]
        wanted = before * self.n_items + sets[:, -1]
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((before >= 0) & (keys[place] == wanted), place, -1)

    def count(self, sets: Sets) -> Sets:
        """Baskets with each of ``sets`` int64 [n, length]; 0 where a set is not among these."""
        place = self.find(sets)
        if sets.shape[1] > len(self.sets):
            return np.zeros(len(sets), np.int64)
        return np.where(place >= 0, self.counts[sets.shape[1] - 1][place], 0)

    @cached_property
    def _keys(self) -> list[Sets]:
        """Of each set the place of its front times ``n_items`` plus its last item, ascending."""
        keys: list[Sets] = []
        for one in self.sets:
            front = self.find_front(one, keys)
            keys.append(front * self.n_items + one[:, -1])
        return keys

    def find_front(self, sets: Sets, keys: list[Sets]) -> Sets:
        """Places of the sets' fronts, given the keys of all shorter lengths."""
        place = np.zeros(len(sets), np.int64)
        for column, known in zip(sets.T[:-1], keys, strict=False):
            place = np.searchsorted(known, place * self.n_items + column)
        return place

    def same(self, other: Itemsets) -> bool:
        """Whether both hold the same sets with the same counts."""
        return len(self.sets) == len(other.sets) and all(
            np.array_equal(a, b)
            for mine, theirs in ((self.sets, other.sets), (self.counts, other.counts))
            for a, b in zip(mine, theirs, strict=True)
        )

    def to_dict(self) -> dict[tuple[int, ...], int]:
        """Baskets by set, for small numbers of them."""
        return {
            tuple(items): int(count)
            for sets, counts in zip(self.sets, self.counts, strict=True)
            for items, count in zip(sets.tolist(), counts, strict=True)
        }
