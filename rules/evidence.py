"""Whether rules held where they were not looked for: in a later month, and inside segments.

The interval of the later confidence is Wilson's (1927), which stays inside 0 to 1 and is right for
few baskets too. A rule of the whole shop may only say that one kind of customer buys both things;
the lift within segments compares with what chance gives inside each (the expected count of Mantel
and Haenszel 1959), and falls to 1 in that case.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.baskets import Baskets
from rules.bits import counts_by_group
from rules.candidates import Candidates

__all__ = ["LATER", "WITHIN", "later_evidence", "segment_evidence", "wilson"]

LATER: Final = (
    "later_baskets",
    "later_confidence",
    "later_low",
    "later_high",
    "later_lift",
)
WITHIN: Final = ("segments_tested", "segments_held", "lift_within")

EXPECTED = 1.0
"""Baskets that chance must expect in a segment before a rule counts as tested there."""
Z = 1.959964

Floats = npt.NDArray[np.float64]


def wilson(hits: npt.NDArray[np.int64], trials: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Ends of the 95 % interval of a share, float64 [n] each; NaN without trials."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share, n = hits / trials, trials.astype(np.float64)
        middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def later_evidence(rules: Candidates, later: Baskets) -> pl.DataFrame:
    """Columns ``LATER``; empty values for an antecedent, or a consequent, that did not come up."""
    group = np.zeros(len(later), np.int64)
    both, left, right = (c[:, 0] for c in counts_by_group(rules, later, group, 1))
    low, high = wilson(both, left)
    with np.errstate(divide="ignore", invalid="ignore"):
        confidence = both / left
        lift = confidence / (right / max(len(later), 1))
    values = (left, confidence, low, high, lift)
    return _frame(dict(zip(LATER, values, strict=True)))


def segment_evidence(
    rules: Candidates, baskets: Baskets, member: npt.NDArray[np.integer]
) -> pl.DataFrame:
    """Columns ``WITHIN``: segments where the rule could show, where it did, and the common lift.

    Args:
        rules: over the items of ``baskets``.
        baskets: with the user of each.
        member: segment of each user, int [n_users], -1 for none.
    """
    groups = int(member.max(initial=-1)) + 1
    group = np.where(baskets.users >= 0, member[baskets.users], -1).astype(np.int64)
    size = np.bincount(group[group >= 0], minlength=groups)
    both, left, right = counts_by_group(rules, baskets, group, groups)
    expected = left * right / np.maximum(size, 1)
    tested = expected >= EXPECTED
    with np.errstate(divide="ignore", invalid="ignore"):
        within = both.sum(axis=1) / expected.sum(axis=1)
    held = (tested & (both > expected)).sum(axis=1)
    return _frame(dict(zip(WITHIN, (tested.sum(axis=1), held, within), strict=True)))


def _frame(columns: dict[str, npt.NDArray[np.generic]]) -> pl.DataFrame:
    """Arrays as columns; what is no number is empty."""
    return pl.DataFrame(
        {
            name: pl.Series(np.where(np.isfinite(v), v, np.nan)).fill_nan(None)
            if v.dtype.kind == "f"
            else pl.Series(v)
            for name, v in columns.items()
        }
    )
