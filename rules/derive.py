"""From frequent sets to counted rules with one consequent, as arrays; and condensed sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rules.candidates import Candidates
from rules.itemsets import Itemsets, Sets

__all__ = ["closed", "maximal", "rules_of"]

Mask = npt.NDArray[np.bool_]


def rules_of(itemsets: Itemsets, improvement: float) -> Candidates:
    """Every rule with one consequent that adds to the shorter ones.

    Args:
        itemsets: frequent sets; of each set its subsets too.
        improvement: a rule of three or more items stays where it has this many times the
            confidence of every rule to the same consequent with one item fewer.
    """
    found = Candidates.none()
    for length in range(2, len(itemsets.sets) + 1):
        for place in range(length):
            found = found.joined(_to(itemsets, length, place, improvement))
    return found


def _to(itemsets: Itemsets, length: int, place: int, improvement: float) -> Candidates:
    """Rules of sets of ``length`` to the item at ``place``."""
    sets, both = itemsets.sets[length - 1], itemsets.counts[length - 1]
    antecedent, consequent = np.delete(sets, place, axis=1), sets[:, place]
    left, right = itemsets.count(antecedent), itemsets.count(consequent[:, None])
    rules = Candidates(antecedent, consequent, both, left, right)
    if length == 2:
        return rules
    shorter = np.zeros(len(sets))
    for other in range(length):
        if other != place:
            whole = itemsets.count(np.delete(sets, other, axis=1))
            part = itemsets.count(np.delete(sets, (other, place), axis=1))
            shorter = np.maximum(shorter, whole / part)
    return rules.where(both / left >= improvement * shorter)


def closed(itemsets: Itemsets) -> Itemsets:
    """The sets that no set one longer has the count of: with them, all counts are known.

    Sets of the greatest length count as closed, as nothing longer was mined: mine one longer and
    cut it off to be exact.
    """
    return itemsets.kept(_unmatched(itemsets, same_count=True))


def maximal(itemsets: Itemsets) -> Itemsets:
    """The sets that are in no longer frequent set; of the greatest length as in ``closed``."""
    return itemsets.kept(_unmatched(itemsets, same_count=False))


def _unmatched(itemsets: Itemsets, same_count: bool) -> list[Mask]:
    """Which sets of each length have no superset one longer, of the same count if need be."""
    masks = [np.ones(len(sets), np.bool_) for sets in itemsets.sets]
    for length in range(2, len(itemsets.sets) + 1):
        sets, counts = itemsets.sets[length - 1], itemsets.counts[length - 1]
        for place in range(length):
            inside: Sets = itemsets.find(np.delete(sets, place, axis=1))
            covers = counts == itemsets.counts[length - 2][inside] if same_count else slice(None)
            masks[length - 2][inside[covers]] = False
    return masks
