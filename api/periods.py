"""Days, weeks and months that a time is told in, as days since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Unit", "after", "all_starts", "starts_of", "unit_of"]

Unit = Literal["day", "week", "month"]
DAYS_BY_DAY: Final = 60
"""Longest time that is told day by day; more periods than this nobody tells apart."""
DAYS_BY_WEEK: Final = 500
MONDAY: Final = 3
"""1970-01-01 was a Thursday."""


def unit_of(days: int) -> Unit:
    """What a time of so many days is told in."""
    return "day" if days <= DAYS_BY_DAY else "week" if days <= DAYS_BY_WEEK else "month"


def starts_of(days: npt.NDArray[Any], unit: Unit) -> npt.NDArray[np.int32]:
    """First day of the period that each day is in, int32, days since 1970."""
    days = days.astype(np.int64)
    if unit == "week":
        days = days - (days + MONDAY) % 7
    elif unit == "month":
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        days = months.astype("datetime64[D]").astype(np.int64)
    return days.astype(np.int32)


def all_starts(first: int, last: int, unit: Unit) -> npt.NDArray[np.int32]:
    """First days of all periods from the day ``first`` to the day ``last``."""
    return np.unique(starts_of(np.arange(first, last + 1), unit))


def after(start: date, unit: Unit) -> date:
    """First day of the next period."""
    if unit == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if unit == "week" else 1)
