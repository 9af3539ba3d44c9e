"""How long a basket takes to complete, in process: ``python -m benchmarks.baskets --home DIR``.

Takes the published build in DIR, fills baskets with products that customers bought, and asks the
service for ten suggestions with their rules. Ends in one JSON line; times are in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from api.snapshot_service import SnapshotService
from pipeline.home import Home
from pipeline.snapshot import Snapshot


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, required=True, help="folder of a built shop")
    parser.add_argument("--size", type=int, default=30, help="products in a basket")
    parser.add_argument("--baskets", type=int, default=500)
    asked = parser.parse_args()
    home = Home(asked.home.expanduser().resolve())
    snapshot = Snapshot.load(home.snapshot())
    service = SnapshotService(snapshot, home.store, home.name)
    rng = np.random.default_rng(0)
    bought = snapshot.product_stats["purchases"].to_numpy()
    ids = snapshot.product_ids.ids.to_numpy()
    taken, ruled = [], 0
    for _ in range(asked.baskets):
        basket = rng.choice(ids, asked.size, replace=False, p=bought / bought.sum()).tolist()
        start = time.perf_counter()
        answer = service.basket(basket, 10)
        taken.append((time.perf_counter() - start) * 1000)
        ruled += sum(bool(item.rules) for item in answer.items)
    median, late = np.quantile(taken, [0.5, 0.95])
    share = ruled / (10 * asked.baskets)
    print(f"{asked.baskets} baskets of {asked.size}: median {median:.2f} ms, 95 % {late:.2f} ms")
    print(f"suggestions with a rule: {share:.0%}")
    figures = {"size": asked.size, "median_ms": median, "p95_ms": late, "with_rule": share}
    print(json.dumps({"benchmark": "baskets", **figures}))


if __name__ == "__main__":
    main()
