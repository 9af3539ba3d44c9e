"""Counting given rules in given baskets, by group: bitsets over blocks of baskets.

Rules found on some baskets are judged on others: those of a later month, those of each segment.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from rules.baskets import Baskets
from rules.candidates import Candidates

__all__ = ["counts_by_group"]

BLOCK = 16_384
"""Baskets packed at a time; a multiple of 64."""
RULES = 512
"""Rules counted at a time, so that their words stay in the caches."""

Counts = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]


def counts_by_group(
    rules: Candidates, baskets: Baskets, group: Counts, groups: int
) -> tuple[Counts, Counts, Counts]:
    """Baskets of each group with both sides, the antecedent and the consequent.

    Args:
        rules: over the items of ``baskets``.
        baskets: where to count.
        group: group of each basket, int64 [n_baskets], -1 for none.
        groups: how many there are.

    Returns:
        Three arrays int64 [n_rules, groups].
    """
    used = np.unique(np.concatenate([rules.antecedent.ravel(), rules.consequent, [-1]]))
    antecedent = np.searchsorted(used, rules.antecedent)
    consequent = np.searchsorted(used, rules.consequent)
    both, left, right = (np.zeros((len(rules), groups), np.int64) for _ in range(3))
    for number in range(groups):
        for bits in _packed(baskets, np.flatnonzero(group == number), used):
            with_item = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
            right[:, number] += with_item[consequent]
            for start in range(0, len(rules), RULES):
                part = slice(start, start + RULES)
                common = bits[antecedent[part, 0]]
                for column in antecedent[part].T[1:]:
                    common &= bits[column]
                left[part, number] += np.bitwise_count(common).sum(axis=1, dtype=np.int64)
                common &= bits[consequent[part]]
                both[part, number] += np.bitwise_count(common).sum(axis=1, dtype=np.int64)
    return both, left, right


def _packed(baskets: Baskets, rows: Counts, used: Counts) -> Iterator[Bits]:
    """Which of ``rows`` hold each item of ``used``, whose first is -1 and held by all."""
    place = np.zeros(len(baskets.items), np.int64)
    place[used[1:]] = np.arange(1, len(used))
    for start in range(0, len(rows), BLOCK):
        inside = baskets.matrix[rows[start : start + BLOCK]]
        n = inside.shape[0]
        width = -(-n // 64) * 8
        line, basket = place[inside.indices], np.repeat(np.arange(n), np.diff(inside.indptr))
        line, basket = (
            np.concatenate([line, np.zeros(n, np.int64)]),
            np.concatenate([basket, np.arange(n)]),
        )
        kept = (line > 0) | (np.arange(len(line)) >= inside.nnz)
        line, basket = line[kept], basket[kept]
        packed = np.zeros(len(used) * width, np.uint8)
        bit = np.uint8(1) << (basket % 8).astype(np.uint8)
        np.bitwise_or.at(packed, line * width + basket // 8, bit)
        yield packed.view(np.uint64).reshape(len(used), width // 8)
