"""Stages of a customer's life with the shop, each by the customer's own rhythm, each explained.

The first that holds: lost and at risk (away too long), won back (returned lately from an absence
that counts as lost), new (few purchases yet), growing (not settled yet, or buying faster than
before), mature. Who never bought has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from lifecycle.config import LifecycleConfig
from lifecycle.occasions import Floats, Occasions
from lifecycle.rhythm import Rhythm

__all__ = ["STAGES", "StageReason", "explain_stage", "find_stages"]

STAGES: Final = ("new", "growing", "mature", "at risk", "lost", "won back")
"""In the order of a life."""


@dataclass(frozen=True)
class StageReason:
    """Why a customer is in a stage.

    Attributes:
        stage: the stage; ``None`` for who never bought.
        figures: what was compared, in days or counts.
        sentence: the same for a reader.
    """

    stage: str | None
    figures: Mapping[str, float]
    sentence: str


def find_stages(
    occasions: Occasions, rhythm: Rhythm, now: float, config: LifecycleConfig
) -> pl.DataFrame:
    """The stage of every customer with the figures that decide it.

    Args:
        occasions: everything known at ``now``.
        rhythm: of the same occasions.
        now: days since 1970-01-01 UTC.
        config: settings.

    Returns:
        One row a user row: ``stage`` (null for who never bought), ``days_since_last``,
        ``usual_interval_days``, ``at_risk_after_days``, ``lost_after_days``, ``purchase_days``,
        ``recent_interval_days`` and ``earlier_interval_days`` (null without enough intervals),
        ``returned_after_days`` (the longest late absence among the latest; else null).
    """
    away = now - occasions.last
    late, lost = rhythm.late * rhythm.usual, rhythm.lost * rhythm.usual
    returned = _returned(occasions, lost, config.recent)
    recent, earlier = _speeds(occasions, config.recent)
    count = occasions.counts
    quick = recent <= config.faster * earlier  # False where either is unknown
    stage = np.select(
        [
            count == 0,
            away > lost,
            away > late,
            returned > 0,
            count < config.new_days,
            (count < config.settled_days) | quick,
        ],
        ["", "lost", "at risk", "won back", "new", "growing"],
        default="mature",
    )
    table = pl.DataFrame(
        {
            "stage": pl.Series(stage, dtype=pl.String).replace("", None),
            "days_since_last": away,
            "usual_interval_days": rhythm.usual,
            "at_risk_after_days": late,
            "lost_after_days": lost,
            "purchase_days": count,
            "recent_interval_days": recent,
            "earlier_interval_days": earlier,
            "returned_after_days": np.where(returned > 0, returned, np.nan),
        }
    )
    bought = pl.Series(count > 0)
    measured = ("usual_interval_days", "at_risk_after_days", "lost_after_days")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None)).with_columns(
        pl.when(bought).then(pl.col(name)).alias(name) for name in measured
    )


def _returned(occasions: Occasions, lost: Floats, recent: int) -> Floats:
    """The longest of each customer's latest waits that count as lost, float64 [n_users]; or 0."""
    longest = np.zeros(occasions.n_users)
    late = occasions.followed & (occasions.turns < recent)
    late &= np.nan_to_num(occasions.gaps) > lost[occasions.users]
    np.maximum.at(longest, occasions.users[late], occasions.gaps[late])
    return longest


def _speeds(occasions: Occasions, recent: int) -> tuple[Floats, Floats]:
    """Geometric means of each customer's latest waits and of those before; NaN without enough."""
    latest = occasions.turns < recent
    return (
        _mean(occasions, occasions.followed & latest, recent),
        _mean(occasions, occasions.followed & ~latest, 1),
    )


def _mean(occasions: Occasions, mask: np.ndarray[Any, np.dtype[np.bool_]], least: int) -> Floats:
    users = occasions.users[mask]
    count = np.bincount(users, minlength=occasions.n_users)
    total = np.bincount(users, np.log(occasions.gaps[mask]), occasions.n_users)
    return np.where(count >= least, np.exp(total / np.maximum(count, 1)), np.nan)


def explain_stage(row: Mapping[str, Any]) -> StageReason:
    """Say why a customer is where they are, from their row of ``find_stages``."""
    stage: str | None = row["stage"]
    figures = {name: float(row[name]) for name in _FIGURES if row[name] is not None}
    if stage is None:
        return StageReason(None, figures, "Never bought anything.")
    return StageReason(stage, figures, f"{_rhythm(row)} {_SENTENCES[stage](row)}")


_FIGURES = (
    "purchase_days",
    "days_since_last",
    "usual_interval_days",
    "at_risk_after_days",
    "lost_after_days",
    "recent_interval_days",
    "earlier_interval_days",
    "returned_after_days",
)


def _rhythm(row: Mapping[str, Any]) -> str:
    times, usual = row["purchase_days"], _days(row["usual_interval_days"])
    ago = _days(row["days_since_last"])
    if times == 1:
        return f"Bought on one day, {ago} ago; customers of this shop usually wait {usual}."
    return f"Bought on {times:,} days, usually every {usual}, last {ago} ago."


def _lost(row: Mapping[str, Any]) -> str:
    return f"Away for more than {_days(row['lost_after_days'])}, which for this rhythm is lost."


def _at_risk(row: Mapping[str, Any]) -> str:
    return (
        f"Late for this rhythm since {_days(row['at_risk_after_days'])}; counted as lost from "
        f"{_days(row['lost_after_days'])}."
    )


def _won_back(row: Mapping[str, Any]) -> str:
    return (
        f"Came back lately after {_days(row['returned_after_days'])}, when more than "
        f"{_days(row['lost_after_days'])} counts as lost."
    )


def _new(row: Mapping[str, Any]) -> str:
    return f"Too few purchases yet to know better; at risk from {_days(row['at_risk_after_days'])}."


def _growing(row: Mapping[str, Any]) -> str:
    recent, earlier = row["recent_interval_days"], row["earlier_interval_days"]
    if recent is not None and earlier is not None and recent < earlier:
        return f"Comes faster: lately every {_days(recent)}, before every {_days(earlier)}."
    return f"Still settling in; at risk from {_days(row['at_risk_after_days'])}."


def _mature(row: Mapping[str, Any]) -> str:
    return f"Keeps to this rhythm; at risk from {_days(row['at_risk_after_days'])}."


_SENTENCES = {
    "lost": _lost,
    "at risk": _at_risk,
    "won back": _won_back,
    "new": _new,
    "growing": _growing,
    "mature": _mature,
}


def _days(days: float) -> str:
    return "1 day" if round(days, 1) == 1 else f"{days:,.1f}".removesuffix(".0") + " days"
