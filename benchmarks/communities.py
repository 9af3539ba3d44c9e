"""Communities that are known: how well segments' own way finds them, beside its peers.

    python -m benchmarks.communities
    python -m benchmarks.communities --mixing 0.4 0.65 --nodes 2000

Draws LFR graphs (``benchmarks.lfr``) and has each method find their communities: the function that
builds use (``segments.communities.communities``: Leiden at the resolution whose runs agree most),
Louvain (networkx), Leiden by modularity and by CPM (graspologic-native), and Infomap where it is
installed (``pip install 'coterie[bench-gpl]'``; it is under the GPL, so nothing else here uses it).
CPM needs a resolution: of five multiples of the density the one with the best adjusted Rand is
taken, which is kind to it. Normalised mutual information and adjusted Rand are means over graphs.
The last line is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Final

import graspologic_native
import networkx as nx
import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from benchmarks.lfr import Graph, Lfr, lfr_graph
from segments.communities import communities
from segments.config import SegmentsConfig

__all__ = ["compare", "main"]

Labels = npt.NDArray[np.int64]
Candidates = Callable[[Graph, int], list[Labels]]

RUNS: Final = 20
"""Runs of Leiden at each resolution; a build has five by default, on graphs far less mixed."""
CYCLES: Final = 10
MULTIPLES: Final = (1.0, 1.5, 2.0, 3.0, 5.0)


def _ours(graph: Graph, seed: int) -> list[Labels]:
    # Readers of segments want few and large ones; here any number of any size is right.
    config = SegmentsConfig(
        seed=seed, runs=RUNS, min_segments=2, max_segments=graph.shape[0], min_size=1, min_share=0
    )
    return [communities(graph, config).labels]


def _louvain(graph: Graph, seed: int) -> list[Labels]:
    found = nx.community.louvain_communities(nx.from_scipy_sparse_array(graph), seed=seed)
    return [_labels({node: i for i, nodes in enumerate(found) for node in nodes})]


def _leiden(graph: Graph, seed: int, **settings: Any) -> Labels:
    _, found = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data,
        graph.shape[0],
        iterations=CYCLES,
        seed=seed,
        **settings,
    )
    return _labels(found)


def _modularity(graph: Graph, seed: int) -> list[Labels]:
    return [_leiden(graph, seed, resolution=1.0)]


def _cpm(graph: Graph, seed: int) -> list[Labels]:
    density = float(graph.sum()) / (graph.shape[0] * (graph.shape[0] - 1))
    return [
        _leiden(graph, seed, resolution=density * times, use_modularity=False)
        for times in MULTIPLES
    ]


def _infomap(graph: Graph, seed: int) -> list[Labels]:
    from infomap import Infomap

    found = Infomap(silent=True, two_level=True, seed=seed + 1, num_trials=10)
    row, column = graph.nonzero()
    found.add_links([(int(a), int(b)) for a, b in zip(row, column, strict=True) if a < b])
    return [_labels(found.run().modules())]


def _labels(found: Mapping[int, int]) -> Labels:
    return np.array([found[node] for node in range(len(found))], np.int64)


METHODS: Final[dict[str, Candidates]] = {
    "segments": _ours,
    "Louvain": _louvain,
    "Leiden, modularity": _modularity,
    "Leiden, CPM, best of five": _cpm,
    "Infomap": _infomap,
}


def compare(shape: Lfr, mixing: float, graphs: int, names: list[str]) -> list[dict[str, Any]]:
    """Mean figures of each method at one mixing, seeds 0 to ``graphs`` - 1."""
    drawn = [lfr_graph(mixing, seed, shape) for seed in range(graphs)]
    rows = []
    for name in names:
        start = time.process_time()
        scores = [_best(METHODS[name](graph, s), known) for s, (graph, known) in enumerate(drawn)]
        spent = (time.process_time() - start) / graphs
        nmi, rand, count = np.mean(scores, axis=0)
        rows.append(
            {
                "method": name,
                "mixing": mixing,
                "nmi": float(nmi),
                "adjusted_rand": float(rand),
                "communities": float(count),
                "planted": float(np.mean([known.max() + 1 for _, known in drawn])),
                "mean_degree": float(np.mean([g.sum() / g.shape[0] for g, _ in drawn])),
                "cpu_seconds": spent,
            }
        )
    return rows


def _best(candidates: list[Labels], known: Labels) -> tuple[float, float, int]:
    """NMI, adjusted Rand and number of communities of the candidate nearest to the truth."""
    scored = [
        (
            float(normalized_mutual_info_score(known, labels)),
            float(adjusted_rand_score(known, labels)),
            len(np.unique(labels)),
        )
        for labels in candidates
    ]
    return max(scored, key=lambda score: score[1])


HEAD: Final = (
    f"{'method':<26} {'mixing':>6} {'NMI':>6} {'ARI':>6} {'found':>7} {'there':>6} {'CPU s':>7}"
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    found.add_argument("--mixing", nargs="+", type=float, default=[0.5, 0.6, 0.7])
    found.add_argument("--graphs", type=int, default=5, help="at each mixing")
    found.add_argument("--nodes", type=int, default=Lfr.nodes)
    found.add_argument("--degree", type=float, default=Lfr.degree, help="mean links of a node")
    found.add_argument("--smallest", type=int, default=Lfr.smallest, help="community")
    found.add_argument("--largest", type=int, default=Lfr.largest, help="community")
    return found


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, end in one JSON line."""
    asked = parser().parse_args(arguments)
    shape = replace(
        Lfr(),
        nodes=asked.nodes,
        degree=asked.degree,
        smallest=asked.smallest,
        largest=asked.largest,
    )
    names = [n for n in METHODS if n != "Infomap" or find_spec("infomap")]
    print(HEAD)
    rows: list[dict[str, Any]] = []
    for mixing in asked.mixing:
        for row in compare(shape, mixing, asked.graphs, names):
            rows.append(row)
            print(
                "{method:<26} {mixing:6.2f} {nmi:6.3f} {adjusted_rand:6.3f} {communities:7.1f}"
                " {planted:6.1f} {cpu_seconds:7.2f}".format(**row),
                flush=True,
            )
    print(json.dumps({"shape": vars(shape), "graphs": asked.graphs, "rows": rows}))


if __name__ == "__main__":
    main()
