"""How long a basket takes to complete: ``python -m benchmarks.baskets --home DIR [--url URL]``.

Takes the published build in DIR, fills baskets with products as often as customers bought them,
and asks the service for suggestions with their rules, as it answers on its event loop. With
``--url``, the address of a ``coterie serve`` on the same home, also over HTTP, one request after
the other. The processor's time says more than the clock on a machine that is busy. Ends in one
JSON line; times are in milliseconds.
"""

from __future__ import annotations

import argparse
import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from api.snapshot_service import SnapshotService
from pipeline.home import Home
from pipeline.snapshot import Snapshot

WARM = 20
Ask = Callable[[list[str]], Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, required=True, help="folder of a built shop")
    parser.add_argument("--url", help="a running server of the same home, such as 127.0.0.1:8000")
    parser.add_argument("--size", type=int, default=30, help="products in a basket")
    parser.add_argument("--baskets", type=int, default=500)
    parser.add_argument("--k", type=int, default=10, help="suggestions asked for")
    asked = parser.parse_args()
    home = Home(asked.home.expanduser().resolve())
    snapshot = Snapshot.load(home.snapshot())
    service = SnapshotService(snapshot, home.store, home.name)
    filled = baskets(snapshot, asked.size, asked.baskets + WARM)
    print(f"{asked.baskets} baskets of {asked.size} products, {asked.k} suggestions each")
    found: dict[str, Any] = {
        "in process": figures(lambda ids: service.basket(ids, asked.k), filled)
    }
    if asked.url:
        found["over HTTP"] = figures(poster(asked.url, asked.k), filled)
    for name, times in found.items():
        print(f"{name:<12}" + "".join(f"{what} {ms:7.2f}   " for what, ms in times.items()))
    share = ruled(service, filled, asked.k)
    print(f"suggestions with a rule: {share:.0%}")
    about = {"benchmark": "baskets", "size": asked.size, "k": asked.k, "with_rule": share}
    print(json.dumps({**about, **found}))


def baskets(snapshot: Snapshot, size: int, n: int) -> list[list[str]]:
    """``n`` baskets of ``size`` different products, drawn by their purchases."""
    rng = np.random.default_rng(0)
    bought = snapshot.product_stats["purchases"].to_numpy()
    ids = snapshot.product_ids.ids.to_numpy()
    share = bought / bought.sum()
    return [rng.choice(ids, size, replace=False, p=share).tolist() for _ in range(n)]


def figures(ask: Ask, filled: list[list[str]]) -> dict[str, float]:
    """Median and late quantiles, and the median of this thread's own time, once it is warm."""
    taken, busy = [], []
    for ids in filled:
        start, worked = time.perf_counter(), time.thread_time()
        ask(ids)
        busy.append(1000 * (time.thread_time() - worked))
        taken.append(1000 * (time.perf_counter() - start))
    median, p95, p99 = np.quantile(taken[WARM:], [0.5, 0.95, 0.99])
    times = {"median": median, "p95": p95, "p99": p99, "cpu": np.median(busy[WARM:])}
    return {what: round(float(ms), 3) for what, ms in times.items()}


def poster(url: str, k: int) -> Ask:
    """Asks a server over one connection that stays open."""
    at = urlsplit(url if "//" in url else f"//{url}")
    line = http.client.HTTPConnection(at.hostname or "127.0.0.1", at.port or 80)

    def post(ids: list[str]) -> bytes:
        body = json.dumps({"product_ids": ids, "k": k})
        headers = {"Content-Type": "application/json"}
        line.request("POST", "/v1/basket/recommendations", body, headers)
        answer = line.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{url} answered {answer.status}: {told.decode()[:300]}")
        return told

    return post


def ruled(service: SnapshotService, filled: list[list[str]], k: int) -> float:
    """Share of suggestions that at least one rule speaks for."""
    items = [item for ids in filled for item in service.basket(ids, k).items]
    return sum(bool(item.rules) for item in items) / max(len(items), 1)


if __name__ == "__main__":
    main()
