"""Segments by example: some customers are labelled, a classifier labels the rest.

Tree, random forest, support vectors and logistic regression (scikit-learn) compete by log loss in
cross-validation; the best is calibrated (Platt 1999) on the same folds, so that of those given a
probability of .8 about 80 in 100 are right. Which features decide is told by how much worse the
log loss gets when one is shuffled (Breiman, "Random forests", 2001).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from loaders.errors import DataError

__all__ = ["CLASSIFIERS", "Learned", "learn_segments"]

FOLDS: Final = 5
LEAST: Final = 5
"""Examples that each label needs."""
SHUFFLES: Final = 3

CLASSIFIERS: Final[dict[str, Callable[[int], Any]]] = {
    "tree": lambda seed: DecisionTreeClassifier(max_depth=5, min_samples_leaf=3, random_state=seed),
    "random forest": lambda seed: RandomForestClassifier(60, min_samples_leaf=2, random_state=seed),
    "support vectors": lambda seed: make_pipeline(StandardScaler(), SVC(random_state=seed)),
    "logistic": lambda seed: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
}
"""Makers of classifiers from a seed."""


@dataclass(frozen=True)
class Learned:
    """What examples taught.

    Attributes:
        classifier: the one chosen.
        losses: log loss in cross-validation of each, calibrated, in nats; lower is better.
        accuracy: of the chosen one in cross-validation.
        labels: a label for every customer, those given included.
        probability: that it is right, calibrated, float64 [n]; 1 where it was given.
        features: name, and log loss added by shuffling it, the most first.
    """

    classifier: str
    losses: dict[str, float]
    accuracy: float
    labels: tuple[str, ...]
    probability: npt.NDArray[np.float64]
    features: tuple[tuple[str, float], ...]


def learn_segments(features: pl.DataFrame, given: list[str | None], seed: int = 0) -> Learned:
    """Label every customer after the examples ``given``.

    Args:
        features: numbers, one row a customer; nulls are filled with the column's median.
        given: label of each customer, ``None`` where it is to be found.
        seed: of folds, forests and shuffling.

    Raises:
        DataError: fewer than two labels, or fewer than five examples of one.
    """
    known = np.array([label is not None for label in given])
    told = np.array([label for label in given if label is not None], np.str_)
    names, y = np.unique(told, return_inverse=True)
    _check(names.tolist(), y)
    table = features.select(pl.all().cast(pl.Float64).fill_null(pl.all().median()).fill_null(0))
    x = table.to_numpy()
    folds = StratifiedKFold(min(FOLDS, int(np.bincount(y).min())), shuffle=True, random_state=seed)
    guesses = {
        name: cross_val_predict(
            _calibrated(make, seed), x[known], y, cv=folds, method="predict_proba"
        )
        for name, make in CLASSIFIERS.items()
    }
    losses = {name: float(log_loss(y, guess)) for name, guess in guesses.items()}
    best = min(losses, key=lambda name: losses[name])
    model = _calibrated(CLASSIFIERS[best], seed).fit(x[known], y)
    chance = model.predict_proba(x)
    labels = [own or str(names[i]) for own, i in zip(given, chance.argmax(axis=1), strict=True)]
    return Learned(
        best,
        losses,
        float((guesses[best].argmax(axis=1) == y).mean()),
        tuple(labels),
        np.where(known, 1.0, chance.max(axis=1)),
        _deciding(model, x[known], y, table.columns, seed),
    )


def _check(names: list[str], y: npt.NDArray[np.int64]) -> None:
    if len(names) < 2:
        raise DataError(f"expected two labels or more, got {', '.join(names) or 'none'}")
    few = [f"{name} ({n})" for name, n in zip(names, np.bincount(y), strict=True) if n < LEAST]
    if few:
        raise DataError(
            f"expected {LEAST} known customers or more of each label, got {', '.join(few)}"
        )


def _calibrated(make: Callable[[int], Any], seed: int) -> Any:
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    return CalibratedClassifierCV(make(seed), cv=folds)


def _deciding(
    model: Any,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.int64],
    names: list[str],
    seed: int,
) -> tuple[tuple[str, float], ...]:
    found = permutation_importance(
        model, x, y, scoring="neg_log_loss", n_repeats=SHUFFLES, random_state=seed
    ).importances_mean
    order = np.argsort(-found, kind="stable")
    return tuple((names[i], float(found[i])) for i in order.tolist() if found[i] > 0)
