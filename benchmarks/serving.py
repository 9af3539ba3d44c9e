"""What one list costs in process: scores, rules of the request, reasons, and the answer's model.

Asks a published snapshot for lists of random customers, single-threaded, as the service does on its
event loop, and prints the median and the 95th percentile of each kind of request, and the median of
the processor's time, which says more on a machine that is busy otherwise.

    python -m benchmarks.serving --home ~/.coterie

The last line is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from api.models.lists import SessionEvent, SessionRequest
from api.models.options import ListOptions, ProductFilters
from api.snapshot_service import SnapshotService
from pipeline.home import Home
from pipeline.snapshot import Snapshot
from ranking.scorer import MODES


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of a built shop")
    parser.add_argument("--requests", type=int, default=300, help="lists of each kind")
    given = parser.parse_args()
    home = Home(given.home.expanduser().resolve())
    snapshot = Snapshot.load(home.snapshot())
    service = SnapshotService(snapshot, home.store, "shop")
    figures = {
        name: figure(call, given.requests) for name, call in requests(snapshot, service).items()
    }
    for name, found in figures.items():
        shown = "   ".join(f"{what} {ms:6.2f} ms" for what, ms in found.items())
        print(f"{name:<36} {shown}")
    print(json.dumps(figures))


def requests(snapshot: Snapshot, service: SnapshotService) -> dict[str, Callable[[], Any]]:
    """Calls of each kind, each for customers and products drawn anew."""
    rng = np.random.default_rng(0)
    history = snapshot.recommender.history
    buyers = np.flatnonzero(np.diff(history.starts) > 0)
    bought = np.flatnonzero(history.buyers > 0)
    category = snapshot.products["category_id"].drop_nulls().mode()[0]
    priced = ListOptions(category=(category,), min_price=1, max_price=50)
    composed = ListOptions(per_category=2, diversity=0.5)

    def user() -> str:
        return snapshot.user_ids.id(int(rng.choice(buyers)))

    def product() -> str:
        return snapshot.product_ids.id(int(rng.choice(bought)))

    def session() -> SessionRequest:
        return SessionRequest(events=[SessionEvent(product_id=product()) for _ in range(5)])

    calls: dict[str, Callable[[], Any]] = {
        f"20 with reasons, {mode}": lambda mode=mode: service.recommendations(
            user(), k=20, mode=mode
        )
        for mode in MODES
    }
    return {
        **calls,
        "20, category and price": lambda: service.recommendations(
            user(), k=20, mode="all", options=priced
        ),
        "20, two a category, diversity .5": lambda: service.recommendations(
            user(), k=20, mode="all", options=composed
        ),
        "20, in Chinese": lambda: service.recommendations(user(), k=20, mode="all", language="zh"),
        "20 for a session of five events": lambda: service.session(session(), k=20),
        "20 for a stranger": lambda: service.recommendations("nobody", k=20, mode="all"),
        "similar, 10": lambda: service.similar(product(), 10),
        "similar, 10 up to a price": lambda: service.similar(
            product(), 10, ProductFilters(max_price=3)
        ),
    }


def figure(call: Callable[[], Any], requests: int) -> dict[str, float]:
    """Median and 95th percentile of ``requests`` calls, in ms, after ten that warm up."""
    times, busy = [], []
    for i in range(requests + 10):
        start, worked = time.perf_counter(), time.process_time()
        call()
        if i >= 10:
            times.append(1000 * (time.perf_counter() - start))
            busy.append(1000 * (time.process_time() - worked))
    return {
        "median": round(float(np.median(times)), 3),
        "p95": round(float(np.quantile(times, 0.95)), 3),
        "cpu": round(float(np.median(busy)), 3),
    }


if __name__ == "__main__":
    main()
