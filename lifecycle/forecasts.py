"""Ways to go on with a weekly series. Each turns a past, float64 [weeks], into the weeks ahead.

statsmodels is imported only where one of its two is asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from lifecycle.occasions import Floats

__all__ = ["FORECASTS", "Forecast"]

Forecast = Callable[[Floats, int], Floats]
MEAN_OF = 4
"""Weeks of the moving mean."""
YEAR, MONTH = 52, 4


def _naive(past: Floats, ahead: int) -> Floats:
    """The last week again."""
    return np.repeat(past[-1:], ahead)


def _seasonal(past: Floats, ahead: int) -> Floats:
    """The same week a year ago; in a shop younger than that, four weeks ago."""
    season = YEAR if len(past) >= YEAR + ahead else MONTH
    return np.resize(past[-season:], ahead)


def _mean(past: Floats, ahead: int) -> Floats:
    """The mean of the last four weeks."""
    return np.repeat(past[-MEAN_OF:].mean(), ahead)


def _ets(past: Floats, ahead: int) -> Floats:
    """Exponential smoothing with a damped trend (Gardner and McKenzie, 1985)."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    def fitted() -> Floats:
        model = ExponentialSmoothing(past, trend="add", damped_trend=True)
        return np.asarray(model.fit().forecast(ahead), np.float64)

    return _unless_broken(fitted, past, ahead)


def _arima(past: Floats, ahead: int) -> Floats:
    """ARIMA(1, 0, 1) around a mean (Box and Jenkins, 1970)."""
    from statsmodels.tsa.arima.model import ARIMA

    scale = max(float(np.abs(past).mean()), 1e-9)

    def fitted() -> Floats:
        model = ARIMA(past / scale, order=(1, 0, 1), trend="c")
        return np.asarray(scale * model.fit().forecast(ahead), np.float64)

    return _unless_broken(fitted, past, ahead)


def _unless_broken(fitted: Callable[[], Floats], past: Floats, ahead: int) -> Floats:
    """What is fitted, or the moving mean where the series is too odd to fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of iterations that did not settle; errors are measured
        try:
            found = fitted()
        except (ValueError, np.linalg.LinAlgError):
            return _mean(past, ahead)
    return found if np.isfinite(found).all() else _mean(past, ahead)


FORECASTS: Final[Mapping[str, Forecast]] = {
    "naive": _naive,
    "seasonal naive": _seasonal,
    "moving mean": _mean,
    "ets": _ets,
    "arima": _arima,
}
"""The simplest first."""
