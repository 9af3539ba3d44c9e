"""Pareto/NBD: purchases at a gamma-spread rate until one leaves, at a gamma-spread rate too.

Schmittlein, Morrison and Colombo, "Counting Your Customers", Management Science 33 (1987); written
as in Fader and Hardie, "A Note on Deriving the Pareto/NBD Model" (2005). The integral over the
moment of leaving is left as one and done by Gauss-Legendre after a change of variable that takes
the steep part away: the usual hypergeometric functions overflow for frequent buyers, and cancel
where alpha and beta are far apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from lifecycle.likelihood import greatest
from lifecycle.occasions import Floats
from lifecycle.summary import Summary

__all__ = ["Pareto", "fit_pareto"]

STARTS = ((0.5, 0.5, 0.5, 0.5), (2.0, 0.3, 0.5, 3.0))
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
POLE = 1e-9


@dataclass(frozen=True)
class Pareto:
    """A fitted Pareto/NBD: purchase rates gamma (r, alpha), leaving gamma (s, beta); in days."""

    r: float
    alpha: float
    s: float
    beta: float

    @property
    def _parameters(self) -> Floats:
        return np.array([self.r, self.alpha, self.s, self.beta])

    def log_likelihood(self, data: Summary) -> Floats:
        """Of each customer, float64 [n]."""
        stays, leaves = _terms(self._parameters, data)
        return _shared(self._parameters, data) + np.logaddexp(stays, leaves)

    def alive(self, data: Summary) -> Floats:
        """Probability not to have left by now, float64 [n]."""
        stays, leaves = _terms(self._parameters, data)
        found: Floats = special.expit(stays - leaves)
        return found

    def expected(self, data: Summary, horizon: float) -> Floats:
        """Purchases expected within ``horizon`` days from now, float64 [n]."""
        s = self.s if abs(self.s - 1) > POLE else 1 + POLE
        span = np.log1p(horizon / (self.beta + data.age))
        stay = -np.expm1(-(s - 1) * span) / (s - 1)
        rate = (self.r + data.repeats) * (self.beta + data.age) / (self.alpha + data.age)
        return rate * stay * self.alive(data)


def fit_pareto(data: Summary) -> Pareto:
    """Fit by greatest likelihood.

    Raises:
        DataError: the purchases fit no such model.
    """
    unit = max(float(data.age.mean()), 1e-9)
    scaled = data.scaled(unit)

    def likelihood(parameters: Floats) -> Floats:
        return _shared(parameters, scaled) + np.logaddexp(*_terms(parameters, scaled))

    r, alpha, s, beta = greatest(likelihood, STARTS)
    return Pareto(float(r), float(alpha) * unit, float(s), float(beta) * unit)


def _shared(parameters: Floats, data: Summary) -> Floats:
    r, alpha, s, beta = parameters
    found: Floats = special.gammaln(r + data.repeats) - special.gammaln(r)
    found += r * np.log(alpha) + s * np.log(beta)
    return found


def _terms(parameters: Floats, data: Summary) -> tuple[Floats, Floats]:
    """Logarithms of still being there now, and of having left since the last purchase.

    The second is s times the integral over y from t_x to T of (alpha + y)^-(r + x) times
    (beta + y)^-(s + 1). With q = r + s + x and z = ((alpha + t_x) / (alpha + y))^q it becomes
    s (alpha + t_x)^-q / q times the integral of ((alpha + y) / (beta + y))^(s + 1) over z: smooth,
    and between two constants.
    """
    r, alpha, s, beta = parameters
    x = data.repeats
    stays = -(r + x) * np.log(alpha + data.age) - s * np.log(beta + data.age)
    q = r + s + x
    base = alpha + data.last
    width = -np.expm1(q * (np.log(base) - np.log(alpha + data.age)))
    z = 1 - width[:, None] * (1 - _NODES) / 2
    passed = base[:, None] * np.expm1(-np.log(z) / q[:, None])  # y - t_x, without cancelling
    steep = np.log(base[:, None] + passed) - np.log((beta + data.last)[:, None] + passed)
    steep *= s + 1
    highest = steep.max(axis=1)
    with np.errstate(divide="ignore"):  # nothing has passed since the last purchase
        area = highest + np.log(width / 2 * (np.exp(steep - highest[:, None]) @ _WEIGHTS))
    return stays, np.log(s) - np.log(q) - q * np.log(base) + area
