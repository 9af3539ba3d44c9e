"""The fast exact miner: vertical bitsets within the baskets of each item.

Items go by how often they are bought, the rarest first (Zaki, "Scalable algorithms for association
mining", TKDE 2000). Each opens a class: all sets in which it is the rarest. Within it only its own
baskets matter, so each partner becomes a bitset as long as the item's count, and baskets with a set
are the population count of an AND of bitsets. Rare items make short bitsets, frequent ones have
few partners left: a class stays small either way, and memory holds one class at a time.

Pairs are counted by one sparse product, so a long basket costs the square of its frequent items
once; what it alone holds never becomes a candidate of three.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse

from loaders.errors import ConfigError
from rules.baskets import Baskets
from rules.cooccurrence import pair_counts
from rules.itemsets import Itemsets, Sets

__all__ = ["vertical"]

WORDS = 1 << 17
"""Words of 64 baskets taken at a time: 1 MB, which caches hold."""
JOINED = 1 << 20
"""Candidates made at a time, about."""

Bits = npt.NDArray[np.uint64]


def vertical(
    baskets: Baskets, min_count: int, max_length: int, most: int | None = None
) -> Itemsets:
    """Sets of up to ``max_length`` items in at least ``min_count`` baskets, exactly.

    Args:
        baskets: of one level.
        min_count: least baskets, at least 1.
        max_length: most items in a set, at least 1.
        most: sets there may be; ``None`` for any number.

    Raises:
        ConfigError: there are more than ``most`` sets.
    """
    counts = baskets.counts
    single = np.flatnonzero(counts >= min_count)
    found = _Found([[single[:, None]]], [[counts[single]]], most)
    found.check()
    if max_length > 1:
        first, second, both = pair_counts(baskets, min_count)
        once = first < second
        found.add(2, np.column_stack([first[once], second[once]]), both[once])
    if max_length > 2 and found.sets[1]:
        ranked = _Ranked.of(baskets, single, found.sets[1][0])
        for item in np.flatnonzero(np.diff(ranked.partners.indptr) > 1):
            for sets, both in _class(ranked, int(item), min_count, max_length):
                found.add(sets.shape[1], ranked.items[sets], both)
    return found.itemsets(len(baskets.items))


@dataclass
class _Found:
    """Sets as they are found, by length."""

    sets: list[list[Sets]]
    counts: list[list[Sets]]
    most: int | None
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = len(self.counts[0][0])

    def add(self, length: int, sets: Sets, counts: Sets) -> None:
        while len(self.sets) < length:
            self.sets.append([])
            self.counts.append([])
        self.sets[length - 1].append(sets)
        self.counts[length - 1].append(counts)
        self.total += len(counts)
        self.check()

    def check(self) -> None:
        if self.most is not None and self.total > self.most:
            raise ConfigError(
                f"more than {self.most:,} frequent sets of items; raise the support, or allow more"
            )

    def itemsets(self, n_items: int) -> Itemsets:
        none = np.empty(0, np.int64)
        sets = [
            np.concatenate([np.empty((0, i + 1), np.int64), *parts])
            for i, parts in enumerate(self.sets)
        ]
        counts = [np.concatenate([none, *parts]) for parts in self.counts]
        return Itemsets.of(n_items, sets, counts)


@dataclass(frozen=True)
class _Ranked:
    """Baskets over frequent items, the rarest first.

    Attributes:
        items: the item row of each rank, int64 [n].
        held: baskets by ranks, CSR; those with two items or fewer left out.
        holders: the same, CSC.
        partners: CSR [n, n], for each rank the later ones it makes a frequent pair with.
    """

    items: Sets
    held: sparse.csr_array
    holders: sparse.csc_array
    partners: sparse.csr_array

    @staticmethod
    def of(baskets: Baskets, single: Sets, pairs: Sets) -> _Ranked:
        items = single[np.argsort(baskets.counts[single], kind="stable")]
        rank = np.full(len(baskets.items), -1, np.int64)
        rank[items] = np.arange(len(items))
        ends = np.sort(rank[pairs], axis=1)
        shape = (len(items), len(items))
        entries = (np.ones(len(ends), np.bool_), (ends[:, 0], ends[:, 1]))
        partners = sparse.csr_array(sparse.coo_array(entries, shape=shape))
        held = sparse.csr_array(baskets.matrix[:, items])
        held = held[np.diff(held.indptr) > 2]
        return _Ranked(items, held, sparse.csc_array(held), partners)

    def bits(self, item: int, among: Sets) -> Bits:
        """Of the baskets with ``item``, which hold each of ``among``: [len(among), words]."""
        rows = self.holders.indices[self.holders.indptr[item] : self.holders.indptr[item + 1]]
        inside = self.held[rows]
        place = np.full(len(self.items), -1, np.int64)
        place[among] = np.arange(len(among))
        line = place[inside.indices]
        basket = np.repeat(np.arange(len(rows)), np.diff(inside.indptr))[line >= 0]
        width = -(-len(rows) // 64) * 8
        packed = np.zeros(len(among) * width, np.uint8)
        byte = line[line >= 0] * width + basket // 8
        np.bitwise_or.at(packed, byte, np.uint8(1) << (basket % 8).astype(np.uint8))
        return packed.view(np.uint64).reshape(len(among), width // 8)


def _class(
    ranked: _Ranked, item: int, min_count: int, max_length: int
) -> Iterator[tuple[Sets, Sets]]:
    """Sets of three and more items of whom ``item`` is the rarest, as ranks, with their counts."""
    partners = ranked.partners.indices[slice(*ranked.partners.indptr[item : item + 2])]
    among = np.sort(partners).astype(np.int64)
    bits = ranked.bits(item, among)
    tails = _frequent(bits, _pairs_within(ranked, among), min_count)
    while len(tails[0]):
        sets, both = tails
        front = np.full((len(sets), 1), item, np.int64)
        yield np.hstack([front, among[sets]]), both
        if sets.shape[1] + 2 > max_length:
            return
        longer = [_frequent(bits, joined, min_count) for joined in _joined(sets)]
        none = (np.empty((0, sets.shape[1] + 1), np.int64), np.empty(0, np.int64))
        tails = (
            np.concatenate([none[0], *(part[0] for part in longer)]),
            np.concatenate([none[1], *(part[1] for part in longer)]),
        )


def _pairs_within(ranked: _Ranked, among: Sets) -> Sets:
    """Places in ``among`` of the frequent pairs there, int64 [n, 2], in lexicographic order."""
    place = np.full(len(ranked.items), -1, np.int64)
    place[among] = np.arange(len(among))
    rows = sparse.csr_array(ranked.partners[among])
    rows.sort_indices()
    first = np.repeat(np.arange(len(among)), np.diff(rows.indptr))
    second = place[rows.indices]
    return np.column_stack([first, second])[second >= 0]


def _frequent(bits: Bits, sets: Sets, min_count: int) -> tuple[Sets, Sets]:
    """Those of ``sets`` int64 [n, length] in ``min_count`` baskets of the class; their counts."""
    step = max(1, WORDS // max(1, bits.shape[1]))
    both = np.zeros(len(sets), np.int64)
    for start in range(0, len(sets), step):
        part = sets[start : start + step]
        common = bits[part[:, 0]]
        for column in part.T[1:]:
            common &= bits[column]
        both[start : start + step] = np.bitwise_count(common).sum(axis=1, dtype=np.int64)
    keep = both >= min_count
    return sets[keep], both[keep]


def _joined(sets: Sets) -> Iterator[Sets]:
    """Sets one longer from two that differ in their last item alone, in blocks.

    ``sets`` int64 [n, length] stand in lexicographic order, and so do the longer ones.
    """
    new = np.ones(len(sets), np.bool_)
    new[1:] = (sets[1:, :-1] != sets[:-1, :-1]).any(axis=1)
    ends = np.append(np.flatnonzero(new)[1:], len(sets))
    later = ends[np.cumsum(new) - 1] - np.arange(len(sets)) - 1
    block = np.cumsum(later) // JOINED
    for which in np.unique(block):
        rows = np.flatnonzero((block == which) & (later > 0))
        first = np.repeat(rows, later[rows])
        start = np.repeat(np.cumsum(later[rows]) - later[rows], later[rows])
        second = first + 1 + np.arange(len(first)) - start
        yield np.hstack([sets[first], sets[second, -1:]])
