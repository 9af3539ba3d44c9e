"""How long loading and reading back take: ``python -m benchmarks.graph_store completejourney``.

Also takes ``synthetic:N`` for a shop of N customers. Uses the product's own functions on a store
in a temporary folder (``--home DIR`` to keep it), prints a table and, last, one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graph.embedded import EmbeddedStore
from graph.query import read_query
from graph.readback import data_hash, read_shop
from graph.schema import EVENT_EDGES
from graph.write import write_dataset
from loaders.dataset import Dataset
from loaders.synthetic import synthetic_shop


def dataset(source: str) -> Dataset:
    """The data set ``source`` names."""
    kind, _, size = source.partition(":")
    if kind == "synthetic":
        return synthetic_shop(int(size or 200)).dataset
    from loaders.completejourney import load_complete_journey

    return load_complete_journey()


def measure(source: str, folder: Path) -> dict[str, Any]:
    """Seconds of each step, with counts, sizes and peak memory."""
    seconds: dict[str, float] = {}

    def timed(name: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        seconds[name] = round(time.perf_counter() - start, 3)
        return result

    data = timed("prepare", lambda: dataset(source))
    path = folder / "graph.lbug"
    with EmbeddedStore(path) as store:
        timed("load", lambda: write_dataset(store, data))
        timed("load again", lambda: write_dataset(store, data))
        timed("purchases as arrays", lambda: store.edges(EVENT_EDGES["purchase"]))
        shop = timed("read shop", lambda: read_shop(store))
        hash_ = timed("hash", lambda: data_hash(shop.graph))
        counts = store.counts()
    timed("guarded query", lambda: read_query(path, "MATCH (u:User) RETURN count(u) AS n"))
    return {
        "benchmark": "graph_store",
        "source": source,
        "events": len(shop.graph),
        "edges": sum(n for name, n in counts.items() if name.isupper()),
        "seconds": seconds,
        "file_mb": path.stat().st_size >> 20,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "data_hash": hash_,
    }


def main() -> None:
    """Measure, print a table, end with one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("source", help="completejourney, or synthetic:N")
    parser.add_argument("--home", type=Path, help="folder to keep the store in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        result = measure(arguments.source, arguments.home or Path(temporary))
    for step, taken in result["seconds"].items():
        print(f"{step:<22}{taken:>9.2f} s")
    print(f"{'events':<22}{result['events']:>9,}\n{'file':<22}{result['file_mb']:>9,} MB")
    print(f"{'peak memory':<22}{result['peak_mb']:>9,} MB")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
