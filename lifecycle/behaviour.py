"""What a customer did before a moment, as numbers a classifier can learn from.

Every column belongs to one driver, such as "recency": columns of one driver move together, so it
is their sum that explains a prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lifecycle.config import LifecycleConfig
from lifecycle.occasions import Floats, Occasions
from lifecycle.rhythm import find_rhythm

__all__ = ["Features", "behaviour", "joined"]

WEEKS: Final = 12
HORIZONS: Final = (7, 14, 28, 56, 84, 168)
HALF_LIVES: Final = (7, 21, 60)
SPREAD = 0.8
"""Usual spread of the logarithm of waits, that few of one's own are mixed with."""


@dataclass(frozen=True)
class Features:
    """Columns by name.

    Attributes:
        names: of the columns.
        drivers: what each column tells of, one a column.
        values: float64 [n_users, n_columns].
    """

    names: tuple[str, ...]
    drivers: tuple[str, ...]
    values: Floats

    def column(self, name: str) -> Floats:
        """One column, float64 [n_users]."""
        return self.values[:, self.names.index(name)]


def joined(parts: Sequence[Features]) -> Features:
    """All columns side by side."""
    return Features(
        tuple(name for part in parts for name in part.names),
        tuple(driver for part in parts for driver in part.drivers),
        np.column_stack([part.values for part in parts]),
    )


def behaviour(occasions: Occasions, now: float, config: LifecycleConfig) -> Features:
    """Columns of behaviour before ``now``.

    Args:
        occasions: those before ``now`` only.
        now: days since 1970-01-01 UTC.
        config: settings.
    """
    parts = {
        "recency": _recency(occasions, now, config),
        "frequency": _frequency(occasions, now),
        "rhythm": _rhythm(occasions, now, config),
        "trend": _trend(occasions, now),
        "spend": _spend(occasions, now),
        "basket": _baskets(occasions),
        "time": _time(occasions),
    }
    return joined([_features(driver, columns) for driver, columns in parts.items()])


def _features(driver: str, columns: Mapping[str, Floats]) -> Features:
    return Features(
        tuple(columns), (driver,) * len(columns), np.column_stack(list(columns.values()))
    )


def _away(occasions: Occasions, now: float, config: LifecycleConfig) -> Floats:
    """Days since the last purchase, float64 [n_users]; as long as inactive for who never bought."""
    return np.nan_to_num(now - occasions.last, nan=2 * config.active_days)


def _recency(occasions: Occasions, now: float, config: LifecycleConfig) -> dict[str, Floats]:
    away = _away(occasions, now, config)
    return {"days_since_last": away, "log_days_since_last": np.log1p(away)}


def _frequency(occasions: Occasions, now: float) -> dict[str, Floats]:
    age, orders = now - occasions.firsts, occasions.orders
    columns = {
        f"orders_{days}_days": np.log1p(occasions.total(orders * (age < days))) for days in HORIZONS
    }
    columns |= {
        f"orders_fading_{half}_days": np.log1p(occasions.total(orders * np.exp2(-age / half)))
        for half in HALF_LIVES
    }
    week = [occasions.total(orders * ((age >= 7 * k) & (age < 7 * k + 7))) for k in range(WEEKS)]
    columns |= {f"orders_week_{k + 1}": np.log1p(count) for k, count in enumerate(week)}
    some = np.array([count > 0 for count in week])
    columns["weeks_of_4"], columns["weeks_of_12"] = some[:4].sum(0) * 1.0, some.sum(0) * 1.0
    tenure = np.nan_to_num(now - occasions.first)
    columns["tenure_days"] = tenure
    return columns | {"log_rate": np.log((occasions.total(orders) + 0.5) / np.maximum(tenure, 7))}


def _rhythm(occasions: Occasions, now: float, config: LifecycleConfig) -> dict[str, Floats]:
    """How late one is by one's own waits, and how often one waited longer still."""
    rhythm, away = find_rhythm(occasions, config), _away(occasions, now, config)
    came = occasions.followed
    users, gaps = occasions.users[came], occasions.gaps[came]

    def share(longer: np.ndarray[tuple[int], np.dtype[np.bool_]], prior: float) -> Floats:
        return (np.bincount(users, longer, occasions.n_users) + prior) / (rhythm.intervals + 1)

    logs = np.log(gaps) - np.log(rhythm.usual[users])
    squares = np.bincount(users, logs**2, occasions.n_users)
    spread = np.sqrt((squares + 2 * SPREAD) / (rhythm.intervals + 2))
    overdue = np.log(np.maximum(away, 0.5) / rhythm.usual)
    longest = np.ones(occasions.n_users)
    np.maximum.at(longest, users, gaps)
    ahead = config.churn_days
    still = share(gaps > away[users], 0.3)
    return {
        "log_usual_interval": np.log(rhythm.usual),
        "spread_of_intervals": spread,
        "overdue": overdue,
        "overdue_in_spreads": overdue / spread,
        "overdue_of_longest": np.log(np.maximum(away, 0.5) / longest),
        "waited_longer": still,
        "waited_longer_and_the_horizon": share(gaps > away[users] + ahead, 0.15) / still,
        "waited_the_horizon": share(gaps > ahead, 0.1),
    }


def _trend(occasions: Occasions, now: float) -> dict[str, Floats]:
    age, orders = now - occasions.firsts, occasions.orders
    recent = occasions.total(orders * (age < 28))
    before = occasions.total(orders * ((age >= 28) & (age < 84)))
    empty = [occasions.total((age >= 28 * k) & (age < 28 * k + 28)) == 0 for k in range(6)]
    return {
        "trend": np.log1p(recent) - np.log1p(before / 2),
        "empty_months": np.sum(empty, axis=0) * 1.0,
    }


def _spend(occasions: Occasions, now: float) -> dict[str, Floats]:
    age, values = now - occasions.firsts, np.maximum(np.nan_to_num(occasions.values), 0)
    return {
        "spend_28_days": np.log1p(occasions.total(values * (age < 28))),
        "spend_84_days": np.log1p(occasions.total(values * (age < 84))),
        "spend_fading": np.log1p(occasions.total(values * np.exp2(-age / 28))),
    }


def _baskets(occasions: Occasions) -> dict[str, Floats]:
    orders = np.maximum(occasions.total(occasions.orders), 1)
    values = np.maximum(np.nan_to_num(occasions.values), 0)
    return {
        "value_an_order": np.log1p(occasions.total(values) / orders),
        "lines_an_order": np.log1p(occasions.total(occasions.lines) / orders),
    }


def _time(occasions: Occasions) -> dict[str, Floats]:
    """Shares of purchase days on weekends and begun at night, UTC."""
    count = np.maximum(occasions.counts, 1)
    weekend = (occasions.days + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    hour = 24 * (occasions.firsts % 1)
    return {
        "share_weekend": occasions.total(weekend) / count,
        "share_night": occasions.total((hour >= 22) | (hour < 6)) / count,
    }
