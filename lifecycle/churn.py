"""Who will not buy within the next weeks: learned from earlier moments, chosen, calibrated.

A moment is a customer seen on a day, with what they did before it and whether they bought in the
weeks after. Those of which the weeks after are over are learned from. The latest of them is first
held back: it chooses the classifier, which may be the plain count of the last 28 days, and turns
scores into probabilities; the choice is then fitted again on all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import optimize, special

from graph.interactions import InteractionGraph
from lifecycle.behaviour import Features, behaviour, joined
from lifecycle.churn_models import FITS, Classifier
from lifecycle.config import LifecycleConfig
from lifecycle.occasions import Bools, Floats, Ints, Occasions, find_occasions
from lifecycle.resample import area_under_curve
from lifecycle.tastes import Shelves, lapsed, tastes
from loaders.errors import DataError

__all__ = ["ChurnData", "ChurnModel", "Moment", "fit_all", "fit_churn", "moment_at"]

STEP = 14.0
"""Days between two moments that are learned from."""
MOST = 12
FEWEST = 50
"""Customers of either kind that a moment needs to choose by."""


@dataclass(frozen=True)
class ChurnData:
    """A shop's purchases, read once for all moments."""

    graph: InteractionGraph
    occasions: Occasions
    shelves: Shelves

    @staticmethod
    def of(graph: InteractionGraph, shelves: Shelves) -> ChurnData:
        """Of the purchases of ``graph``, registered or not."""
        bought = graph.purchases()
        return ChurnData(bought, find_occasions(bought), shelves)


@dataclass(frozen=True)
class Moment:
    """The active customers of a day.

    Attributes:
        users: their rows, int64 [n].
        features: their columns, [n, ...].
        gone: whether they bought nothing in the days that followed, bool [n]; without meaning
            where those are not over.
    """

    users: Ints
    features: Features
    gone: Bools


@dataclass(frozen=True)
class ChurnModel:
    """A fitted classifier, and the line that makes its score a probability.

    Attributes:
        name: of the classifier.
        classifier: what gives the score.
        slope, shift: probability is the logistic function of slope * score + shift.
        chosen_by: area under the curve of every classifier on the moment held back.
    """

    name: str
    classifier: Classifier
    slope: float
    shift: float
    chosen_by: Mapping[str, float]

    def risk(self, values: Floats) -> Floats:
        """Probability of no purchase, float64 [n], of columns float64 [n, n_columns]."""
        score = self.classifier.contributions(values).sum(axis=1)
        found: Floats = special.expit(self.slope * score + self.shift)
        return found

    def drivers(self, features: Features) -> pl.DataFrame:
        """What each driver adds to the log-odds of a customer, against the mean of these.

        Returns:
            One float64 column a driver, one row a customer.
        """
        parts = self.slope * self.classifier.contributions(features.values)[:, :-1]
        sums = {
            driver: parts[:, np.array(features.drivers) == driver].sum(axis=1)
            for driver in dict.fromkeys(features.drivers)
        }
        return pl.DataFrame({driver: added - added.mean() for driver, added in sums.items()})


def moment_at(data: ChurnData, now: float, config: LifecycleConfig) -> Moment:
    """The registered customers active before ``now`` (days since 1970-01-01 UTC)."""
    before = data.occasions.before(now)
    active = before.last >= now - config.active_days  # False where they never bought
    users = np.flatnonzero(active & data.graph.registered)
    every = joined(
        [
            behaviour(before, now, config),
            tastes(data.graph, before, data.shelves, now, config),
        ]
    )
    gone = lapsed(data.occasions, now, now + config.churn_days)
    return Moment(users, Features(every.names, every.drivers, every.values[users]), gone[users])


def fit_churn(data: ChurnData, now: float, config: LifecycleConfig) -> ChurnModel:
    """Choose, calibrate and fit by what is known at ``now``.

    Raises:
        DataError: the purchases before ``now`` cover too few days or customers.
    """
    return fit_all(data, now, config, most=1)[0]


def fit_all(
    data: ChurnData, now: float, config: LifecycleConfig, most: int | None = None
) -> list[ChurnModel]:
    """The ``most`` classifiers that did best on the moment held back, by default all.

    Raises:
        DataError: the purchases before ``now`` cover too few days or customers.
    """
    held, early, every = _lessons(data, now, config)
    scores = {
        name: fit(early.features, early.gone, config.seed)
        .contributions(held.features.values)
        .sum(axis=1)
        for name, fit in FITS.items()
    }
    areas = {name: _area(score, held.gone) for name, score in scores.items()}
    return [
        ChurnModel(
            name,
            FITS[name](every.features, every.gone, config.seed),
            *_line(scores[name], held.gone),
            areas,
        )
        for name in sorted(FITS, key=lambda name: -areas[name])[:most]
    ]


def _lessons(data: ChurnData, now: float, config: LifecycleConfig) -> tuple[Moment, Moment, Moment]:
    """The latest moment that is over, those over before it, and all."""
    first = data.occasions.days.min(initial=int(now)) + config.active_days
    latest = now - config.churn_days
    days = [day for day in latest - STEP * np.arange(MOST) if day >= first]
    moments = [moment_at(data, float(day), config) for day in days]
    over = [m for m, day in zip(moments, days, strict=True) if day <= latest - config.churn_days]
    if not over or not all(_enough(m) for m in (moments[0], _stacked(over))):
        raise DataError(
            f"churn needs purchases of {config.active_days + 2 * config.churn_days:g} days, and "
            f"at the end {FEWEST} customers who went on buying and {FEWEST} who did not; set "
            "lifecycle.churn_days and lifecycle.active_days to suit the shop"
        )
    return moments[0], _stacked(over), _stacked(moments)


def _enough(moment: Moment) -> bool:
    return min(int(moment.gone.sum()), int((~moment.gone).sum())) >= FEWEST


def _stacked(moments: list[Moment]) -> Moment:
    features = moments[0].features
    values = np.concatenate([m.features.values for m in moments])
    return Moment(
        np.concatenate([m.users for m in moments]),
        Features(features.names, features.drivers, values),
        np.concatenate([m.gone for m in moments]),
    )


def _area(score: Floats, gone: Bools) -> float:
    return float(area_under_curve(score, gone)(np.ones((1, len(score))))[0])


def _line(score: Floats, gone: Bools) -> tuple[float, float]:
    """Slope and shift of greatest likelihood (Platt, 1999)."""
    sign = np.where(gone, 1.0, -1.0)

    def loss(line: Floats) -> float:
        return float(np.logaddexp(0, -sign * (line[0] * score + line[1])).mean())

    slope, shift = optimize.minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    return float(slope), float(shift)
