"""What experiments promise and cost: ``python -m benchmarks.experiments``.

First how often a difference is found where there is none, and where there is one, by someone who
looks 300 times while visitors come and stops at the first finding; beside it the same by 95 %
intervals that are meant for one look. Then, in a folder of its own, how long an assignment takes,
how many exposures a second are kept on disk, and how long results of many visitors take. Ends in
one JSON line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from experiments.assign import place
from experiments.compare import Moments, compare, mixture
from experiments.config import ExperimentsConfig
from experiments.ledger import Ledger, Touch
from experiments.measure import PURCHASES, outcomes
from experiments.report import Question, results

ALPHA = 0.05
Draw = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]


def buyers(rate: float) -> Draw:
    """Visitors who buy or not."""
    return lambda rng, n: (rng.random(n) < rate).astype(float)


def spenders(rate: float) -> Draw:
    """Revenue with a long tail: lognormal of the few who buy."""
    return lambda rng, n: (rng.random(n) < rate) * rng.lognormal(3, 1.2, n)


CASES: dict[str, tuple[Draw, Draw]] = {
    "no difference, conversion 1 %": (buyers(0.01), buyers(0.01)),
    "no difference, conversion 5 %": (buyers(0.05), buyers(0.05)),
    "no difference, conversion 30 %": (buyers(0.3), buyers(0.3)),
    "no difference, revenue": (spenders(0.05), spenders(0.05)),
    "conversion 5 % against 6.5 %": (buyers(0.05), buyers(0.065)),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=400, help="experiments of each kind")
    parser.add_argument("--visitors", type=int, default=20_000, help="of each side")
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    print(f"{'found by 300 looks':<34}{'always valid':>14}{'one look':>10}{'median stop':>13}")
    for name, (control, other) in CASES.items():
        found[name] = looked(control, other, asked.runs, asked.visitors)
        always, fixed, stop = found[name].values()
        print(f"{name:<34}{always:>14.1%}{fixed:>10.1%}{stop or '':>13}")
    costs = {"assign_us": assigning(), **kept(), "results_seconds": measuring()}
    for name, value in costs.items():
        print(f"{name:<34}{value:>14,.2f}")
    print(json.dumps({"benchmark": "experiments", "found": found, **costs}))


def looked(control: Draw, other: Draw, runs: int, visitors: int) -> dict[str, Any]:
    """Share of runs in which some look finds a difference, and where the first one does."""
    rng, spread = np.random.default_rng(0), mixture(ALPHA, ExperimentsConfig().planned)
    at = np.unique(np.geomspace(20, visitors, 300).astype(int))
    stops, fixed = [], 0
    for _ in range(runs):
        sides = [moments(draw(rng, visitors), at) for draw in (control, other)]
        told = [compare(a, b, ALPHA, spread) for a, b in zip(*sides, strict=True)]
        stops += [n for n, t in zip(at, told, strict=True) if t and t.p_value <= ALPHA][:1]
        fixed += any(t and (t.fixed.low > 0 or t.fixed.high < 0) for t in told)
    median = int(np.median(stops)) if stops else None
    return {"always": len(stops) / runs, "one_look": fixed / runs, "median_stop": median}


def moments(values: npt.NDArray[np.float64], at: npt.NDArray[np.int64]) -> list[Moments]:
    """Those of the first n values, for each n in ``at``."""
    sums, squares = values.cumsum()[at - 1], (values**2).cumsum()[at - 1]
    some = (values > 0).cumsum()[at - 1]
    means = sums / at
    spread = (squares - at * means**2) / (at - 1)
    table = zip(at.tolist(), means.tolist(), spread.tolist(), some.tolist(), strict=True)
    return [Moments(*row) for row in table]


def assigning(n: int = 100_000) -> float:
    """Microseconds an assignment."""
    start = time.perf_counter()
    for i in range(n):
        place("home", str(i), (1.0, 1.0))
    return (time.perf_counter() - start) / n * 1e6


def kept(n: int = 2_000) -> dict[str, float]:
    """Exposures kept a second, one request after the other and forty at a time."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite")

        def note(i: int) -> None:
            ledger.note([Touch("home", "control", f"user-{i}", i)])

        rates = {}
        for name, threads, first in (("alone", 1, 0), ("forty", 40, n)):
            start = time.perf_counter()
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(note, range(first, first + n)))
            rates[f"kept_a_second_{name}"] = n / (time.perf_counter() - start)
        return rates


def measuring(n: int = 1_000_000) -> float:
    """Seconds from exposures and purchase lines to results, without reading either."""
    rng = np.random.default_rng(0)
    units = pl.Series([f"user-{i}" for i in range(n)])
    sides = pl.Series(np.where(rng.random(n) < 0.5, "control", "other"))
    exposures = pl.DataFrame({"unit": units, "variant": sides, "at": 0})
    lines = pl.DataFrame(
        {
            "user_id": units.gather(rng.integers(0, n, n)),
            "session_id": pl.Series([None] * n, dtype=pl.String),
            "order_id": [f"o{i}" for i in range(n)],
            "at": rng.integers(0, 10**12, n),
            "value": rng.lognormal(3, 1, n),
        },
        PURCHASES,
    )
    asked = Question(("control", "other"), (1, 1), "conversion", ("conversion", "revenue"), 7.0)
    now, clicks = datetime.now(UTC), pl.DataFrame(schema={"unit": pl.String, "at": pl.Int64})
    start = time.perf_counter()
    rows = outcomes(exposures, clicks, lines, timedelta(days=7), now)
    results(rows, asked, ExperimentsConfig(), now)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
