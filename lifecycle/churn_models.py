"""Classifiers of churn behind one interface: a score, and what each column adds to it.

scikit-learn and LightGBM are imported where something is fitted: serving reads finished tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from lifecycle.behaviour import Features
from lifecycle.occasions import Bools, Floats

__all__ = ["FITS", "Classifier", "CountModel", "LogisticModel", "TreeModel"]

ONE_COUNT = "orders_28_days"


class Classifier(Protocol):
    """A fitted classifier."""

    def contributions(self, values: Floats) -> Floats:
        """What each column adds to the log-odds, and what nothing told would give.

        Args:
            values: float64 [n, n_columns].

        Returns:
            float64 [n, n_columns + 1]; the last is the same for all, and rows sum to the score.
        """
        ...


@dataclass(frozen=True)
class LogisticModel:
    """Logistic regression over standardised columns."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    @staticmethod
    def fit(features: Features, positive: Bools, seed: int) -> LogisticModel:
        """Fit; a weak ridge keeps the many like columns from playing against each other."""
        from sklearn.linear_model import LogisticRegression

        values = features.values
        mean, scale = values.mean(axis=0), values.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        model = LogisticRegression(C=0.03, max_iter=2_000, random_state=seed)
        model.fit((values - mean) / scale, positive)
        return LogisticModel(mean, scale, model.coef_[0], float(model.intercept_[0]))

    def contributions(self, values: Floats) -> Floats:
        """Weights times standardised values."""
        parts = (values - self.mean) / self.scale * self.weights
        return np.column_stack([parts, np.full(len(values), self.bias)])


@dataclass(frozen=True)
class TreeModel:
    """Gradient-boosted trees (LightGBM); contributions are Shapley values over its trees.

    Lundberg, Erion and Lee, "Consistent Individualized Feature Attribution for Tree Ensembles"
    (arXiv 1802.03888).
    """

    booster: Any

    @staticmethod
    def fit(features: Features, positive: Bools, seed: int) -> TreeModel:
        """Fit small trees, each on a part of the columns: customers come in several moments."""
        import lightgbm

        settings = {
            "objective": "binary",
            "learning_rate": 0.03,
            "num_leaves": 8,
            "min_child_samples": 100,
            "subsample": 0.7,
            "subsample_freq": 1,
            "colsample_bytree": 0.4,
            "reg_lambda": 20.0,
            "verbose": -1,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
        }
        data = lightgbm.Dataset(features.values, positive.astype(np.float64))
        return TreeModel(lightgbm.train(settings, data, 250))

    def contributions(self, values: Floats) -> Floats:
        """Shapley values of the log-odds."""
        return np.asarray(self.booster.predict(values, pred_contrib=True), np.float64)


@dataclass(frozen=True)
class CountModel:
    """The count of one column alone, the fewer the more likely: what others have to beat."""

    place: int

    @staticmethod
    def fit(features: Features, positive: Bools, seed: int) -> CountModel:
        """Nothing is learned."""
        return CountModel(features.names.index(ONE_COUNT))

    def contributions(self, values: Floats) -> Floats:
        """The column, negative; nothing else adds."""
        parts = np.zeros((len(values), values.shape[1] + 1))
        parts[:, self.place] = -values[:, self.place]
        return parts


FITS: Final[Mapping[str, Callable[[Features, Bools, int], Classifier]]] = {
    "last 28 days": CountModel.fit,
    "logistic": LogisticModel.fit,
    "lightgbm": TreeModel.fit,
}
"""How each is fitted, the simplest first."""
