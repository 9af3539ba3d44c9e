"""Means of two groups compared, so that the answer holds however often one looks.

All figures of an experiment are means over visitors (clicked or not, bought or not, revenue), so
one set of formulas does for them all. What is told of a difference is a *confidence sequence*: the
intervals of all looks together hold the true difference with probability 1 - alpha, so one may look
every day and stop when one likes. It is the asymptotic one with a normal mixture of Waudby-Smith,
Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences" (Annals of Statistics 2024, arXiv 2103.06476), which inverts the mixture sequential
probability ratio test of Johari, Koomen, Pekelis and Walsh, "Always valid inference" (Operations
Research 2022, arXiv 1512.04922).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "Comparison",
    "Interval",
    "Moments",
    "SampleRatio",
    "always_valid_radius",
    "compare",
    "mean_interval",
    "mixture",
    "rate_interval",
    "sample_ratio",
]

Values = npt.NDArray[np.float64]
SUSPICIOUS: Final = 0.001
"""p-value below which the groups' sizes are not as they should be: Fabijan et al., "Diagnosing
sample ratio mismatch in online controlled experiments" (KDD 2019)."""
FEWEST: Final = 10
"""Visitors who did it, in both groups together, below which nothing is said of a difference: the
formulas rest on sums that are nearly normal."""
Z: Final = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Interval:
    """A value between the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Moments:
    """What is needed of one group's values.

    Attributes:
        n: visitors.
        mean: of their values.
        variance: of their values, of the sample (n - 1); 0 for fewer than two.
        some: visitors whose value is not 0.
    """

    n: int
    mean: float
    variance: float
    some: int

    @classmethod
    def of(cls, values: Values) -> Moments:
        """Those of ``values`` float64 [n]."""
        n = len(values)
        variance = float(values.var(ddof=1)) if n > 1 else 0.0
        return cls(n, float(values.mean()) if n else 0.0, variance, int(np.count_nonzero(values)))

    @property
    def error(self) -> float:
        """Variance of the mean."""
        return self.variance / self.n if self.n else 0.0


@dataclass(frozen=True)
class Comparison:
    """How a group differs from the control.

    Attributes:
        difference: of means, with an interval that holds over all looks.
        lift: the same relative to the control's mean; ``None`` where that may be 0.
        fixed: of means, with the 95 % interval of a single look planned beforehand.
        p_value: valid at each look.
    """

    difference: Interval
    lift: Interval | None
    fixed: Interval
    p_value: float


def mixture(alpha: float, planned: int) -> float:
    """Variance of the mixture, in variances of one value.

    The one that makes intervals narrowest when each of two groups has ``planned`` visitors: with v
    the variance of the difference then, v * x where x = 2 ln(1 / alpha) + ln(1 + x).
    """
    x = 1.0
    for _ in range(50):  # converges by a factor of 1 + x, about 9, a step
        x = 2 * log(1 / alpha) + log1p(x)
    return 2 / planned * x


def always_valid_radius(v: float, spread: float, alpha: float) -> float:
    """Half an interval's width in standard errors.

    Args:
        v: variance of the difference in variances of one value, 1 / n + 1 / m.
        spread: variance of the mixture in the same, as from ``mixture``.
        alpha: chance that the interval of any look misses the truth.
    """
    return sqrt((v + spread) / spread * (2 * log(1 / alpha) + log((v + spread) / v)))


def compare(control: Moments, other: Moments, alpha: float, spread: float) -> Comparison | None:
    """``other`` minus ``control``; ``None`` where there is too little to say anything.

    Args:
        control: the one group.
        other: the other group.
        alpha: chance that the interval of any look misses the truth.
        spread: variance of the mixture; fixed before the first look.
    """
    error = control.error + other.error
    if min(control.n, other.n) < 2 or control.some + other.some < FEWEST or error <= 0:
        return None
    difference = other.mean - control.mean
    v = 1 / control.n + 1 / other.n
    radius = always_valid_radius(v, spread, alpha)
    return Comparison(
        _around(difference, radius * sqrt(error)),
        _lift(control, other, radius),
        _around(difference, Z * sqrt(error)),
        _p_value(difference**2 / error, v, spread),
    )


def _around(value: float, half: float) -> Interval:
    return Interval(value, value - half, value + half)


def _p_value(squared: float, v: float, spread: float) -> float:
    """One over the mixture's likelihood ratio at ``squared`` standard errors squared."""
    exponent = -squared * spread / (2 * (v + spread))
    return min(1.0, sqrt((v + spread) / v) * exp(exponent))


def _lift(control: Moments, other: Moments, radius: float) -> Interval | None:
    """Relative difference; its error by the delta method."""
    if control.mean <= 0 or control.mean <= radius * sqrt(control.error):
        return None
    ratio = other.mean / control.mean
    error = (other.error + ratio**2 * control.error) / control.mean**2
    return _around(ratio - 1, radius * sqrt(error))


def mean_interval(group: Moments) -> Interval | None:
    """A mean with its 95 % interval; ``None`` for fewer than two values."""
    return _around(group.mean, Z * sqrt(group.error)) if group.n > 1 else None


def rate_interval(group: Moments) -> Interval | None:
    """A share with Wilson's 95 % interval (JASA 1927); ``None`` for nobody."""
    n, p = group.n, group.mean
    if not n:
        return None
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    # Exact at the ends, where rounding leaves a trace.
    low = 0.0 if p == 0 else max(0.0, middle - half)
    return Interval(p, low, 1.0 if p == 1 else min(1.0, middle + half))


@dataclass(frozen=True)
class SampleRatio:
    """Whether groups are as large as they should be.

    Attributes:
        chi_square, p_value: Pearson's test; ``None`` where nobody was exposed yet.
        ok: no sign that visitors of one group were lost or added.
    """

    chi_square: float | None
    p_value: float | None

    @property
    def ok(self) -> bool:
        """See above."""
        return self.p_value is None or self.p_value >= SUSPICIOUS


def sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> SampleRatio:
    """Pearson's chi-square of the groups' sizes against their weights."""
    seen = np.asarray(counts, np.float64)
    if not seen.sum():
        return SampleRatio(None, None)
    from scipy.special import chdtrc  # takes a server 4 MB, and few requests ask for it

    share = np.asarray(weights, np.float64) / sum(weights)
    expected = seen.sum() * share
    found = float(((seen - expected) ** 2 / expected).sum())
    return SampleRatio(found, float(chdtrc(len(seen) - 1, found)))
