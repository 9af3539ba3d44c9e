"""Each customer's rhythm: the usual interval between two purchases, and what is late for this shop.

The usual interval is a geometric mean, as waits differ by factors: one holiday must not make a
weekly customer a monthly one. Few intervals of one's own are mixed with the shop's. How many usual
intervals are late is no fixed number but read from the shop: from how long its customers wait, and
how long those stayed away who came back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lifecycle.config import LifecycleConfig
from lifecycle.occasions import Floats, Ints, Occasions

__all__ = ["Rhythm", "find_rhythm"]

NO_INTERVAL = 30.0
"""Days, where no customer of the shop came twice."""
LATE, LOST = 2.0, 4.0
"""Usual intervals, where too few customers came back to read them from."""
ENOUGH = 20
"""Customers with an interval that the shop's own multiples are read from."""


@dataclass(frozen=True)
class Rhythm:
    """What is usual.

    Attributes:
        intervals: of each customer's own, int64 [n_users].
        usual: days between two purchases, float64 [n_users].
        shop: the same of the shop, geometric mean over customers.
        late, lost: usual intervals after which a customer is at risk, and lost.
    """

    intervals: Ints
    usual: Floats
    shop: float
    late: float
    lost: float


def find_rhythm(occasions: Occasions, config: LifecycleConfig) -> Rhythm:
    """Read the rhythm of every customer, and the shop's multiples, from all intervals."""
    came = occasions.followed
    users, gaps = occasions.users[came], occasions.gaps[came]
    logs = np.log(gaps)
    count = np.bincount(users, minlength=occasions.n_users)
    total = np.bincount(users, logs, occasions.n_users)
    some = count > 0
    shop = float((total[some] / count[some]).mean()) if some.any() else float(np.log(NO_INTERVAL))
    usual = np.exp((config.shrinkage * shop + total) / (config.shrinkage + count))
    late, lost = _multiples(users, gaps / usual[users], count, config)
    return Rhythm(count, usual, float(np.exp(shop)), late, lost)


def _multiples(
    users: Ints, ratios: Floats, count: Ints, config: LifecycleConfig
) -> tuple[float, float]:
    """Quantiles of waits, each customer weighing the same, and of the longest of each."""
    if (count > 0).sum() < ENOUGH:
        return LATE, LOST
    order = np.argsort(ratios)
    weight = np.cumsum(1 / count[users[order]])
    place = np.searchsorted(weight, config.late_share * weight[-1])
    longest = np.zeros(len(count))
    np.maximum.at(longest, users, ratios)
    lost = float(np.quantile(longest[count > 0], config.lost_share))
    late = float(ratios[order[min(place, len(order) - 1)]])
    return late, max(lost, late)
