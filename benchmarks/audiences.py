"""How long audiences take over the synthetic shop of a million customers.

Estimates each of several definitions from scratch (nothing kept from the one before), with its
size, value and overlap with all segments, and exports a large audience in each form. The tables are
written to a folder first and mapped, as serving does.

    python -m benchmarks.audiences --users 1000000

The last line is one JSON document: seconds by the clock (median of five) and of the processors,
which say more on a machine that is busy otherwise; rows a second; memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from audiences.config import AudiencesConfig
from audiences.definition import parse
from audiences.estimate import estimate
from audiences.events import DAY, EventLog
from audiences.export import FORMS, member_frame, written
from audiences.plan import Evaluator, Plan
from audiences.tables import Grouping, Tables, traits_of
from graph.ids import IdMap
from loaders.synthetic import synthetic_lines

BLOCK = 50_000
DIM, LIKED = 64, 20
START = 19_723 * DAY
SHELF = {"category": "aisle-1"}
DEFINITIONS: dict[str, Any] = {
    "bought a category in 90 days": {"kind": "bought", **SHELF, "days": 90},
    "bought a brand three times": {"kind": "bought", "brand": "Brand 2", "times": 3, "value": 20},
    "then not within 14 days": {
        "kind": "sequence",
        "first": {"category": "aisle-2/shelf-0"},
        "then_not": SHELF,
        "within_days": 14,
    },
    "share of spend": {"kind": "share", **SHELF, "min": 0.4},
    "look-alikes": {"kind": "similar", "users": [f"user-{i}" for i in range(100)], "top": 50_000},
    "six conditions": {
        "kind": "all",
        "of": [
            {"kind": "segment", "any_of": ["segment-1", "segment-2"]},
            {"kind": "bought", **SHELF, "days": 90, "times": 2},
            {"kind": "not", "of": {"kind": "bought", "product": "product-77"}},
            {"kind": "value", "min": 300},
            {"kind": "attribute", "name": "age", "any_of": ["18-29", "30-44"]},
            {"kind": "any", "of": [{"kind": "likes", **SHELF}, {"kind": "rhythm", "max": 30}]},
        ],
    },
}
BULK = {"kind": "bought", "days": 60}
COLUMNS = ("user_id", "segment", "orders", "spend", "days_since_last", "age")


def event_log(users: int, folder: Path) -> EventLog:
    """The synthetic shop's purchases, made in blocks of customers, saved and mapped."""
    blocks = []
    for first in range(0, users, BLOCK):
        lines = synthetic_lines(min(BLOCK, users - first), seed=first)
        product = lines["product"].to_numpy()
        blocks.append(
            EventLog.build(
                lines["user"].to_numpy(),
                product,
                np.zeros(len(lines), np.int8),
                START + np.floor(lines["day"].to_numpy() * DAY),
                1.0 + product % 20,
                lines["order"].to_numpy(),
                min(BLOCK, users - first),
            )
        )
    joined(blocks).save(folder)
    return EventLog.load(folder)


def joined(blocks: list[EventLog]) -> EventLog:
    """One log of blocks whose customers follow each other."""
    at, shifts = np.cumsum([0, *(len(b) for b in blocks)]), []
    orders = np.cumsum([0, *(int(b.order_starts[-1]) for b in blocks)])
    for name, base in (("starts", at), ("order_starts", orders)):
        parts = [getattr(b, name)[:-1] + base[i] for i, b in enumerate(blocks)]
        shifts.append(np.concatenate([*parts, [base[-1]]]))
    rest = [f.name for f in fields(EventLog)][2:-1]
    columns = {name: np.concatenate([getattr(b, name) for b in blocks]) for name in rest}
    numbers = [b.orders + np.int32(orders[i]) for i, b in enumerate(blocks)]
    return EventLog(*shifts, **columns, orders=np.concatenate(numbers))


def tables_of(users: int, folder: Path) -> Tables:
    """Everything audiences ask of a build, over the synthetic shop."""
    rng = np.random.default_rng(0)
    log = event_log(users, folder / "events")
    products = max(40, min(min(BLOCK, users) // 2, 20_000)) // 4 * 4
    rows, size = np.arange(products), products // 4
    group = rng.integers(0, 4, users)
    np.save(folder / "vectors.npy", rng.normal(size=(users, DIM)).astype(np.float32))
    np.save(folder / "liked.npy", rng.integers(0, products, (users, LIKED)).astype(np.int32))
    ids = IdMap(pl.select(pl.format("user-{}", pl.int_range(users))).to_series())
    bands = np.array(["18-29", "30-44", "45-64", "65+"], object)[group]
    spend = np.add.reduceat(log.values, log.starts[:-1]).astype(np.float64)
    last = log.seconds[log.starts[1:] - 1] / DAY
    stats = pl.DataFrame({"orders": np.diff(log.order_starts), "spend": spend, "last": last})
    return Tables(
        build="synthetic",
        users=ids,
        open=np.ones(users, np.bool_),
        closed=pl.repeat(None, users, dtype=pl.String, eager=True),
        attributes=pl.DataFrame({"age": pl.Series(bands.tolist())}),
        traits=traits_of(ids, stats, None, log.now / DAY),
        groupings=(
            Grouping(
                tuple(f"segment-{g}" for g in range(1, 5)),
                tuple(f"Segment {g}" for g in range(1, 5)),
                group.astype(np.int32),
                np.ones(users, np.float32),
            ),
        ),
        events=log,
        products=pl.DataFrame(
            {
                "product_id": [f"product-{r}" for r in rows],
                "title": [f"Product {r}" for r in rows],
                "category_id": [f"aisle-{r // size}/shelf-{r % size % 3}" for r in rows],
                "brand": [f"Brand {b}" for b in rng.integers(0, 6, products)],
            }
        ),
        categories=pl.DataFrame(
            [(f"aisle-{g}", None) for g in range(4)]
            + [(f"aisle-{g}/shelf-{s}", f"aisle-{g}") for g in range(4) for s in range(3)],
            schema=["category_id", "parent_id"],
            orient="row",
        ),
        vectors=np.load(folder / "vectors.npy", mmap_mode="r").view(np.ndarray),
        liked=np.load(folder / "liked.npy", mmap_mode="r").view(np.ndarray),
    )


def seconds(call: Callable[[], Any]) -> tuple[float, float]:
    """Median of five calls: by the clock, and of the processors."""
    took, busy = [], []
    for _ in range(5):
        start, worked = time.perf_counter(), time.process_time()
        call()
        took.append(time.perf_counter() - start)
        busy.append(time.process_time() - worked)
    return round(float(np.median(took)), 3), round(float(np.median(busy)), 3)


def estimates(tables: Tables, threads: int) -> dict[str, tuple[float, float]]:
    """Seconds of an estimate from scratch, by definition."""
    config, took = AudiencesConfig(), {}
    for name, where in DEFINITIONS.items():
        plan = Plan.of(parse({"name": "one", "where": where}), tables, {})

        def call(plan: Plan = plan) -> Any:
            return estimate(Evaluator(tables, threads), plan, config, {})

        found = call()
        took[name] = seconds(call)
        clock, busy = took[name]
        print(f"{name:<30} {clock:6.3f} s, cpu {busy:6.3f} s   {found.size} customers", flush=True)
    return took


def exports(tables: Tables, threads: int) -> dict[str, int]:
    """Rows a second of an export of ``COLUMNS`` to a file, by form."""
    plan = Plan.of(parse({"name": "bulk", "where": BULK}), tables, {})
    mask, rate = Evaluator(tables, threads).members(plan), {}
    for form in FORMS:

        def save(form: Any = form) -> None:
            with tempfile.TemporaryFile() as file:
                for part in written(member_frame(tables, mask, COLUMNS), form):
                    file.write(part)

        rate[form] = int(mask.sum() / seconds(save)[0])
        print(f"export as {form:<22} {rate[form]:>10,} rows/s of {int(mask.sum()):,}")
    return rate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000, help="customers of the shop")
    parser.add_argument("--threads", type=int, default=2, help="that look at events")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tables = tables_of(given.users, Path(folder))
        print(f"{given.users:,} customers, {len(tables.events):,} purchase lines")
        made = peak()
        figures = {
            "users": given.users,
            "lines": len(tables.events),
            "estimate_seconds": estimates(tables, given.threads),
            "export_rows_per_second": exports(tables, given.threads),
            "mapped_mb": sum(f.stat().st_size for f in Path(folder).rglob("*.npy")) >> 20,
            "peak_mb_making": made,
            "peak_mb": peak(),
        }
    print(json.dumps(figures))


def peak() -> int:
    """Most memory this process has had, mapped pages included, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    main()
