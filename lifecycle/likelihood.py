"""Fitting positive parameters by greatest likelihood, in their logarithms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import optimize

from lifecycle.occasions import Floats
from loaders.errors import DataError

__all__ = ["greatest"]

WIDEST = 12.0
"""Parameters stay within e^±12: beyond, the mixing distribution is a point or a pole."""


def greatest(likelihood: Callable[[Floats], Floats], starts: Sequence[Sequence[float]]) -> Floats:
    """The parameters with the greatest mean log-likelihood, float64 [n].

    Args:
        likelihood: log-likelihood of each customer, float64 [n_customers], of parameters.
        starts: parameters to start from; the best end wins.

    Raises:
        DataError: no start leads anywhere finite.
    """

    def loss(logs: Floats) -> float:
        mean = float(likelihood(np.exp(logs)).mean())
        return -mean if np.isfinite(mean) else 1e10

    ends = [
        optimize.minimize(
            loss,
            np.log(start),
            method="L-BFGS-B",
            bounds=[(-WIDEST, WIDEST)] * len(start),
            options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 500},
        )
        for start in starts
    ]
    best = min(ends, key=lambda end: float(end.fun))
    if best.fun >= 1e10:
        raise DataError("purchases do not fit a purchase model: no likelihood is finite")
    found: Floats = np.exp(best.x)
    return found
