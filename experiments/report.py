"""``Results``: what is known of an experiment or campaign now, from the outcomes of its units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from experiments.compare import (
    Comparison,
    Interval,
    Moments,
    SampleRatio,
    compare,
    mean_interval,
    mixture,
    rate_interval,
    sample_ratio,
)
from experiments.config import ExperimentsConfig
from experiments.definition import Metric

__all__ = ["Against", "Group", "Question", "Results", "results"]

COLUMNS: Final[dict[Metric, str]] = {
    "clicks": "clicked",
    "conversion": "converted",
    "revenue": "revenue",
}
"""The column of ``experiments.measure.outcomes`` that each metric is the mean of."""
WORDS: Final[dict[Metric, tuple[str, str, str]]] = {
    "clicks": ("makes more visitors click", "makes fewer visitors click", "click rate"),
    "conversion": ("makes more visitors buy", "makes fewer visitors buy", "conversion"),
    "revenue": ("brings more revenue", "brings less revenue", "revenue"),
}


@dataclass(frozen=True)
class Question:
    """What is asked of the outcomes.

    Attributes:
        variants: ids, the control first.
        weights: how often each was to be assigned.
        metric: the one that decides.
        metrics: all that are compared.
        window_days: days after the exposure that count.
        priced: whether the shop tells values of purchases.
    """

    variants: Sequence[str]
    weights: Sequence[float]
    metric: Metric
    metrics: Sequence[Metric]
    window_days: float
    priced: bool = True

    def without_values(self) -> Question:
        """The same of a shop whose purchases carry no values."""
        return replace(self, priced=False)


@dataclass(frozen=True)
class Group:
    """One variant's visitors; intervals of 95 %, each by itself.

    Attributes:
        variant: its id.
        share: of all visitors, as it was to be.
        units, expected: visitors, and how many it were to be.
        clicked, click_rate: who clicked; ``None`` where clicks are not known.
        converted, conversion_rate: who bought.
        orders: orders they made.
        revenue, revenue_per_visitor: in the shop's currency; ``None`` where values are not known.
    """

    variant: str
    share: float
    units: int
    expected: float
    clicked: int | None
    click_rate: Interval | None
    converted: int
    conversion_rate: Interval | None
    orders: int
    revenue: float | None
    revenue_per_visitor: Interval | None


@dataclass(frozen=True)
class Against:
    """A variant against the control by one metric; ``None`` where there is too little to say.

    Attributes:
        variant, metric: which.
        primary: whether it is the metric that decides.
        difference, lift, fixed, p_value: as in ``experiments.compare.Comparison``.
        significant: whether the difference is told from none.
    """

    variant: str
    metric: Metric
    primary: bool
    difference: Interval | None
    lift: Interval | None
    fixed: Interval | None
    p_value: float | None
    significant: bool


@dataclass(frozen=True)
class Results:
    """What is known now.

    Attributes:
        at: when.
        window_days, metric: as in ``Question``.
        alpha: of each comparison: the chance set, shared by the variants.
        units: exposed.
        open: units whose window still runs, so that more may come of them.
        variants: each group, the control first.
        comparisons: each other variant and metric.
        sample_ratio: whether the groups are as large as they should be.
        verdict: all of it in a sentence.
    """

    at: datetime
    window_days: float
    metric: Metric
    alpha: float
    units: int
    open: int
    variants: Sequence[Group]
    comparisons: Sequence[Against]
    sample_ratio: SampleRatio
    verdict: str

    def plain(self) -> dict[str, Any]:
        """As keys and values."""
        ratio = {**asdict(self.sample_ratio), "ok": self.sample_ratio.ok}
        return {**asdict(self), "sample_ratio": ratio}


def results(
    outcomes: pl.DataFrame, asked: Question, config: ExperimentsConfig, now: datetime
) -> Results:
    """What the outcomes say.

    Args:
        outcomes: as from ``experiments.measure.outcomes``; units of no known variant are left out.
        asked: what is asked of them.
        config: how sure a finding must be.
        now: the time of the look.
    """
    parts = [outcomes.filter(pl.col("variant") == v) for v in asked.variants]
    units = sum(len(part) for part in parts)
    shares = [weight / sum(asked.weights) for weight in asked.weights]
    groups = [
        _group(variant, share, units, part, asked)
        for variant, share, part in zip(asked.variants, shares, parts, strict=True)
    ]
    alpha = config.alpha / max(1, len(groups) - 1)
    against = [
        _against(parts[0], part, variant, metric, asked, alpha, mixture(alpha, config.planned))
        for variant, part in zip(asked.variants[1:], parts[1:], strict=True)
        for metric in asked.metrics
        if metric != "revenue" or asked.priced
    ]
    ratio = sample_ratio([len(part) for part in parts], asked.weights)
    return Results(
        now,
        asked.window_days,
        asked.metric,
        alpha,
        units,
        sum(int(part["open"].sum()) for part in parts),
        groups,
        against,
        ratio,
        _verdict(units, ratio, against, asked),
    )


def _moments(part: pl.DataFrame, metric: Metric) -> Moments:
    return Moments.of(part[COLUMNS[metric]].to_numpy())


def _group(variant: str, share: float, units: int, part: pl.DataFrame, asked: Question) -> Group:
    clicks, bought, spent = (_moments(part, m) for m in ("clicks", "conversion", "revenue"))
    with_clicks = "clicks" in asked.metrics
    return Group(
        variant,
        share,
        len(part),
        units * share,
        clicks.some if with_clicks else None,
        rate_interval(clicks) if with_clicks else None,
        bought.some,
        rate_interval(bought),
        int(part["orders"].sum()),
        float(part["revenue"].sum()) if asked.priced else None,
        mean_interval(spent) if asked.priced else None,
    )


def _against(
    control: pl.DataFrame,
    part: pl.DataFrame,
    variant: str,
    metric: Metric,
    asked: Question,
    alpha: float,
    spread: float,
) -> Against:
    found = compare(_moments(control, metric), _moments(part, metric), alpha, spread)
    primary = metric == asked.metric
    if found is None:
        return Against(variant, metric, primary, None, None, None, None, False)
    return Against(
        variant,
        metric,
        primary,
        found.difference,
        found.lift,
        found.fixed,
        found.p_value,
        _told_apart(found, alpha),
    )


def _told_apart(found: Comparison, alpha: float) -> bool:
    return found.p_value <= alpha


def _verdict(units: int, ratio: SampleRatio, against: Sequence[Against], asked: Question) -> str:
    if not units:
        return "Nobody was exposed yet."
    if not ratio.ok:
        return (
            "Do not trust these figures: the groups are not as large as they should be, so visitors"
            " of one were lost or counted twice."
        )
    more, less, noun = WORDS[asked.metric]
    main = [a for a in against if a.primary]
    if not main:
        return "The metric that decides cannot be told: the shop's purchases carry no values."
    told = [
        f"{a.variant} {more if a.difference.value > 0 else less} than {asked.variants[0]}"
        for a in main
        if a.significant and a.difference
    ]
    if told:
        return f"{'; '.join(told)}."
    if all(a.difference is None for a in main):
        return "Too little has happened to say more yet."
    return f"No difference in {noun} is told from chance yet."
