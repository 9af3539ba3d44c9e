"""What purchase models know of a customer: repeat purchases, when the last was, how long watched.

Notation of Fader, Hardie and Lee (2005): x, t_x and T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lifecycle.occasions import Bools, Floats, Ints, Occasions

__all__ = ["Summary", "summarise"]


@dataclass(frozen=True)
class Summary:
    """Buyers only, in the order of their rows.

    Attributes:
        users: int64 [n].
        repeats: occasions after the first (x), float64 [n].
        last: from the first occasion to the latest (t_x), float64 [n] days; 0 without repeats.
        age: from the first occasion to now (T), float64 [n] days.
    """

    users: Ints
    repeats: Floats
    last: Floats
    age: Floats

    def __len__(self) -> int:
        return len(self.repeats)

    def where(self, mask: Bools) -> Summary:
        """The customers that ``mask`` bool [n] keeps."""
        return Summary(self.users[mask], self.repeats[mask], self.last[mask], self.age[mask])

    def scaled(self, unit: float) -> Summary:
        """The same with time in units of ``unit`` days."""
        return Summary(self.users, self.repeats, self.last / unit, self.age / unit)

    def sampled(self, most: int, seed: int) -> Summary:
        """At most ``most`` customers, drawn at random."""
        if len(self) <= most:
            return self
        drawn = np.random.default_rng(seed).choice(len(self), most, replace=False)
        mask = np.zeros(len(self), np.bool_)
        mask[drawn] = True
        return self.where(mask)


def summarise(occasions: Occasions, now: float) -> Summary:
    """Count repeats and measure times of all who bought.

    Args:
        occasions: everything known at ``now``.
        now: days since 1970-01-01 UTC.
    """
    users = np.flatnonzero(occasions.counts)
    first = np.floor(occasions.first[users])
    last = np.floor(occasions.last[users]) - first
    age = np.maximum(now - first, last)
    return Summary(users, (occasions.counts[users] - 1).astype(np.float64), last, age)
