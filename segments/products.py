"""Products that a segment's members buy more often than the shop's customers do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from graph.interactions import InteractionGraph
from segments.config import SegmentsConfig

__all__ = ["segment_products"]


def segment_products(
    graph: InteractionGraph, member: npt.NDArray[np.int32], config: SegmentsConfig
) -> pl.DataFrame:
    """Over-represented products of each segment, the most telling first.

    Lift compares the share of members who bought the product with that of all registered
    customers with a purchase. At least ``min_customers`` members and ``min_lift`` are asked for;
    of the rest the ``products`` with the highest share times log lift stay.

    Args:
        graph: whose purchases count.
        member: segment of each user or -1, int32 [n_users].
        config: limits.

    Returns:
        Columns segment (int32), product_row (int32), lift (float64), buyers (int64).
    """
    bought = graph.purchases().matrix()
    bought.data[:] = 1
    active = (bought.sum(axis=1) > 0) & graph.registered
    users = np.flatnonzero(active & (member >= 0))
    entries = (np.ones(len(users), np.float32), (member[users], users))
    shape = (int(member.max(initial=-1)) + 1, len(member))
    inside = sparse.csr_array(sparse.coo_array(entries, shape=shape))
    everyone = active.astype(np.float64) @ bought / max(active.sum(), 1)
    cells = sparse.coo_array(inside @ bought)
    segment, product = cells.coords
    size = np.bincount(member[users], minlength=shape[0])
    share = cells.data / size[segment]
    frame = pl.DataFrame(
        {
            "segment": segment.astype(np.int32),
            "product_row": product.astype(np.int32),
            "lift": share / everyone[product],
            "buyers": np.rint(cells.data).astype(np.int64),
            "share": share,
        }
    )
    held = (pl.col("lift") >= config.min_lift) & (pl.col("buyers") >= config.min_customers)
    telling = pl.col("share") * pl.col("lift").log()
    ordered = frame.filter(held).sort("segment", -telling, "product_row", maintain_order=True)
    return ordered.group_by("segment", maintain_order=True).head(config.products).drop("share")
