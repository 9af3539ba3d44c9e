"""What customers will buy and spend over a horizon, by whichever purchase model foresaw best.

The models are held against the plain rate on the last horizon that is over, and the one with the
smallest squared error is fitted again on everything. Squared, because that is least for the mean:
the absolute error is least for the median, and would have us expect nothing of most customers. The
probability to be alive is always Pareto/NBD's: BG/NBD's is 1 for everyone who bought once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import polars as pl

from lifecycle.bgnbd import fit_bgnbd
from lifecycle.config import LifecycleConfig
from lifecycle.gamma_gamma import GammaGamma, fit_gamma_gamma
from lifecycle.occasions import Floats, Occasions
from lifecycle.pareto import Pareto, fit_pareto
from lifecycle.summary import Summary, summarise
from loaders.errors import DataError

__all__ = [
    "PURCHASE_MODELS",
    "Purchases",
    "Rate",
    "ValueModel",
    "fit_purchases",
    "fit_spend",
    "fit_value",
    "mean_spend",
    "predict_value",
]


class Purchases(Protocol):
    """A fitted purchase model."""

    def expected(self, data: Summary, horizon: float) -> Floats:
        """Purchase days expected within ``horizon`` days, float64 [n]."""
        ...


@dataclass(frozen=True)
class Rate:
    """Everyone goes on as before: repeats by days watched. What a model has to beat."""

    def expected(self, data: Summary, horizon: float) -> Floats:
        """Rate times horizon, float64 [n]."""
        return np.asarray(horizon * data.repeats / np.maximum(data.age, 1.0))


PURCHASE_MODELS: Final[Mapping[str, Callable[[Summary], Purchases]]] = {
    "pareto": fit_pareto,
    "bgnbd": fit_bgnbd,
    "rate": lambda _: Rate(),
}
"""How each is fitted; the first is served where nothing can be measured yet."""


@dataclass(frozen=True)
class ValueModel:
    """What foretells purchases, life and spend.

    Attributes:
        name: of the purchase model, in ``PURCHASE_MODELS``.
        purchases: the model.
        life: gives the probability to be alive.
        spend: gives spend an order; ``None`` in a shop without values.
        errors: root mean squared error of each purchase model on the last horizon; empty where the
            shop is too young.
    """

    name: str
    purchases: Purchases
    life: Pareto
    spend: GammaGamma | None
    errors: Mapping[str, float]


def fit_purchases(
    occasions: Occasions, now: float, config: LifecycleConfig
) -> dict[str, Purchases]:
    """Every purchase model on at most ``config.sample`` customers, of what is known at ``now``."""
    data = summarise(occasions.before(now), now).sampled(config.sample, config.seed)
    return {name: fit(data) for name, fit in PURCHASE_MODELS.items()}


def fit_spend(occasions: Occasions, config: LifecycleConfig) -> GammaGamma | None:
    """Spend a purchase day; ``None`` where no line has a value."""
    count, mean = mean_spend(occasions)
    rows = np.flatnonzero(count > 0)
    if len(rows) > config.sample:
        rows = np.random.default_rng(config.seed).choice(rows, config.sample, replace=False)
    try:
        return fit_gamma_gamma(count[rows], mean[rows])
    except DataError:
        return None


def mean_spend(occasions: Occasions) -> tuple[Floats, Floats]:
    """Purchase days with a value above 0, and the mean of those, both float64 [n_users]."""
    valued = np.nan_to_num(occasions.values) > 0
    count = occasions.total(valued)
    total = occasions.total(np.where(valued, np.nan_to_num(occasions.values), 0.0))
    return count, np.where(count > 0, total / np.maximum(count, 1), np.nan)


def fit_value(occasions: Occasions, now: float, config: LifecycleConfig) -> ValueModel:
    """Choose the purchase model on the last horizon before ``now``, and fit all on everything.

    Raises:
        DataError: nobody bought anything.
    """
    fitted = fit_purchases(occasions, now, config)
    errors = _errors(occasions, now, config)
    name = min(errors, key=lambda name: errors[name]) if errors else next(iter(fitted))
    life = fitted["pareto"]
    assert isinstance(life, Pareto)
    return ValueModel(name, fitted[name], life, fit_spend(occasions.before(now), config), errors)


def _errors(occasions: Occasions, now: float, config: LifecycleConfig) -> dict[str, float]:
    """Error of each model on the last horizon; empty where less than two are known."""
    cut = now - config.horizon_days
    if not len(occasions) or cut - config.horizon_days < occasions.days.min():
        return {}
    fitted = fit_purchases(occasions, cut, config)
    data = summarise(occasions.before(cut), cut)
    real = occasions.since(cut).before(now).counts[data.users]
    return {
        name: float(np.sqrt(((model.expected(data, config.horizon_days) - real) ** 2).mean()))
        for name, model in fitted.items()
    }


def predict_value(
    model: ValueModel, occasions: Occasions, now: float, config: LifecycleConfig
) -> pl.DataFrame:
    """What is expected of every customer within ``config.horizon_days``.

    Returns:
        One row a user row: ``expected_orders`` (purchase days), ``expected_value`` (shop's
        currency; null where the shop knows no values), ``probability_alive``. Null for who never
        bought.
    """
    data = summarise(occasions, now)
    orders = np.full((3, occasions.n_users), np.nan)
    orders[0, data.users] = model.purchases.expected(data, config.horizon_days)
    orders[2, data.users] = model.life.alive(data)
    if model.spend is not None:
        orders[1] = orders[0] * model.spend.expected(*mean_spend(occasions))
    names = ("expected_orders", "expected_value", "probability_alive")
    table = pl.DataFrame(dict(zip(names, orders, strict=True)))
    return table.with_columns(pl.all().fill_nan(None))
