"""How experiments and their results look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cli.output import err, out, table
from experiments.compare import Interval
from experiments.register import Experiment
from experiments.report import Results

__all__ = ["experiment_row", "figure", "print_experiments", "print_results"]


def experiment_row(one: Experiment, units: int, problem: str | None) -> dict[str, Any]:
    """An experiment as one line tells it."""
    asked = one.definition
    return {
        "id": one.id,
        "name": asked.name,
        "state": one.state,
        "metric": asked.metric,
        "variants": [v.id for v in asked.variants],
        "share": asked.share,
        "version": one.versions[-1].version,
        "started": one.started,
        "stopped": one.stopped,
        "units": units,
        "problem": problem,
    }


def print_experiments(rows: Sequence[dict[str, Any]]) -> None:
    """A line each."""
    if not rows:
        err.print("there is no experiment; define one: coterie experiments create FILE")
        return
    columns = ("id", "state", "metric", "variants", "share", "started", "units", "problem")
    lines = [
        tuple(
            ", ".join(row[c]) if c == "variants" else _time(row[c]) if c == "started" else row[c]
            for c in columns
        )
        for row in rows
    ]
    table("Experiments", columns, lines, ("share", "units"))


def _time(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def print_results(name: str, found: Results) -> None:
    """The verdict, the groups and how they differ."""
    out.print(found.verdict)
    groups = [
        (
            g.variant,
            f"{g.units:,}",
            figure(g.click_rate, percent=True),
            figure(g.conversion_rate, percent=True),
            f"{g.orders:,}",
            figure(g.revenue_per_visitor),
        )
        for g in found.variants
    ]
    columns = ("variant", "visitors", "click rate", "conversion", "orders", "revenue per visitor")
    table(f"{name}: {found.window_days:g} days after exposure", columns, groups, columns[1:])
    lines = [
        (
            a.variant,
            f"{a.metric}{' *' if a.primary else ''}",
            figure(a.difference, percent=a.metric != "revenue"),
            figure(a.lift, percent=True),
            "" if a.p_value is None else f"{a.p_value:.2g}",
            "yes" if a.significant else "no",
        )
        for a in found.comparisons
    ]
    columns = ("variant", "metric", "difference", "relative", "p-value", "told apart")
    table(f"Against {found.variants[0].variant}, at any number of looks", columns, lines)
    ratio = found.sample_ratio
    if ratio.p_value is not None:
        word = "as they should be" if ratio.ok else "NOT as they should be"
        out.print(f"sizes of the groups: {word} (chi-square {ratio.chi_square:.2f})")
    if found.open:
        out.print(f"{found.open:,} of {found.units:,} visitors may still act")


def figure(interval: Interval | None, *, percent: bool = False) -> str:
    """A value and its interval; nothing where there is none."""
    if interval is None:
        return ""
    form = "{:.2%}" if percent else "{:,.2f}"
    value, low, high = (form.format(x) for x in (interval.value, interval.low, interval.high))
    return f"{value} ({low} to {high})"
