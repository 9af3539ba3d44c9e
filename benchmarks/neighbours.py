"""Similar products of large catalogues: exact search against the index, on vectors made up.

    python -m benchmarks.neighbours --sizes 10000 100000 1000000

Vectors of 64 dimensions: standard normal ones, and ones in clusters of some fifty, as products of
a kind are. Both ways run through the function that builds use, on one thread. Exact search is
timed on a sample of products and scaled to all, the index is built and then searched for the same
sample, scaled likewise. Recall is the share of the exact 20 nearest that the index finds. Times
are of the processor. The last line is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from ranking.nearby import search_of

DIM = 64
CLUSTER = 50
SPREAD = 0.7
M = 20
BLOCK = 512
Vectors = npt.NDArray[np.float32]


def vectors(n: int, kind: str, rng: np.random.Generator) -> Vectors:
    """Vectors of length 1, float32 [n, DIM]."""
    made = rng.standard_normal((n, DIM), np.float32)
    if kind == "clustered":
        centres = rng.standard_normal((max(1, n // CLUSTER), DIM), np.float32)
        made = centres[rng.integers(len(centres), size=n)] + np.float32(SPREAD) * made
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def searched(
    unit: Vectors, rows: npt.NDArray[np.int64], exact_up_to: int
) -> tuple[npt.NDArray[np.int64], float, float]:
    """Neighbours of the sample, CPU seconds to make ready and to search all products."""
    n = len(unit)
    start = time.process_time()
    nearest = search_of(unit, np.arange(n), M, exact_up_to=exact_up_to)
    ready = time.process_time()
    blocks = np.array_split(rows, max(1, -(-len(rows) // BLOCK)))
    found = np.concatenate([nearest(block)[0] for block in blocks])
    return found, ready - start, (time.process_time() - ready) * n / len(rows)


def measured(n: int, kind: str, sample: int) -> dict[str, Any]:
    """One row of the table."""
    rng = np.random.default_rng(0)
    unit = vectors(n, kind, rng)
    rows = np.sort(rng.choice(n, min(sample, n), replace=False))
    exact, _, exact_seconds = searched(unit, rows, n)
    index, add_seconds, index_seconds = searched(unit, rows, 0)
    shared = [len(np.intersect1d(a, b)) for a, b in zip(exact, index, strict=True)]
    return {
        "products": n,
        "vectors": kind,
        "exact_seconds": round(exact_seconds, 1),
        "index_seconds": round(add_seconds + index_seconds, 1),
        "of_which_building": round(add_seconds, 1),
        "recall": round(float(np.mean(shared)) / M, 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--kinds", nargs="+", default=["clustered", "normal"])
    parser.add_argument("--sample", type=int, default=1024, help="products searched for")
    given = parser.parse_args()
    rows = []
    for n in given.sizes:
        for kind in given.kinds:
            rows.append(measured(n, kind, given.sample))
            print(", ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    print(json.dumps({"benchmark": "neighbours", "m": M, "dim": DIM, "rows": rows}))


if __name__ == "__main__":
    main()
