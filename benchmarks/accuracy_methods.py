"""The methods that ``benchmarks.accuracy`` compares: how each is fitted, and what is tried.

A method is fitted on a graph with one of its settings. Blends name the methods they are made of;
their weights are chosen on validation like any other setting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from gnn.config import LightGCNConfig
from gnn.embeddings import Embeddings
from graph.interactions import InteractionGraph
from ranking.ease import fit_ease
from ranking.itemknn import fit_itemknn
from ranking.matrices import bought_pairs
from ranking.order import lines_of
from ranking.popularity import fit_popularity
from ranking.scorer import SavedScorer
from ranking.sequence import fit_sequence
from ranking.spectral import Spectral, fit_chebyshev, fit_gfcf, plateau
from ranking.vectors import Vectors
from ranking.walks import fit_rp3beta

__all__ = ["METHODS", "Method", "Setting", "train_within"]

Setting = Mapping[str, Any]
EASE_PRODUCTS: Final = 12_000
"""The most bought products that EASE learns among; 40,000 would take 7 GB and half an hour."""
SECONDS: Final = 240.0
"""How long the encoder may train before it is taken as it then is."""


@dataclass(frozen=True)
class Method:
    """One line of the table.

    Attributes:
        fit: makes the scorer, from training events and a setting.
        grid: settings tried on validation; a method of one setting is taken as it is.
        parts: methods blended, with their chosen settings; then ``fit`` is not used.
        ordered: needs the order within lines.
    """

    fit: Callable[..., SavedScorer] | None = None
    grid: tuple[Setting, ...] = ({},)
    parts: tuple[str, ...] = ()
    ordered: bool = False


FOREVER: Final = 1e9
"""A reach within which all products count alike."""


def _chebyshev(
    graph: InteractionGraph, *, order: int = 4, reach: float = FOREVER, floor: float = 0.0
) -> Spectral:
    """The filter; its singular vectors, which take longest, are found once a graph."""
    if id(graph) not in _FILTERS:
        _FILTERS[id(graph)] = (graph, fit_chebyshev(graph))
    filtered = _FILTERS[id(graph)][1]
    profiles = lines_of(graph).recent(reach, floor)[:, filtered.known].tocsr()
    return replace(filtered, coefficients=plateau(order, FLATNESS), profiles=profiles)


FLATNESS: Final = 1.5
_FILTERS: Final[dict[int, tuple[InteractionGraph, Spectral]]] = {}
"""With the graph, so that its id stays its own."""


def _als(graph: InteractionGraph, **setting: Any) -> Vectors:
    from implicit.als import AlternatingLeastSquares

    return _factorised("implicit ALS", AlternatingLeastSquares, graph, setting)


def _bpr(graph: InteractionGraph, **setting: Any) -> Vectors:
    from implicit.bpr import BayesianPersonalizedRanking

    return _factorised("implicit BPR", BayesianPersonalizedRanking, graph, setting)


def _factorised(name: str, model: Any, graph: InteractionGraph, setting: Setting) -> Vectors:
    from scipy.sparse import csr_matrix

    fitted = model(random_state=0, **setting)
    fitted.fit(csr_matrix(bought_pairs(graph)), show_progress=False)
    users, items = (np.asarray(f, np.float32) for f in (fitted.user_factors, fitted.item_factors))
    return Vectors.of(name, users, items)


def lightgcn_config(setting: Setting) -> LightGCNConfig:
    """The encoder's settings on a split whose pairs all count alike."""
    return LightGCNConfig(half_life=1e9, damping="binary", patience=3, **setting)


def encoder_grid() -> tuple[Setting, ...]:
    """Settings of the encoder that are tried: larger ones where a GPU is at hand."""
    common = {"layers": 2, "learning_rate": 0.01, "batch_size": 8192, "temperature": 0.1}
    if find_spec("torch") is None or not _gpu():
        return ({**common, "dim": 128, "negatives": 2048, "epochs": 6, "validate_every": 1},)
    larger = {**common, "negatives": 8192, "epochs": 400, "validate_every": 4}
    return tuple({**larger, "dim": dim} for dim in (128, 256))


def _gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _lightgcn(graph: InteractionGraph, **setting: Any) -> Vectors:
    from gnn.train import fit

    return Vectors.of("LightGCN", *fit(graph, lightgcn_config(setting)).embeddings.folded())


def train_within(
    graph: InteractionGraph,
    setting: Setting,
    judge: Callable[[SavedScorer], float],
    seconds: float,
) -> tuple[Setting, float]:
    """Train until validation stops improving or time is up; the setting with the best epochs."""
    from gnn.train import fit

    config = lightgcn_config(setting)
    began, seen = time.perf_counter(), [-1.0]

    def validate(embeddings: Embeddings) -> float:
        seen.append(judge(Vectors.of("LightGCN", *embeddings.folded())))
        if time.perf_counter() - began > seconds:
            raise TimeoutError
        return seen[-1]

    with suppress(TimeoutError):
        fit(graph, config, validate=validate)
    best = int(np.argmax(seen))
    return {**setting, "epochs": min(best * config.validate_every, config.epochs)}, seen[best]


METHODS: Final[dict[str, Method]] = {
    "popularity": Method(fit_popularity),
    "ItemKNN": Method(
        fit_itemknn,
        tuple({"neighbours": n, "shrink": s} for n, s in ((50, 0), (200, 0), (200, 10))),
    ),
    "RP3beta": Method(
        fit_rp3beta,
        tuple({"alpha": a, "beta": b} for a, b in ((1, 0.3), (1, 0.5), (0.8, 0.4))),
    ),
    "EASE": Method(fit_ease, tuple({"products": EASE_PRODUCTS, "l2": x} for x in (50, 200, 500))),
    "implicit ALS": Method(
        _als,
        tuple(
            {"factors": 128, "iterations": 10, "regularization": r, "alpha": a}
            for r, a in ((0.01, 1.0), (0.1, 10.0))
        ),
    ),
    "implicit BPR": Method(
        _bpr,
        tuple(
            {"factors": 128, "iterations": n, "learning_rate": 0.05, "regularization": r}
            for n, r in ((50, 0.01), (100, 0.02))
        ),
    ),
    "GF-CF": Method(fit_gfcf, ({"vectors": 256, "weight": 0.3},)),
    "Chebyshev": Method(_chebyshev, ({"order": 4},)),
    "Chebyshev, recent": Method(
        _chebyshev,
        tuple({"reach": r, "floor": f} for r, f in ((5, 0.2), (2, 0.1), (1, 0.1))),
        ordered=True,
    ),
    "sequence": Method(
        fit_sequence,
        (
            {"span": 10, "reach": 1},
            {"span": 5, "reach": 1},
            {"span": 20, "window": 40, "reach": 1},
        ),
        ordered=True,
    ),
    "LightGCN": Method(_lightgcn, encoder_grid()),
    "blend": Method(parts=("Chebyshev", "Chebyshev, recent", "sequence")),
    "Chebyshev with LightGCN": Method(parts=("Chebyshev", "LightGCN")),
    "blend with LightGCN": Method(parts=("Chebyshev", "Chebyshev, recent", "sequence", "LightGCN")),
}
"""Every method by its name in the table; a blend stands below what it is made of."""
