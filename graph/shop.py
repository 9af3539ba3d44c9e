"""``Shop``: what the models need of a store, read back once, with tables aligned to rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.interactions import InteractionGraph, from_day
from loaders.schema import empty

__all__ = ["Shop"]


@dataclass(frozen=True)
class Shop:
    """The interaction graph beside the tables that describe its rows.

    Attributes:
        graph: events as arrays.
        users: row i describes user row i: ``user_id``, ``anonymous``, attributes.
        products: row i describes product row i: ``product_id``, ``title``, ``price``,
            ``category_id``, ``brand``, attributes.
        categories: ``category_id``, ``name``, ``level``, ``parent_id``.
        currency: ISO 4217 code of all money.
        redemptions: ``user_id``, ``campaign_id``, ``at``; may be empty, as ``targets``.
        targets: ``campaign_id``, ``user_id``: whom campaigns were sent to.
    """

    graph: InteractionGraph
    users: pl.DataFrame
    products: pl.DataFrame
    categories: pl.DataFrame
    currency: str = "USD"
    redemptions: pl.DataFrame = field(default_factory=partial(empty, "redemptions"))
    targets: pl.DataFrame = field(default_factory=partial(empty, "campaign_targets"))

    def before(self, day: float) -> Shop:
        """The shop as it was before ``day``: earlier events and redemptions, the same rows."""
        earlier = self.redemptions.filter(pl.col("at") < from_day(day))
        return replace(self, graph=self.graph.before(day), redemptions=earlier)

    @cached_property
    def levels(self) -> int:
        """Number of category levels; 0 where the shop has none."""
        top = self.categories["level"].max()
        return 0 if top is None else int(top) + 1  # type: ignore[arg-type]

    def category_rows(self, level: int) -> npt.NDArray[np.int32]:
        """For each product the row in ``categories`` of its ancestor at ``level``, int32 [n].

        A product whose category lies above ``level`` gets that category; one without, -1.
        """
        row = {id_: i for i, id_ in enumerate(self.categories["category_id"])}
        parents = [row.get(p, -1) for p in self.categories["parent_id"]]
        depth = self.categories["level"].to_list()
        ancestor = list(range(len(parents)))
        for i in range(len(ancestor)):
            while depth[ancestor[i]] > level and parents[ancestor[i]] >= 0:
                ancestor[i] = parents[ancestor[i]]
        leaf = [row.get(c, -1) for c in self.products["category_id"]]
        return np.array([ancestor[c] if c >= 0 else -1 for c in leaf], np.int32)
