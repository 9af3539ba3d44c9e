"""BG/NBD: purchases at a gamma-spread rate; after each, one leaves with a beta-spread chance.

Fader, Hardie and Lee, "Counting Your Customers the Easy Way", Marketing Science 24 (2005): the
likelihood is their equation 6, expected purchases equation 10. Who never came back cannot have
left by this model, as only a purchase makes one leave: the probability alive of one-time buyers is
1. Rank customers by expected purchases, never by that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from lifecycle.likelihood import greatest
from lifecycle.occasions import Floats
from lifecycle.summary import Summary

__all__ = ["BetaGeometric", "fit_bgnbd"]

STARTS = ((0.5, 0.5, 1.0, 2.0), (2.0, 1.0, 0.5, 10.0))
ALIKE = 20.0
"""With a larger r all buy at nearly one rate, and the series' terms are large and alternate."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
POLE = 1e-6
"""Nearer than this to a = 1, the formula divides nothing by nothing."""


@dataclass(frozen=True)
class BetaGeometric:
    """A fitted BG/NBD, rates gamma (r, alpha) and departures beta (a, b); alpha in days."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, data: Summary) -> Floats:
        """Of each customer, float64 [n]."""
        return _log_likelihood(np.array([self.r, self.alpha, self.a, self.b]), data)

    def alive(self, data: Summary) -> Floats:
        """Probability not to have left, float64 [n]; 1 for every one-time buyer."""
        left = np.log(self.a) - np.log(self.b + np.maximum(data.repeats, 1) - 1)
        left += (self.r + data.repeats) * np.log((self.alpha + data.age) / (self.alpha + data.last))
        return np.where(data.repeats > 0, special.expit(-left), 1.0)

    def expected(self, data: Summary, horizon: float) -> Floats:
        """Purchases expected within ``horizon`` days from now, float64 [n].

        The hypergeometric function stands in Euler's other form: as printed its value grows like
        a power of x, overflows for frequent buyers, and is multiplied by a factor that vanishes.
        """
        if self.r > ALIKE:
            return self._averaged(data, horizon) * self.alive(data)
        r, x = self.r, data.repeats
        a = self.a if abs(self.a - 1) > POLE else 1 + POLE
        z = horizon / (self.alpha + data.age + horizon)
        series = special.hyp2f1(a + self.b - 1 - r, a - 1, a + self.b + x - 1, z)
        # 1 - (1 - z)^(a - 1) * series, over a - 1, without losing digits where a is near 1.
        lost = -np.expm1((a - 1) * np.log1p(-z) + np.log(series))
        return (a + self.b + x - 1) / (a - 1) * lost * self.alive(data)

    def _averaged(self, data: Summary, horizon: float) -> Floats:
        """The same of who is alive, averaged over the chance to leave: the series would cancel."""
        count = (self.r + data.repeats)[:, None]
        chance = special.betaincinv(self.a, (self.b + data.repeats)[:, None], (1 + _NODES) / 2)
        chance = np.maximum(chance, 1e-12)
        pace = np.log1p(chance * (horizon / (self.alpha + data.age))[:, None])
        found: Floats = (-np.expm1(-count * pace) / chance) @ (_WEIGHTS / 2)
        return found


def fit_bgnbd(data: Summary) -> BetaGeometric:
    """Fit by greatest likelihood.

    Raises:
        DataError: the purchases fit no such model.
    """
    unit = max(float(data.age.mean()), 1e-9)
    scaled = data.scaled(unit)
    r, alpha, a, b = greatest(lambda p: _log_likelihood(p, scaled), STARTS)
    return BetaGeometric(float(r), float(alpha) * unit, float(a), float(b))


def _log_likelihood(parameters: Floats, data: Summary) -> Floats:
    r, alpha, a, b = parameters
    x = data.repeats
    shared = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    shared += special.betaln(a, b + x) - special.betaln(a, b)
    stays = -(r + x) * np.log(alpha + data.age)
    leaves = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + data.last)
    both: Floats = shared + np.where(x > 0, np.logaddexp(stays, leaves), stays)
    return both
