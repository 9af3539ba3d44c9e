"""How good churn and value were at a cut in time, method by method, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lifecycle.churn import ChurnData, ChurnModel, fit_all, moment_at
from lifecycle.config import LifecycleConfig
from lifecycle.occasions import Bools, Floats, Occasions
from lifecycle.resample import (
    Figure,
    Interval,
    area_under_curve,
    interval,
    lift_at_top,
    mean_of,
)
from lifecycle.summary import summarise
from lifecycle.value import fit_purchases, fit_spend, fit_value, mean_spend
from loaders.errors import DataError

__all__ = ["Measured", "measure_churn", "measure_value"]


@dataclass(frozen=True)
class Measured:
    """A table of methods.

    Attributes:
        settings: the cut, horizons, and how many customers were judged.
        rows: ``method``, whether it is ``served``, and its figures, intervals where drawn.
    """

    settings: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """As plain dictionaries, lists, strings and numbers."""
        rows = [
            {k: asdict(v) if isinstance(v, Interval) else v for k, v in row.items()}
            for row in self.rows
        ]
        return {"settings": dict(self.settings), "rows": rows}


def _drawn(n: int, config: LifecycleConfig) -> Callable[[Figure], Interval]:
    return lambda figure: interval(figure, n, samples=config.bootstrap, seed=config.seed)


def measure_churn(data: ChurnData, cut: float, config: LifecycleConfig) -> Measured:
    """Fit on what is known at ``cut``, judge by the days after it.

    Args:
        data: purchases; later than ``cut`` only judge.
        cut: days since 1970-01-01 UTC, best a midnight.
        config: settings.

    Raises:
        DataError: too little is known before the cut, or too few days follow it.
    """
    end = data.occasions.lasts.max(initial=0.0)
    if end < cut + config.churn_days - 1:
        raise DataError(
            f"the data ends {max(end - cut, 0):.0f} days after the cut, and churn is judged by "
            f"{config.churn_days:g}; choose an earlier cut or set lifecycle.churn_days"
        )
    models = fit_all(data, cut, config)
    moment = moment_at(data, cut, config)
    rows = [_churn_row(model, moment.features.values, moment.gone, config) for model in models]
    settings = {
        "customers": len(moment.users),
        "churned": float(moment.gone.mean()),
        "churn_days": config.churn_days,
        "active_days": config.active_days,
    }
    return Measured(settings, tuple({**r, "served": i == 0} for i, r in enumerate(rows)))


def _churn_row(
    model: ChurnModel, values: Floats, gone: Bools, config: LifecycleConfig
) -> dict[str, Any]:
    risk = model.risk(values)
    draw = _drawn(len(risk), config)
    return {
        "method": model.name,
        "auc": draw(area_under_curve(risk, gone)),
        "brier": draw(mean_of((risk - gone) ** 2)),
        "lift_top_decile": draw(lift_at_top(risk, gone)),
        "mean_risk": float(risk.mean()),
        "calibration_error": _calibration_error(risk, gone),
    }


def _calibration_error(risk: Floats, gone: Bools, bins: int = 10) -> float:
    """Mean gap between told and real share over tenths of the customers by risk."""
    order = np.argsort(risk, kind="stable")
    gaps = [abs(risk[part].mean() - gone[part].mean()) for part in np.array_split(order, bins)]
    return float(np.mean(gaps))


def measure_value(occasions: Occasions, cut: float, config: LifecycleConfig) -> Measured:
    """Fit on what is known at ``cut``, judge by the horizon after it.

    Args:
        occasions: of the whole shop; later than ``cut`` only judge.
        cut: days since 1970-01-01 UTC.
        config: settings; a horizon longer than what follows the cut is cut to that.

    Raises:
        DataError: nothing is known before or after the cut.
    """
    before, after = occasions.before(cut), occasions.since(cut)
    if not len(before) or not len(after):
        raise DataError("value is judged by purchases on both sides of the cut; found none on one")
    horizon = min(config.horizon_days, float(np.ceil(after.lasts.max() - cut)))
    config = config.model_copy(update={"horizon_days": horizon})
    after = after.before(cut + horizon)
    served = fit_value(before, cut, config)
    data = summarise(before, cut)
    real = after.counts[data.users].astype(np.float64)
    worth = after.total(np.nan_to_num(after.values))[data.users]
    spend = _spend(before, config)[data.users]
    rows = []
    for name, model in fit_purchases(before, cut, config).items():
        orders = model.expected(data, horizon)
        rows.append(
            {
                "method": name,
                "served": name == served.name,
                **_value_row(orders, real, orders * spend, worth, config),
            }
        )
    settings = {
        "customers": len(data),
        "horizon_days": horizon,
        "purchase_days": float(real.sum()),
        **_spend_errors(before, after, config),
    }
    return Measured(settings, tuple(rows))


def _value_row(
    orders: Floats, real: Floats, value: Floats, worth: Floats, config: LifecycleConfig
) -> dict[str, Any]:
    draw = _drawn(len(real), config)
    return {
        "expected": float(orders.sum()),
        "rmse": draw(_root(mean_of((orders - real) ** 2))),
        "mae": draw(mean_of(np.abs(orders - real))),
        "auc_buys_again": draw(area_under_curve(orders, real > 0)),
        "value_mae": draw(mean_of(np.abs(value - worth))),
        "value_share": float(np.nansum(value) / max(worth.sum(), 1e-9)),
    }


def _root(figure: Figure) -> Figure:
    return lambda weights: np.sqrt(figure(weights))


def _spend(occasions: Occasions, config: LifecycleConfig) -> Floats:
    """Spend a purchase day expected of each customer, float64 [n_users]; 0 without values."""
    model = fit_spend(occasions, config)
    if model is None:
        return np.zeros(occasions.n_users)
    return np.nan_to_num(model.expected(*mean_spend(occasions)))


def _spend_errors(before: Occasions, after: Occasions, config: LifecycleConfig) -> dict[str, Any]:
    """Errors of spend a purchase day of who came again, by Gamma-Gamma and by their own mean."""
    known, own = mean_spend(before)
    came, real = mean_spend(after)
    both = np.flatnonzero((known > 0) & (came > 0))
    if not len(both):
        return {}
    draw = _drawn(len(both), config)
    modelled = _spend(before, config)
    return {
        "spend_mae_gamma_gamma": asdict(draw(mean_of(np.abs(modelled - real)[both]))),
        "spend_mae_own_mean": asdict(draw(mean_of(np.abs(own - real)[both]))),
    }
