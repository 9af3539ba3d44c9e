"""Recency, frequency and monetary scores from 1 to 5, and the names of their cells.

Scores are fifths of the shop's buyers by rank; equal customers get equal scores. Hughes, "Strategic
Database Marketing" (1994), is where the scheme comes from; the names of cells are custom.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from scipy import stats

from lifecycle.occasions import Floats

__all__ = ["CELLS", "find_rfm"]

CELLS: Final = (
    "champions",
    "loyal",
    "promising",
    "newcomers",
    "need attention",
    "about to sleep",
    "cannot lose",
    "slipping",
    "hibernating",
    "gone",
)
"""Names of cells, from the best to the worst."""


def find_rfm(days_since_last: Floats, orders: Floats, spend: Floats) -> pl.DataFrame:
    """Score every buyer against all others.

    Args:
        days_since_last: float64 [n]; NaN for who never bought, who gets no scores.
        orders: float64 [n].
        spend: shop's currency, float64 [n]; NaN where unknown, which counts as the least.

    Returns:
        ``recency_score``, ``frequency_score``, ``monetary_score`` (1 to 5, 5 the best), ``rfm``
        (the three in this order, such as "543") and ``rfm_cell``; null for who never bought.
    """
    bought = np.isfinite(days_since_last)
    columns = {
        "recency_score": _fifths(-days_since_last[bought]),
        "frequency_score": _fifths(orders[bought]),
        "monetary_score": _fifths(np.nan_to_num(spend[bought], nan=-np.inf)),
    }
    scores = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int8))
    text = pl.concat_str(pl.all())
    rows = pl.DataFrame({"row": np.arange(len(bought))})
    scored = scores.with_columns(rfm=text, rfm_cell=_cell()).with_columns(
        row=pl.Series(np.flatnonzero(bought))
    )
    return rows.join(scored, on="row", how="left", maintain_order="left").drop("row")


def _fifths(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """Fifth of each value, int8 [n]; ties share the mean of their ranks."""
    if not len(values):
        return np.empty(0, np.int8)
    rank = stats.rankdata(values, "average")
    return np.ceil(5 * (rank - 0.5) / len(values)).astype(np.int8)


def _cell() -> pl.Expr:
    """Name of the cell by recency and by the mean of the other two, half points rounded up."""
    recency = pl.col("recency_score")
    worth = ((pl.col("frequency_score") + pl.col("monetary_score")) + 1) // 2
    return (
        pl.when((recency >= 4) & (worth >= 4))
        .then(pl.lit("champions"))
        .when((recency >= 4) & (worth >= 2))
        .then(pl.lit("promising"))
        .when(recency >= 4)
        .then(pl.lit("newcomers"))
        .when((recency == 3) & (worth >= 4))
        .then(pl.lit("loyal"))
        .when((recency == 3) & (worth >= 2))
        .then(pl.lit("need attention"))
        .when(recency == 3)
        .then(pl.lit("about to sleep"))
        .when(worth == 5)
        .then(pl.lit("cannot lose"))
        .when(worth >= 3)
        .then(pl.lit("slipping"))
        .when((recency == 1) & (worth == 1))
        .then(pl.lit("gone"))
        .otherwise(pl.lit("hibernating"))
    )
