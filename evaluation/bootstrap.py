"""Intervals by resampling users: percentile bootstrap, seeded (Efron and Tibshirani, 1993).

Differences are paired: both methods are resampled with the same users, so what makes a user easy
for both cancels out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loaders.errors import DataError

__all__ = ["Interval", "bootstrap_mean", "bootstrap_means", "paired_difference"]

Values = npt.NDArray[np.float64]

BATCH = 100


@dataclass(frozen=True)
class Interval:
    """A mean between the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


def bootstrap_mean(values: Values, *, samples: int = 1000, seed: int = 0) -> Interval:
    """Mean of per-user ``values`` float64 [n] with its 95 % interval.

    Raises:
        DataError: there are no values.
    """
    means = _means(values[None], samples, seed)[:, 0]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def paired_difference(
    method: Values, baseline: Values, *, samples: int = 1000, seed: int = 0
) -> Interval:
    """Mean of ``method`` minus ``baseline``, both float64 [n] over the same users.

    Raises:
        DataError: the two differ in length, or are empty.
    """
    if len(method) != len(baseline):
        raise DataError(
            f"paired methods need the same users; got {len(method):,} and {len(baseline):,}"
        )
    return bootstrap_mean(method - baseline, samples=samples, seed=seed)


def bootstrap_means(table: Values, *, samples: int = 1000, seed: int = 0) -> list[Interval]:
    """``bootstrap_mean`` of each row of ``table`` float64 [n_rows, n], sharing the samples.

    Raises:
        DataError: there are no values.
    """
    low, high = np.quantile(_means(table, samples, seed), [0.025, 0.975], axis=0)
    means = table.mean(axis=1)
    return [Interval(*map(float, row)) for row in zip(means, low, high, strict=True)]


def _means(table: Values, samples: int, seed: int) -> Values:
    """Means of resampled columns, float64 [samples, n_rows]."""
    n = table.shape[1]
    if not n:
        raise DataError("expected values of at least one user")
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, samples, BATCH):
        size = min(BATCH, samples - start)
        # How often each user is drawn says all about a sample, and makes its mean a product.
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=size)
        means.append(drawn @ table.T / n)
    return np.concatenate(means)
