"""The fast miner against mlxtend's, on the same baskets in one run: ``python -m benchmarks.rules``.

By default on Complete Journey at two levels: products at a support of .001, and product categories
at .01, of the baskets that hold any item so frequent. ``--baskets FILE`` takes a shop's own: a
basket a line, items separated by commas. Each miner runs in a process of its own, which loads the
baskets and its libraries before the clock starts. Memory is the peak while mining above what was
there before, and the peak of the whole process. Sets and counts are compared one by one; the last
line is JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):
    # Run as a file, its folder comes first, and this module would hide the package ``rules``.
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402
import polars as pl  # noqa: E402
from scipy import sparse  # noqa: E402

from graph.ids import IdMap  # noqa: E402
from loaders.completejourney import load_complete_journey  # noqa: E402
from rules.baskets import Baskets  # noqa: E402
from rules.itemsets import Itemsets  # noqa: E402
from rules.mine import MINERS  # noqa: E402


def baskets_of(name: str, lines: pl.DataFrame, support: float) -> Baskets:
    """Baskets of a frame of basket and item, cut to frequent items and to what holds any."""
    lines = lines.drop_nulls().unique()
    ranked = [lines[c].rank("dense").cast(pl.Int64).to_numpy() - 1 for c in lines.columns]
    ones = np.ones(len(lines), np.bool_)
    matrix = sparse.csr_array(sparse.coo_array((ones, (ranked[0], ranked[1]))))
    counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
    matrix = sparse.csr_array(matrix[:, counts >= int(support * matrix.shape[0])])
    matrix = matrix[np.diff(matrix.indptr) > 0]
    return Baskets(name, IdMap.of(map(str, range(matrix.shape[1]))), matrix)


def read(path: Path) -> pl.DataFrame:
    """A basket a line, items separated by commas, as a frame of basket and item."""
    rows = path.read_text(encoding="utf-8").splitlines()
    return (
        pl.DataFrame({"basket": range(len(rows)), "item": [row.split(",") for row in rows]})
        .explode("item")
        .with_columns(pl.col("item").str.strip_chars())
        .filter(pl.col("item") != "")
    )


def complete_journey() -> Iterator[tuple[Baskets, float]]:
    """Baskets of products and of categories, each with its support.

    A category is one by its name, as in the data's ``product_category``; the shop's graph has one
    of that name for each department that sells it.
    """
    data = load_complete_journey()
    lines = data.events.select("order_id", "product_id")
    yield baskets_of("product", lines, 0.001), 0.001
    shown = data.categories.select("category_id", "name", "parent_id", "level")
    tree = {c: (name, above, level) for c, name, above, level in shown.rows()}
    middle = {c: named_at(c, 1, tree) for c in tree}
    goods = data.products.select(
        "product_id", pl.col("category_id").replace_strict(middle, default=None)
    )
    yield (
        baskets_of("category", lines.join(goods, on="product_id").drop("product_id"), 0.01),
        0.01,
    )


def named_at(category: str, level: int, tree: dict[str, tuple[str, str | None, int]]) -> str | None:
    """Name of the category, or of the one above it, that is at ``level``; None where none is."""
    name, above, depth = tree[category]
    if depth == level:
        return name
    return named_at(above, level, tree) if above is not None else None


def memory(reset: bool = False) -> dict[str, float]:
    """MB held now and at most, from Linux; ``reset`` makes the most begin anew."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    held = {k: float(v.split()[0]) / 1024 for k, v in (x.split(":", 1) for x in lines) if "kB" in v}
    return {"now": held["VmRSS"], "most": held["VmHWM"]}


def child(folder: Path, miner: str, count: int, length: int) -> None:
    """Mine the saved baskets and leave the sets beside them; one JSON line."""
    matrix = sparse.csr_array(sparse.load_npz(folder / "baskets.npz"))
    baskets = Baskets("", IdMap.of(map(str, range(matrix.shape[1]))), matrix)
    few = Baskets("", baskets.items, matrix[:64])
    MINERS[miner](few, 60, 1)  # loads what the miner needs
    before = memory(reset=True)["now"]
    start = time.perf_counter()
    found = MINERS[miner](baskets, count, length)
    seconds = time.perf_counter() - start
    peak = memory()["most"]
    arrays = {
        f"{kind}{i}": a for kind in ("sets", "counts") for i, a in enumerate(getattr(found, kind))
    }
    np.savez(folder / f"{miner}.npz", **arrays)
    figures = {"seconds": seconds, "mb": peak - before, "process_mb": peak, "itemsets": len(found)}
    print(json.dumps(figures))


def mined(folder: Path, miner: str, count: int, length: int) -> tuple[dict[str, Any], Itemsets]:
    """What ``child`` measured, and the sets."""
    words = [str(folder), miner, str(count), str(length)]
    command = [sys.executable, "-m", "benchmarks.rules", "--child", *words]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    with np.load(folder / f"{miner}.npz") as saved:
        lengths = range(len(saved.files) // 2)
        sets = tuple(saved[f"sets{i}"] for i in lengths)
        counts = tuple(saved[f"counts{i}"] for i in lengths)
    return json.loads(done.stdout.splitlines()[-1]), Itemsets(0, sets, counts)


def compare(baskets: Baskets, support: float, length: int, miners: list[str]) -> dict[str, Any]:
    """Every miner on the same baskets, the fast one first."""
    count = max(1, ceil(support * len(baskets)))
    print(f"{baskets.level}: {len(baskets):,} baskets x {len(baskets.items):,} items, ", end="")
    print(f"at least {count:,} baskets, up to {length} items")
    figures, found = {}, {}
    with tempfile.TemporaryDirectory() as name:
        sparse.save_npz(Path(name) / "baskets.npz", sparse.csr_matrix(baskets.matrix))
        for miner in miners:
            figures[miner], found[miner] = mined(Path(name), miner, count, length)
            f = figures[miner]
            print(f"  {miner:<9}{f['itemsets']:>9,} sets {f['seconds']:>9.3f} s", end="")
            print(f"{f['mb']:>9.1f} MB above the baskets {f['process_mb']:>8.1f} MB in all")
    fast = figures[miners[0]]
    others = {m: f for m, f in figures.items() if m != miners[0]}
    return {
        "level": baskets.level,
        "baskets": len(baskets),
        "items": len(baskets.items),
        "min_count": count,
        "miners": figures,
        "same_itemsets": all(found[miners[0]].same(found[m]) for m in others),
        "speedup": {m: f["seconds"] / fast["seconds"] for m, f in others.items()},
        "memory_ratio": {m: f["mb"] / max(fast["mb"], 0.1) for m, f in others.items()},
    }


def main() -> None:
    """Measure, print a table, end with one JSON line; status 1 where miners disagree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--baskets", type=Path, help="a basket a line, items separated by commas")
    parser.add_argument("--support", type=float, default=0.001, help="of --baskets")
    parser.add_argument("--length", type=int, default=3, help="most items in a set")
    parser.add_argument("--apriori", action="store_true", help="time mlxtend's Apriori too")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        folder, miner, count, length = asked.child
        child(Path(folder), miner, int(count), int(length))
        return
    miners = ["vertical", "fpgrowth", *(["apriori"] if asked.apriori else [])]
    if asked.baskets:
        own = baskets_of(asked.baskets.name, read(asked.baskets), asked.support)
        cases: Any = [(own, asked.support)]
    else:
        cases = complete_journey()
    results = [compare(baskets, support, asked.length, miners) for baskets, support in cases]
    print(json.dumps({"benchmark": "rules", "results": results}))
    sys.exit(not all(r["same_itemsets"] for r in results))


if __name__ == "__main__":
    main()
