"""Rules of one segment, and how they differ from the whole shop."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import hypergeom

from rules.baskets import Baskets
from rules.bits import counts_by_group
from rules.candidates import Candidates
from rules.config import RulesConfig
from rules.measures import benjamini_hochberg, measures
from rules.mine import mine_level
from rules.mixed import Mixed

__all__ = ["CONTRAST", "segment_rules"]

CONTRAST = (
    "shop_support",
    "shop_confidence",
    "shop_lift",
    "times_as_sure",
    "rest_confidence",
    "difference_q",
)
"""Columns beside those of ``rules.table.SCHEMA``."""

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def segment_rules(
    baskets: Baskets,
    inside: npt.NDArray[np.bool_],
    config: RulesConfig,
    mixed: Mixed | None = None,
) -> pl.DataFrame:
    """Rules of the baskets ``inside``, each beside the same rule in the whole shop.

    ``times_as_sure`` is the confidence inside over that of the whole shop, of which the segment is
    a part. Whether chance explains the difference can only be asked of two groups apart:
    ``difference_q`` is Fisher's exact test, one-sided, of the confidence inside against that of all
    other baskets (``rest_confidence``), adjusted for all rules listed (Benjamini and Hochberg).

    Args:
        baskets: of the whole shop, one level.
        inside: which are the segment's, bool [n_baskets].
        config: thresholds and limits, of the segment's own baskets.
        mixed: what the items are, at the level of several levels.

    Returns:
        Columns as in ``rules.table.SCHEMA`` and ``CONTRAST``, by leverage inside.
    """
    frame = mine_level(baskets.where(inside), config, mixed=mixed)
    rules = _rows(frame, baskets)
    both, left, right = counts_by_group(rules, baskets, inside.astype(np.int64), 2)
    shop = measures(both.sum(axis=1), left.sum(axis=1), right.sum(axis=1), len(baskets))
    columns = {f"shop_{name}": shop[name] for name in ("support", "confidence", "lift")}
    columns["times_as_sure"] = frame["confidence"].to_numpy() / shop["confidence"]
    columns |= _apart(both, left)
    return frame.with_columns(pl.Series(name, columns[name]).fill_nan(None) for name in CONTRAST)


def _apart(both: Counts, left: Counts) -> dict[str, Floats]:
    """Of the segment (column 1) and all others (column 0): how the two confidences differ."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = both[:, 0] / left[:, 0]
    tail = hypergeom.sf(both[:, 1] - 1, left.sum(axis=1), both.sum(axis=1), left[:, 1])
    higher = benjamini_hochberg(np.asarray(tail, np.float64), len(both))
    return {"rest_confidence": rest, "difference_q": higher}


def _rows(frame: pl.DataFrame, baskets: Baskets) -> Candidates:
    """The rules of ``frame`` over the items of ``baskets``, not counted yet."""
    width = max(1, int(frame["antecedent"].list.len().max() or 1))  # type: ignore[arg-type]
    antecedent = np.column_stack(
        [
            baskets.items.to_rows(
                frame["antecedent"].list.get(i, null_on_oob=True), missing="negative"
            )
            for i in range(width)
        ]
    )
    consequent = baskets.items.to_rows(frame["consequent"].list.first(), missing="error")
    none = np.zeros(len(frame), np.int64)
    return Candidates(antecedent, consequent, none, none, none)
