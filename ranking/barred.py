"""``Barred``: what a request keeps out of a customer's list, asked of all products or of a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ranking.history import History
from ranking.scorer import Bought

__all__ = ["Barred", "Exclude"]

Mask = npt.NDArray[np.bool_]
Exclude = Sequence[int] | npt.NDArray[np.int64] | None


@dataclass(frozen=True)
class Barred:
    """Rules of one request.

    Attributes:
        history: what users bought.
        bought: whether products bought before are allowed, barred or required.
        allowed: products that may be listed, bool [n_products]; ``None`` for all.
        exclude: product rows that may not be.
        since: product rows bought since the history was made, int64 [n].
    """

    history: History
    bought: Bought
    allowed: Mask | None = None
    exclude: Exclude = None
    since: npt.NDArray[np.int64] | None = None

    def passed(self, user_rows: npt.NDArray[np.int64]) -> Mask:
        """What each user's list may hold, bool [len(user_rows), n_products]."""
        if self.bought == "include":
            mask = np.ones((len(user_rows), self.history.shape[1]), np.bool_)
        else:
            held = self.history.bought(user_rows)
            if self.since is not None:
                held[:, self.since] = True
            mask = held if self.bought == "only" else ~held
        if self.allowed is not None:
            mask &= self.allowed
        if self.exclude is not None and len(self.exclude):
            mask[:, np.asarray(self.exclude, np.int64)] = False
        return mask

    def passes(self, user_row: int, rows: npt.NDArray[np.int64]) -> Mask:
        """Which of ``rows`` one user's list may hold, bool [len(rows)]."""
        may = np.ones(len(rows), np.bool_)
        if self.bought != "include":
            held = np.isin(rows, self.history.of(user_row).products)
            if self.since is not None:
                held |= np.isin(rows, self.since)
            may = held if self.bought == "only" else ~held
        if self.allowed is not None:
            may &= self.allowed[rows]
        if self.exclude is not None and len(self.exclude):
            may &= ~np.isin(rows, self.exclude)
        return may
