"""Rules of one segment, and how they differ from the rest of the shop."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import hypergeom

from rules.baskets import Baskets
from rules.bits import counts_by_group
from rules.candidates import Candidates
from rules.config import RulesConfig
from rules.measures import benjamini_hochberg
from rules.mine import mine_level
from rules.mixed import Mixed

__all__ = ["CONTRAST", "segment_rules"]

CONTRAST = ("rest_baskets", "rest_confidence", "times_as_sure", "difference_q")
"""Columns beside those of ``rules.table.SCHEMA``."""


def segment_rules(
    baskets: Baskets,
    inside: npt.NDArray[np.bool_],
    config: RulesConfig,
    mixed: Mixed | None = None,
) -> pl.DataFrame:
    """Rules of the baskets ``inside``, with each rule's confidence in all others.

    ``times_as_sure`` is the one confidence over the other, and ``difference_q`` says whether chance
    explains that it is higher inside: Fisher's exact test of the two shares, one-sided, adjusted
    for all rules listed (Benjamini and Hochberg).

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
    both, left, _ = counts_by_group(rules, baskets, inside.astype(np.int64), 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = both[:, 0] / left[:, 0]
        times = (both[:, 1] / left[:, 1]) / rest
    tail = hypergeom.sf(both[:, 1] - 1, left.sum(axis=1), both.sum(axis=1), left[:, 1])
    higher = np.asarray(tail, np.float64)
    values = (left[:, 0], _known(rest), _known(times), benjamini_hochberg(higher, len(frame)))
    return frame.with_columns(
        pl.Series(name, value).fill_nan(None) if value.dtype.kind == "f" else pl.Series(name, value)
        for name, value in zip(CONTRAST, values, strict=True)
    )


def _known(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(np.isfinite(values), values, np.nan)


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
