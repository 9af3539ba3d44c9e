"""``Tastes``: how customers are described and grouped, from events that may be drawn anew.

One function for the segments that are published and for those of resampled events, so that the
stability told is that of what is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from graph.interactions import InteractionGraph
from graph.shop import Shop
from segments.communities import run
from segments.config import SegmentsConfig
from segments.mix import Counts, described, folded, mix_counts, mix_items, mix_vectors
from segments.neighbours import Vectors, user_graph

__all__ = ["Tastes"]


@dataclass(frozen=True)
class Tastes:
    """Customers by what they buy.

    Attributes:
        shop: its purchases count.
        vectors: an encoder's, of users, float32 [n_users, dim].
        products: its vectors of products, float32 [n_products, dim], where there are any: users
            are then the mean of what they bought, which can be told of resampled events too.
        config: settings.
    """

    shop: Shop
    vectors: Vectors
    products: Vectors | None
    config: SegmentsConfig

    @cached_property
    def bought(self) -> InteractionGraph:
        """Purchases of the shop."""
        return self.shop.graph.purchases()

    @cached_property
    def items(self) -> npt.NDArray[np.int64]:
        """Item of each product, see ``segments.mix.mix_items``."""
        return mix_items(self.shop)

    def counts(self, weights: Vectors | None = None) -> Counts | None:
        """Lines by user and item; ``None`` where the settings do without."""
        return mix_counts(self.bought, self.items, weights) if self.config.mix_dim else None

    def described(self, counts: Counts | None, weights: Vectors | None = None) -> Vectors:
        """Vectors of users, float32 [n_users, dim]; zeros or not finite for the unknown."""
        learned = self.vectors
        if self.products is not None:
            learned = folded(self.bought, self.products, weights)
        if counts is None:
            return learned
        return described(learned, mix_vectors(counts, self.config.mix_dim))

    def usable(self, vectors: Vectors, weights: Vectors | None = None) -> npt.NDArray[np.bool_]:
        """Registered users with an event and vectors that say something, bool [n_users]."""
        graph = self.shop.graph
        active = np.bincount(graph.user_rows, minlength=len(graph.users)) > 0
        if weights is not None:
            active = np.bincount(self.bought.user_rows, weights, len(graph.users)) > 0
        known = np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1)
        return np.asarray(graph.registered & active & known, np.bool_)

    def regrouped(
        self, weights: npt.NDArray[np.float32], resolution: float, seed: int
    ) -> npt.NDArray[np.int64]:
        """Communities of resampled events, one run, int64 [n_users], -1 for users in none."""
        counts = self.counts(weights)
        vectors = self.described(counts, weights)
        usable = self.usable(vectors, weights)
        graph = user_graph(vectors[usable], self.config.neighbours)
        found = np.full(len(vectors), -1, np.int64)
        inside = None if counts is None else counts[usable]
        found[usable] = run(graph, resolution, seed, self.config, inside)
        return found
