"""``customer_map``: customers as points, with their segments, for a chart."""

from __future__ import annotations

import numpy as np
import polars as pl

from graph.shop import Shop
from segments.config import SegmentsConfig
from segments.continuity import Previous
from segments.latent import latent_products
from segments.map import Projection, coordinates
from segments.tastes import Tastes

__all__ = ["customer_map"]


def customer_map(
    shop: Shop, found: Previous, config: SegmentsConfig, projection: Projection
) -> pl.DataFrame:
    """``user_id``, ``x``, ``y``, ``segment_id``, ``part_id`` of each customer in the user graph.

    Args:
        shop: whose purchases place customers.
        found: segments of a build; customers it does not know have none.
        config: settings.
        projection: pca or tsne.
    """
    nothing = np.zeros((len(shop.users), 1), np.float32)
    tastes = Tastes(shop, nothing, latent_products(shop.graph.purchases()), config)
    vectors = tastes.described(tastes.counts())
    usable = tastes.usable(vectors)
    points = coordinates(vectors[usable], projection, config.seed)
    ids = shop.users["user_id"]
    columns = {"user_id": ids.filter(pl.Series(usable)), "x": points[:, 0], "y": points[:, 1]}
    for name, level in (("segment_id", 0), ("part_id", 1)):
        known = found.level(level, ids)
        names = pl.Series(name, [*known.ids, None], dtype=pl.String)
        columns[name] = names.gather(
            np.where(known.member < 0, len(known.ids), known.member)[usable]
        )
    return pl.DataFrame(columns)
