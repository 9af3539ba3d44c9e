"""``Report``: what an evaluation found, as rows with intervals, a table and plain JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.bootstrap import Interval, bootstrap_means, paired_difference
from evaluation.harness import ModeResult
from evaluation.split import Mode
from loaders.errors import ConfigError

__all__ = ["Difference", "Report", "Row", "build_report"]


@dataclass(frozen=True)
class Row:
    """One figure: a method's mean of a metric at k in a mode, with its 95 % interval.

    ``users`` is the number of users it is a mean of. Coverage is of the catalogue and not of
    users: it has no interval, and ``low`` and ``high`` equal ``value``.
    """

    method: str
    mode: Mode
    metric: str
    k: int
    value: float
    low: float
    high: float
    users: int


@dataclass(frozen=True)
class Difference:
    """A method against the strongest baseline of its mode, paired over users."""

    method: str
    baseline: str
    mode: Mode
    metric: str
    k: int
    value: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        """Whether the 95 % interval excludes zero."""
        return Interval(self.value, self.low, self.high).excludes_zero


@dataclass(frozen=True)
class Report:
    """Everything an evaluation says.

    Attributes:
        rows: all figures.
        differences: each method that is no baseline against the strongest baseline.
        counts: lines, users and products of the split.
        settings: cut, seed and whatever else is needed to repeat it.
    """

    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    counts: Mapping[str, int]
    settings: Mapping[str, Any]

    def value(self, method: str, mode: Mode, metric: str, k: int) -> Row:
        """One figure.

        Raises:
            ConfigError: it was not measured.
        """
        for row in self.rows:
            if (row.method, row.mode, row.metric, row.k) == (method, mode, metric, k):
                return row
        raise ConfigError(f"no {metric}@{k} of '{method}' in mode {mode} in the report")

    def best(self, mode: Mode, metric: str = "ndcg", k: int | None = None) -> Row:
        """The highest figure of a metric in a mode, at the longest k by default.

        Raises:
            ConfigError: nothing was measured there.
        """
        rows = [r for r in self.rows if (r.mode, r.metric) == (mode, metric)]
        longest = max((r.k for r in rows), default=0) if k is None else k
        rows = [r for r in rows if r.k == longest]
        if not rows:
            raise ConfigError(f"no {metric} in mode {mode} in the report")
        return max(rows, key=lambda r: r.value)

    def table(
        self, mode: Mode, metrics: Sequence[str] = ("recall", "ndcg"), k: int | None = None
    ) -> list[list[str]]:
        """Lines to print: the method, then "value [low, high]" for each metric.

        Best first by the last metric; "-" where a figure was not measured.
        """
        longest = max((r.k for r in self.rows if r.mode == mode), default=0) if k is None else k
        here = [r for r in self.rows if r.mode == mode and r.k == longest]
        cells = {(r.method, r.metric): r for r in here}
        methods = list(dict.fromkeys(r.method for r in here))
        last = metrics[-1]
        methods.sort(key=lambda m: -cells[m, last].value if (m, last) in cells else 1.0)
        return [[m, *(_cell(cells.get((m, metric))) for metric in metrics)] for m in methods]

    def to_json(self) -> dict[str, Any]:
        """The report as plain lists, dictionaries, strings and numbers."""
        return {
            "settings": dict(self.settings),
            "counts": dict(self.counts),
            "rows": [asdict(row) for row in self.rows],
            "differences": [{**asdict(d), "significant": d.significant} for d in self.differences],
        }


def _cell(row: Row | None) -> str:
    return "-" if row is None else f"{row.value:.4f} [{row.low:.4f}, {row.high:.4f}]"


def build_report(
    results: Mapping[str, Mapping[Mode, ModeResult]],
    *,
    baselines: Collection[str],
    counts: Mapping[str, int],
    settings: Mapping[str, Any],
    metric: str = "ndcg",
    samples: int = 1000,
    seed: int = 0,
) -> Report:
    """Draw intervals and compare with the strongest baseline, mode by mode.

    Args:
        results: what ``evaluate`` gave, by method.
        baselines: methods that are to be beaten; the others are compared with the best of them.
        counts: of the split.
        settings: kept as they are.
        metric: by which the strongest baseline is found and methods are compared, at the longest
            k.
        samples: bootstrap samples.
        seed: of the bootstrap.
    """
    rows = [
        row
        for method, by_mode in results.items()
        for mode, result in by_mode.items()
        for row in _rows(method, mode, result, samples, seed)
    ]
    modes = dict.fromkeys(mode for by_mode in results.values() for mode in by_mode)
    differences = [
        difference
        for mode in modes
        for difference in _differences(results, mode, baselines, metric, samples, seed)
    ]
    return Report(tuple(rows), tuple(differences), dict(counts), dict(settings))


def _rows(method: str, mode: Mode, result: ModeResult, samples: int, seed: int) -> list[Row]:
    users = len(result.users)
    table = np.stack(list(result.values.values()))
    intervals = bootstrap_means(table, samples=samples, seed=seed)
    rows = [
        Row(method, mode, metric, k, i.value, i.low, i.high, users)
        for (metric, k), i in zip(result.values, intervals, strict=True)
    ]
    return rows + [
        Row(method, mode, "coverage", k, c, c, c, users) for k, c in result.coverage.items()
    ]


def _differences(
    results: Mapping[str, Mapping[Mode, ModeResult]],
    mode: Mode,
    baselines: Collection[str],
    metric: str,
    samples: int,
    seed: int,
) -> list[Difference]:
    here = {method: by_mode[mode] for method, by_mode in results.items() if mode in by_mode}
    k = max(k for result in here.values() for name, k in result.values if name == metric)
    values = {method: result.values[metric, k] for method, result in here.items()}
    known = [method for method in values if method in baselines]
    if not known:
        return []
    strongest = max(known, key=lambda method: values[method].mean())
    found = []
    for method in values:
        if method not in baselines:
            i = paired_difference(values[method], values[strongest], samples=samples, seed=seed)
            found.append(Difference(method, strongest, mode, metric, k, i.value, i.low, i.high))
    return found
