"""Purchase lines become occasions: one a customer and day, in order.

Two orders of one day are one decision to buy; an interval of hours between them would say that a
weekly customer is late by noon. Everything else in this room reads occasions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.interactions import InteractionGraph

__all__ = ["Bools", "Floats", "Ints", "Occasions", "find_occasions"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Occasions:
    """Days on which customers bought, sorted by customer and day.

    Attributes:
        n_users: user rows run from 0 to this.
        users: int64 [n].
        days: whole days since 1970-01-01 UTC, int64 [n].
        firsts, lasts: moments of the first and last line of the day, float64 [n] days.
        orders, lines: how many, int64 [n].
        values: shop's currency, float64 [n]; NaN where no line has a value.
    """

    n_users: int
    users: Ints
    days: Ints
    firsts: Floats
    lasts: Floats
    orders: Ints
    lines: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.users)

    def where(self, mask: Bools) -> Occasions:
        """The occasions that ``mask`` bool [n] keeps."""
        return Occasions(
            self.n_users,
            self.users[mask],
            self.days[mask],
            self.firsts[mask],
            self.lasts[mask],
            self.orders[mask],
            self.lines[mask],
            self.values[mask],
        )

    def before(self, day: float) -> Occasions:
        """Occasions that began before ``day``, which is best a midnight."""
        return self.where(self.firsts < day)

    def since(self, day: float) -> Occasions:
        """Occasions that began at or after ``day``."""
        return self.where(self.firsts >= day)

    def total(self, weights: npt.NDArray[np.generic] | None = None) -> Floats:
        """Sum of ``weights`` [n], 1 each by default, by customer, float64 [n_users]."""
        return np.bincount(self.users, weights, self.n_users).astype(np.float64)

    @cached_property
    def counts(self) -> Ints:
        """Occasions of each customer, int64 [n_users]."""
        return np.bincount(self.users, minlength=self.n_users).astype(np.int64)

    @cached_property
    def followed(self) -> Bools:
        """Whether an occasion is not its customer's first, bool [n]."""
        found: Bools = np.r_[False, self.users[1:] == self.users[:-1]][: len(self)]
        return found

    @cached_property
    def gaps(self) -> Floats:
        """Days since the customer's occasion before, float64 [n]; NaN for the first."""
        steps = np.diff(self.days, prepend=self.days[:1]).astype(np.float64)
        return np.where(self.followed, steps, np.nan)

    @cached_property
    def turns(self) -> Ints:
        """How many occasions of the same customer follow, int64 [n]; 0 for the latest."""
        ends = np.cumsum(self.counts)
        return ends[self.users] - 1 - np.arange(len(self))

    @cached_property
    def last(self) -> Floats:
        """Latest moment of each customer, float64 [n_users]; NaN where they never bought."""
        found = np.full(self.n_users, np.nan)
        found[self.users] = self.lasts  # sorted by day: the latest stays
        return found

    @cached_property
    def first(self) -> Floats:
        """Earliest moment of each customer, float64 [n_users]; NaN where they never bought."""
        found = np.full(self.n_users, np.nan)
        found[self.users[::-1]] = self.firsts[::-1]
        return found


def find_occasions(graph: InteractionGraph) -> Occasions:
    """The purchase days of every customer.

    Lines of unknown order count as one order a day.
    """
    bought = graph.purchases()
    lines = pl.DataFrame(
        {
            "user": bought.user_rows.astype(np.int64),
            "day": np.floor(bought.days).astype(np.int64),
            "at": bought.days,
            "order": bought.orders,
            "value": pl.Series(bought.values.astype(np.float64)).fill_nan(None),
        }
    )
    known = pl.col("value").is_not_null().any()
    days = (
        lines.group_by("user", "day")
        .agg(
            first=pl.col("at").min(),
            last=pl.col("at").max(),
            orders=pl.col("order").n_unique().cast(pl.Int64),
            lines=pl.len().cast(pl.Int64),
            value=pl.when(known).then(pl.col("value").sum()),
        )
        .sort("user", "day")
    )
    return Occasions(
        len(graph.users),
        days["user"].to_numpy(),
        days["day"].to_numpy(),
        days["first"].to_numpy(),
        days["last"].to_numpy(),
        days["orders"].to_numpy(),
        days["lines"].to_numpy(),
        days["value"].fill_null(np.nan).to_numpy(),
    )
