"""Tests of members against the other customers, all segments at once.

Amounts: Mann and Whitney's rank test ("On a test of whether one of two random variables is
stochastically larger than the other", 1947), normal approximation with ties corrected and half a
rank of continuity. Shares: Fisher's exact test, twice the smaller side. Both are two-sided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Against", "amounts_against", "shares_against"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Against:
    """Each segment against the customers who are not in it.

    Attributes:
        mean: of members, float64 [n_segments]; NaN without any.
        shop_mean: of all customers.
        known: members whose value is known, int64 [n_segments].
        shop_known: customers whose value is known.
        superiority: chance that a member's value is above another customer's, ties half, float64
            [n_segments].
        p_value: not corrected, float64 [n_segments]; NaN where there is nothing to test.
    """

    mean: Floats
    shop_mean: float
    known: Counts
    shop_known: int
    superiority: Floats
    p_value: Floats


def amounts_against(
    values: Floats, member: npt.NDArray[np.int32], segments: int, least: int
) -> Against:
    """Rank tests of a number.

    Args:
        values: float64 [n_users], NaN where unknown.
        member: segment of each user or -1, int32 [n_users].
        segments: number of segments.
        least: fewer members, or others, are not tested.
    """
    from scipy import stats  # takes a server .3 s and is of builds alone

    known = np.isfinite(values)
    x, place = values[known], member[known]
    n, size = len(x), np.bincount(place[place >= 0], minlength=segments).astype(np.int64)
    if not n:
        nothing = np.full(segments, np.nan)
        return Against(nothing, np.nan, size, 0, nothing, nothing)
    ranks = stats.rankdata(x)
    inside = place >= 0
    sums = np.bincount(place[inside], ranks[inside], segments)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(place[inside], x[inside], segments) / size
        pairs = size * (n - size).astype(np.float64)
        above = sums - size * (size + 1) / 2
        _, ties = np.unique(ranks, return_counts=True)
        tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / max(n * (n - 1), 1)
        deviation = np.sqrt(pairs / 12 * (n + 1 - tied))
        off = np.maximum(np.abs(above - pairs / 2) - 0.5, 0)
        p = np.where(deviation > 0, 2 * stats.norm.sf(off / deviation), 1.0)
        superiority = above / pairs
    p = np.minimum(p, 1)
    p[(size < least) | (n - size < least)] = np.nan
    return Against(mean, float(x.mean()), size, n, superiority, p)


def shares_against(
    values: Floats, member: npt.NDArray[np.int32], segments: int, least: int
) -> Against:
    """Exact tests of a yes or no, given as 1 and 0; arguments as in ``amounts_against``.

    ``superiority`` is ``NaN``: a share says it all.
    """
    from scipy import stats  # takes a server .3 s and is of builds alone

    known = np.isfinite(values)
    yes, place = values[known] > 0, member[known]
    inside = place >= 0
    size = np.bincount(place[inside], minlength=segments).astype(np.int64)
    both = np.bincount(place[inside & yes], minlength=segments).astype(np.int64)
    n, total = len(yes), int(yes.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = both / size
    low = stats.hypergeom.cdf(both, n, total, size)
    high = stats.hypergeom.sf(both - 1, n, total, size)
    p = np.minimum(2 * np.minimum(low, high), 1)
    p[(size < least) | (n - size < least) | (min(total, n - total) < least)] = np.nan
    shop = total / n if n else np.nan
    return Against(mean, shop, size, n, np.full(segments, np.nan), p)
