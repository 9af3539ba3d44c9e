"""95 % intervals of any figure over customers, by resampling them (percentile bootstrap).

A sample is how often each customer was drawn, so that a figure of all samples at once is a few
array operations. Efron and Tibshirani, "An Introduction to the Bootstrap" (1993).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lifecycle.occasions import Bools, Floats, Ints

__all__ = ["Figure", "Interval", "area_under_curve", "interval", "lift_at_top", "mean_of"]

Figure = Callable[[Floats], Floats]
"""Weights of customers float64 [samples, n] to a figure each, float64 [samples]."""
BATCH = 100


@dataclass(frozen=True)
class Interval:
    """A figure between the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def interval(figure: Figure, n: int, *, samples: int, seed: int = 0) -> Interval:
    """``figure`` over ``n`` customers, and over ``samples`` resamples of them."""
    rng = np.random.default_rng(seed)
    found = [
        figure(rng.multinomial(n, np.full(n, 1 / n), min(BATCH, samples - at)).astype(np.float64))
        for at in range(0, samples, BATCH)
    ]
    low, high = np.nanquantile(np.concatenate(found), [0.025, 0.975])
    return Interval(float(figure(np.ones((1, n)))[0]), float(low), float(high))


def mean_of(values: Floats) -> Figure:
    """The mean of ``values`` float64 [n]."""
    return lambda weights: np.asarray(weights @ values / weights.sum(axis=1))


def area_under_curve(scores: Floats, positive: Bools) -> Figure:
    """Chance that a positive scores above a negative, ties counting half.

    Args:
        scores: float64 [n].
        positive: bool [n].
    """
    order = np.argsort(scores, kind="stable")
    starts = _starts(scores[order])

    def figure(weights: Floats) -> Floats:
        drawn = weights[:, order]
        yes = np.add.reduceat(drawn * positive[order], starts, axis=1)
        no = np.add.reduceat(drawn * ~positive[order], starts, axis=1)
        below = np.cumsum(no, axis=1) - no / 2
        with np.errstate(invalid="ignore"):
            return np.asarray((yes * below).sum(axis=1) / (yes.sum(axis=1) * no.sum(axis=1)))

    return figure


def _starts(ordered: Floats) -> Ints:
    """Where each run of equal values begins, int64."""
    return np.flatnonzero(np.r_[True, np.diff(ordered) > 0]).astype(np.int64)


def lift_at_top(scores: Floats, positive: Bools, share: float = 0.1) -> Figure:
    """How much more frequent positives are among the ``share`` with the highest scores."""
    order = np.argsort(-scores, kind="stable")

    def figure(weights: Floats) -> Floats:
        drawn = weights[:, order]
        before = np.cumsum(drawn, axis=1) - drawn
        room = share * drawn.sum(axis=1, keepdims=True) - before
        top = np.clip(room, 0, drawn)
        hits = positive[order].astype(np.float64)
        with np.errstate(invalid="ignore"):
            rate = drawn @ hits / drawn.sum(axis=1)
            return np.asarray(top @ hits / top.sum(axis=1) / rate)

    return figure
