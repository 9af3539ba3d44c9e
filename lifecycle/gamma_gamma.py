"""Gamma-Gamma: what a customer spends an order, drawn towards the shop where orders are few.

Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013): the likelihood is their equation
1a, the expectation equation 5. It takes spend an order to be independent of how often one buys.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from lifecycle.likelihood import greatest
from lifecycle.occasions import Floats
from loaders.errors import DataError

__all__ = ["GammaGamma", "fit_gamma_gamma"]

STARTS = ((2.0, 4.0, 2.0), (10.0, 2.0, 0.2))


@dataclass(frozen=True)
class GammaGamma:
    """A fitted Gamma-Gamma: orders gamma (p, nu), nu itself gamma (q, v); v in currency."""

    p: float
    q: float
    v: float

    def log_likelihood(self, orders: Floats, mean: Floats) -> Floats:
        """Of each customer, float64 [n]; arguments as in ``fit_gamma_gamma``."""
        return _log_likelihood(np.array([self.p, self.q, self.v]), orders, mean)

    def expected(self, orders: Floats, mean: Floats) -> Floats:
        """Spend an order expected of each customer, float64 [n] in the shop's currency.

        Args:
            orders: orders with a value, float64 [n]; 0 gives the shop's expectation, which has
                none where q is at most 1: then NaN.
            mean: of those orders, float64 [n]; ignored where there are none.
        """
        known = np.where(orders > 0, orders * np.nan_to_num(mean), 0.0)
        below = self.p * orders + self.q - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(below > 0, self.p * (self.v + known) / below, np.nan)


def fit_gamma_gamma(orders: Floats, mean: Floats) -> GammaGamma:
    """Fit by greatest likelihood.

    Args:
        orders: of each customer, float64 [n]; customers without are left out.
        mean: value of those orders, float64 [n] in the shop's currency; so are those at most 0.

    Raises:
        DataError: no order has a value.
    """
    used = (orders > 0) & (np.nan_to_num(mean) > 0)
    if not used.any():
        raise DataError("expected orders with a value above 0; found none")
    unit = float(mean[used].mean())
    x, m = orders[used], mean[used] / unit
    p, q, v = greatest(lambda parameters: _log_likelihood(parameters, x, m), STARTS)
    return GammaGamma(float(p), float(q), float(v) * unit)


def _log_likelihood(parameters: Floats, x: Floats, m: Floats) -> Floats:
    p, q, v = parameters
    found: Floats = -special.betaln(p * x, q) + q * np.log(v) + (p * x - 1) * np.log(m)
    found += p * x * np.log(x) - (p * x + q) * np.log(x * m + v)
    return found
