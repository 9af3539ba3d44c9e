"""Measures of a rule from four counts, and whether chance explains it.

With ``both`` baskets holding antecedent and consequent, ``left`` the antecedent, ``right`` the
consequent, of ``baskets`` in all:

    support = both / baskets                    confidence = both / left
    lift = confidence / (right / baskets)       leverage = support - left * right / baskets^2
    conviction = (1 - right / baskets) / (1 - confidence)
    zhang = (confidence - otherwise) / max(confidence, otherwise),
        where otherwise = (right - both) / (baskets - left)
    kulczynski = (both / left + both / right) / 2
    imbalance = |left - right| / (left + right - both)

(Agrawal et al. 1993; Brin et al. 1997; Piatetsky-Shapiro 1991; Zhang 2000; Wu, Chen and Han 2010.)
Zhang's runs from -1 to 1 with chance at 0. Kulczynski does not change with baskets that hold
neither side; imbalance says how one-sided the pair is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["benjamini_hochberg", "fisher_tail", "measures", "telling"]

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PRECISION = 1e-12


def measures(both: Counts, left: Counts, right: Counts, baskets: int) -> dict[str, Floats]:
    """The measures above by name, each float64 [n].

    Args:
        both: baskets with both sides, int64 [n].
        left: baskets with the antecedent, int64 [n].
        right: baskets with the consequent, int64 [n].
        baskets: all baskets.

    Returns:
        Arrays by name. Conviction is infinite where confidence is 1.
    """
    base = right / baskets
    confidence = both / left
    with np.errstate(divide="ignore", invalid="ignore"):
        conviction = np.where(both == left, np.inf, (1 - base) / (1 - confidence))
        otherwise = np.where(left < baskets, (right - both) / (baskets - left), 0)
    return {
        "support": both / baskets,
        "confidence": confidence,
        "lift": confidence / base,
        "leverage": both / baskets - (left / baskets) * base,
        "conviction": conviction,
        "zhang": (confidence - otherwise) / np.maximum(confidence, otherwise),
        "kulczynski": (confidence + both / right) / 2,
        "imbalance": np.abs(left - right) / (left + right - both),
    }


def telling(confidence: Floats, lift: Floats) -> Floats:
    """How much a rule tells, float64 [n]: ``confidence * log(lift)``; 0 where chance does as well.

    Confidence alone favours what everybody buys, lift alone what hardly anybody does.
    """
    return np.asarray(confidence * np.log(lift))


def fisher_tail(both: Counts, left: Counts, right: Counts, baskets: int) -> Floats:
    """One-sided Fisher exact p-values, float64 [n]: at least ``both`` by chance, margins given.

    The hypergeometric tail, summed upwards from its first term: the terms fall off fast because
    ``both`` lies above what chance expects. Where it does not, the p-value is given as 1.
    scipy's own sums one test at a time, which half a million pairs make minutes.
    """
    above = both * baskets > left * right
    p = np.ones(len(both))
    x, a, b = (v[above].astype(np.float64) for v in (both, left, right))
    first = _log_choose(b, x) + _log_choose(baskets - b, a - x) - _log_choose(baskets, a)
    p[above] = np.exp(first + np.log(_relative_tail(x, a, b, baskets)))
    return np.minimum(p, 1.0)


def benjamini_hochberg(p: Floats, tests: int) -> Floats:
    """False-discovery-adjusted q-values, float64 [n] (Benjamini and Hochberg 1995).

    Args:
        p: p-values of the tests at hand, float64 [n].
        tests: all tests made; those not at hand count as p = 1.
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * (max(tests, len(p)) / np.arange(1, len(p) + 1))
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def _log_choose(n: Any, k: Any) -> Any:
    from scipy.special import gammaln  # takes a server 4 MB and is of builds alone

    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def _relative_tail(x: Floats, a: Floats, b: Floats, baskets: int) -> Floats:
    """Sum over y >= x of P(y) / P(x), float64 [n], by the ratio of neighbouring terms."""
    total = np.ones(len(x))
    term = np.ones(len(x))
    active = np.arange(len(x))
    step = 0
    while len(active):
        y, left, right = x[active] + step, a[active], b[active]
        term[active] *= (left - y) * (right - y) / ((y + 1) * (baskets - left - right + y + 1))
        total[active] += term[active]
        active = active[term[active] > PRECISION * total[active]]
        step += 1
    return total
