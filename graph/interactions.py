"""``InteractionGraph``: who did what to which product and when, as flat arrays.

What rules, encoders, rankers and the evaluation read. Cutting it in time keeps its ids, so rows
mean the same on both sides of a cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from graph.ids import IdMap

__all__ = ["FloatMatrix", "InteractionGraph", "from_day", "to_day"]

FloatMatrix = sparse.csr_array[np.float32, tuple[int, int]]
"""A sparse float32 matrix, users by products unless said otherwise."""


def to_day(moment: datetime) -> float:
    """Days since 1970-01-01 UTC; a moment without a zone is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp() / 86_400


def from_day(day: float) -> datetime:
    """The moment ``day`` days after 1970-01-01 UTC, to the second."""
    return _EPOCH + timedelta(seconds=round(day * 86_400))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class InteractionGraph:
    """Events as arrays, one entry an event.

    Attributes:
        users, products: the ids of the rows.
        registered: bool [n_users]; False for visitors without an account.
        user_rows, product_rows: int32 [n_events].
        kinds: int8 [n_events], index into ``loaders.schema.EVENT_NAMES`` (0 is a purchase).
        days: float64 [n_events], days since 1970-01-01 UTC.
        quantities, values: float32 [n_events]; units, and the shop's currency (NaN where unknown).
        orders: int32 [n_events]; lines of one order share a number, -1 where unknown.
        target: the kind of event that customers are to be led to, and so what is learned from and
            measured: purchases (0), or ratings and the like in data that has none.
    """

    users: IdMap
    products: IdMap
    registered: npt.NDArray[np.bool_]
    user_rows: npt.NDArray[np.int32]
    product_rows: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]
    days: npt.NDArray[np.float64]
    quantities: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    orders: npt.NDArray[np.int32]
    target: int = 0

    def __len__(self) -> int:
        return len(self.user_rows)

    @property
    def shape(self) -> tuple[int, int]:
        """(users, products)."""
        return len(self.users), len(self.products)

    @property
    def last_day(self) -> float:
        """The day of the latest event; 0 where there is none."""
        return float(self.days.max()) if len(self) else 0.0

    def where(self, mask: npt.NDArray[np.bool_]) -> InteractionGraph:
        """The events that ``mask`` bool [n_events] keeps, over the same ids."""
        per_event: dict[str, Any] = {
            name: getattr(self, name)[mask]
            for name in (
                "user_rows",
                "product_rows",
                "kinds",
                "days",
                "quantities",
                "values",
                "orders",
            )
        }
        return replace(self, **per_event)

    def before(self, day: float) -> InteractionGraph:
        """Events strictly before ``day`` (days since 1970-01-01 UTC)."""
        return self.where(self.days < day)

    def since(self, day: float) -> InteractionGraph:
        """Events at or after ``day``."""
        return self.where(self.days >= day)

    def purchases(self) -> InteractionGraph:
        """Purchases only; events of kind ``target`` in data without any."""
        return self.where(self.kinds == self.target)

    def of_products(self, keep: npt.NDArray[np.bool_]) -> InteractionGraph:
        """The events on the products that ``keep`` bool [n_products] names, and only their ids."""
        row = np.cumsum(keep, dtype=np.int32) - 1
        kept = self.where(keep[self.product_rows])
        ids = IdMap(self.products.ids.filter(pl.Series(keep)))
        return replace(kept, products=ids, product_rows=row[kept.product_rows])

    def matrix(self, weights: npt.NDArray[Any] | None = None) -> FloatMatrix:
        """Sum of ``weights`` [n_events] (1 each by default) by user and product, float32 CSR."""
        data = np.ones(len(self), np.float32) if weights is None else weights.astype(np.float32)
        coo = sparse.coo_array((data, (self.user_rows, self.product_rows)), shape=self.shape)
        matrix = coo.tocsr()
        matrix.sort_indices()
        return matrix

    def decay(self, half_life: float, now: float | None = None) -> npt.NDArray[np.float32]:
        """Event weights, float32 [n_events]: halved each ``half_life`` days before ``now``."""
        age = (self.last_day if now is None else now) - self.days
        return np.exp2(-age / half_life).astype(np.float32)
