"""``Tables``: all that a definition can ask about: a row a customer, products by what they are.

Made once for a build and shared by all audiences; whatever is missing there is an error that says
what to do, when a condition asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from audiences.conditions import What
from audiences.events import EventLog
from graph.ids import IdMap

__all__ = ["Grouping", "Mask", "Tables", "traits_of"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Grouping:
    """One level of segments.

    Attributes:
        ids: of the segments.
        names: what a person reads.
        member: int32 [n_users], place in ``ids``; -1 for users in none.
        strength: float32 [n_users], how firmly each belongs, 0 to 1.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    member: npt.NDArray[np.int32]
    strength: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tables:
    """One build's customers and products.

    Attributes:
        build: its name.
        users: ids of the rows.
        open: bool [n_users], who may be in an audience at all.
        closed: why others may not: "anonymous", "no consent" or "suppressed"; null for the open.
        attributes: the shop's own table of users, aligned to rows, without the id.
        traits: what is known of each customer, aligned to rows; see ``traits_of``.
        groupings: levels of segments.
        events: what they did.
        products: ``product_id``, ``title``, ``category_id``, ``brand``, aligned to product rows.
        categories: ``category_id``, ``parent_id`` and ``name``.
        vectors: float32 [n_users, dim], what the graph tells of each; zero where nothing.
        liked: int32 [n_users, n], product rows of each user's list, best first, -1 at its end.
        currency: of all money.
    """

    build: str
    users: IdMap
    open: Mask
    closed: pl.Series
    attributes: pl.DataFrame
    traits: pl.DataFrame
    groupings: tuple[Grouping, ...]
    events: EventLog
    products: pl.DataFrame
    categories: pl.DataFrame
    vectors: npt.NDArray[np.float32]
    liked: npt.NDArray[np.int32]
    currency: str = "USD"
    _masks: dict[What, Mask] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.users)

    @cached_property
    def product_ids(self) -> frozenset[str]:
        """Ids of all products."""
        return frozenset(self.products["product_id"])

    @cached_property
    def category_ids(self) -> frozenset[str]:
        """Ids of all categories."""
        return frozenset(self.categories["category_id"])

    @cached_property
    def brands(self) -> frozenset[str]:
        """Names of all brands."""
        return frozenset(self.products["brand"].drop_nulls())

    @cached_property
    def segments(self) -> dict[str, tuple[Grouping, int]]:
        """Where each segment is, by id."""
        return {id_: (g, place) for g in self.groupings for place, id_ in enumerate(g.ids)}

    @cached_property
    def spend(self) -> npt.NDArray[np.float64]:
        """Money spent by each customer, float64 [n_users]; 0 where nothing is known."""
        return self.traits["spend"].fill_null(0.0).fill_nan(0.0).to_numpy().astype(np.float64)

    @cached_property
    def now(self) -> int:
        """The moment of the shop's last event, in seconds since 1970."""
        return self.events.now

    @cached_property
    def only_kind(self) -> int:
        """The one kind of event there is; -1 where there are several or none."""
        kinds = self.events.kinds
        return int(kinds[0]) if len(kinds) and kinds.min() == kinds.max() else -1

    def below(self, categories: tuple[str, ...]) -> tuple[str, ...]:
        """These categories and all below them, sorted."""
        found = set(categories)
        parents = list(self.categories.select("category_id", "parent_id").iter_rows())
        while more := {c for c, p in parents if p in found and c not in found}:
            found |= more
        return tuple(sorted(found))

    def matching(self, what: What) -> Mask | None:
        """Products that ``what`` means, bool [n_products]; ``None`` for all of them."""
        key = What(product=what.product, category=what.category, brand=what.brand)
        if not (key.product or key.category or key.brand):
            return None
        if key not in self._masks:
            self._masks[key] = self._matching(key)
        return self._masks[key]

    def _matching(self, what: What) -> Mask:
        frame, mask = self.products, np.ones(self.products.height, np.bool_)
        wanted = {
            "product_id": what.product,
            "category_id": self.below(what.category),
            "brand": what.brand,
        }
        for column, values in wanted.items():
            if values:
                known = frame[column].is_in(pl.Series(values, dtype=pl.String).implode())
                mask &= known.fill_null(False).to_numpy()
        return mask


def traits_of(
    users: IdMap, stats: pl.DataFrame, customers: pl.DataFrame | None, now: float
) -> pl.DataFrame:
    """What is known of each customer, aligned to rows.

    Args:
        users: ids of the rows.
        stats: ``orders``, ``spend`` and ``last`` (days since 1970) by row.
        customers: ``user_id`` and any of ``stage``, ``orders``, ``spend``, ``first_at``,
            ``last_at``, ``days_since_last``, ``usual_interval_days``, ``expected_orders``,
            ``expected_value``, ``probability_alive``, ``churn_risk``, ``rfm``; they win over
            ``stats``.
        now: the day of the shop's last event.
    """
    counted = stats.select(
        "orders", "spend", days_since_last=(pl.lit(now) - pl.col("last")).cast(pl.Float64)
    )
    if customers is None:
        return counted
    rows = pl.DataFrame({"user_id": users.ids})
    known = rows.join(customers, on="user_id", how="left", maintain_order="left").drop("user_id")
    return counted.with_columns(known)
