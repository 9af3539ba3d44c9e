"""What goes with a basket: fitted, chosen on one window, and reported on the next.

The same windows as the evaluation of customers' lists, with the same products. Methods learn from
the baskets before a window; one product is hidden from each basket in it, and every method ranks
all products. Weights of the blend are chosen on the validation window; the test window is looked
at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.bootstrap import bootstrap_mean, paired_difference
from evaluation.hidden import Hidden, gains, hide_one, hits, ranks
from graph.interactions import InteractionGraph
from graph.shop import Shop
from loaders.progress import Progress, silent
from pipeline.choose import BLEND
from pipeline.config import Config
from pipeline.evaluate import carried, side, validator, windows
from pipeline.methods import NAMES, RECENT, Task, fit_methods
from ranking.blend import Blend, tune_blend
from ranking.itemknn import fit_itemknn
from ranking.popularity import fit_popularity
from ranking.scorer import SavedScorer
from ranking.together import basket_neighbours, basket_vectors, of_baskets, pair_weights
from ranking.vectors import Vectors
from rules.baskets import product_baskets
from rules.measures import telling
from rules.mine import product_pairs

__all__ = [
    "BASKETS",
    "Completed",
    "default_weights",
    "fit_completion",
    "fit_encoders",
    "measure_completion",
]

BASKETS: Final = "ItemKNN on baskets"
CUSTOMERS: Final = "ItemKNN on customers"
RULES: Final = "rules"
POPULAR: Final = "popularity"
SERVED: Final = (RECENT, BASKETS, RULES, *NAMES.values())
"""Parts the blend may have: those that answer a basket in a fraction of a millisecond."""
MOST = 4_000
KS = (10, 20)

Parts = Mapping[str, SavedScorer]


@dataclass(frozen=True)
class Completed:
    """The blend's weights by method, and the table of the test window."""

    weights: dict[str, float]
    table: list[dict[str, Any]]
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As plain keys."""
        return asdict(self)


def default_weights() -> dict[str, float]:
    """What is served where a shop is too young to be measured."""
    return {BASKETS: 1.0, RECENT: 0.05}


def fit_completion(
    graph: InteractionGraph,
    config: Config,
    encoder: SavedScorer | None,
    progress: Progress = silent,
    *,
    pairs: pl.DataFrame | None = None,
) -> dict[str, SavedScorer]:
    """The parts that a blend may have, by name.

    Args:
        graph: events to learn from.
        config: all settings.
        encoder: vectors fitted on the same events; ``None`` leaves the encoder out.
        progress: told each part.
        pairs: rules from one product to another, as edges, where they are mined already.
    """
    settings = config.ranking
    baskets = product_baskets(graph, config.rules.max_basket)
    progress("complete baskets: rules", 0, 2)
    pairs = product_pairs(graph, config.rules) if pairs is None else pairs
    ends = [graph.products.to_rows(pairs[end], missing="error") for end in ("source", "target")]
    weight = telling(pairs["confidence"].to_numpy(), pairs["lift"].to_numpy())
    progress("complete baskets: neighbours", 1, 2)
    parts: dict[str, SavedScorer] = {
        RECENT: fit_popularity(graph, window_days=settings.recent_days),
        BASKETS: basket_neighbours(
            BASKETS,
            baskets.matrix,
            neighbours=settings.knn_neighbours,
            shrink=settings.knn_shrink,
        ),
        RULES: pair_weights(RULES, ends[0], ends[1], weight, graph.shape[1]),
    }
    if isinstance(encoder, Vectors):
        parts[encoder.name] = basket_vectors(encoder)
    progress("complete baskets: fitted", 2, 2)
    return parts


def measure_completion(
    shop: Shop,
    config: Config,
    encoders: tuple[SavedScorer, SavedScorer],
    progress: Progress = silent,
    *,
    customers: bool = True,
) -> Completed:
    """Choose on validation, report on test.

    Args:
        shop: the shop; events after the test window are never looked at.
        config: all settings.
        encoders: vectors fitted before the validation window and before the test window, over
            the products of those sides.
        progress: told each stage.
        customers: whether neighbours by customers are in the table too; they are never served
            here, and take most of the time.

    Raises:
        DataError: the shop is too young, or no basket holds two known products.
    """
    span = windows(shop.graph.purchases(), config)
    first, second = (
        _Window.of(shop, config, cut, span.days) for cut in (span.cut - span.days, span.cut)
    )
    weights = _tuned(first, fit_completion(first.graph, config, encoders[0], progress), config)
    parts = fit_completion(second.graph, config, encoders[1], progress)
    methods: dict[str, SavedScorer] = {
        POPULAR: fit_popularity(second.graph),
        **(_by_customers(second.graph, config) if customers else {}),
        **parts,
        BLEND: Blend.of(BLEND, parts, weights),
    }
    found = {}
    for done, (name, scorer) in enumerate(methods.items()):
        progress(f"complete baskets: measure {name}", done, len(methods))
        found[name] = second.ranks(scorer)
    settings = {"cut": span.cut, "window_days": span.days, "baskets": len(second.hidden)}
    return Completed(weights, _table(found, config), settings)


def fit_encoders(
    shop: Shop, config: Config, progress: Progress = silent
) -> tuple[SavedScorer, SavedScorer]:
    """The encoder alone, before the validation window and before the test window.

    Raises:
        DataError: the shop is too young.
        ConfigError: the training libraries are not installed.
    """
    span = windows(shop.graph.purchases(), config)
    before, split = side(shop.graph, span.cut - span.days, span.days, config)
    first = fit_methods(Task(before, config, progress, validator(split), shop=shop), needed=())
    graph, _ = side(shop.graph, span.cut, span.days, config)
    start = carried(first.embeddings, before, graph)
    second = fit_methods(Task(graph, config, progress, start=start, shop=shop), needed=())
    return first.encoder, second.encoder


def _by_customers(graph: InteractionGraph, config: Config) -> dict[str, SavedScorer]:
    settings = config.ranking
    fitted = fit_itemknn(graph, neighbours=settings.knn_neighbours, shrink=settings.knn_shrink)
    return {CUSTOMERS: fitted}


@dataclass(frozen=True)
class _Window:
    """What may be learned from, and the baskets to complete."""

    graph: InteractionGraph
    hidden: Hidden
    eligible: npt.NDArray[np.bool_]
    order: npt.NDArray[np.int64]

    @staticmethod
    def of(shop: Shop, config: Config, cut: float, days: float) -> _Window:
        known, split = side(shop.graph, cut, days, config)
        rows = known.products.to_rows(shop.graph.products.ids, missing="negative")
        late = shop.graph.before(cut + days).since(cut)
        later = late.of_products(rows >= 0)
        baskets = product_baskets(later, config.rules.max_basket)
        recent = fit_popularity(known, window_days=config.ranking.recent_days).buyers
        order = np.lexsort((np.arange(len(recent)), -recent))
        return _Window(known, hide_one(baskets.matrix, MOST, config.seed), split.eligible, order)

    def scored(self, scorer: SavedScorer) -> SavedScorer:
        """The scorer over the baskets of this window, with one product hidden in each."""
        return of_baskets(scorer, self.hidden.matrix(self.graph.shape[1]))

    def ranks(self, scorer: SavedScorer) -> npt.NDArray[np.int64]:
        return ranks(self.scored(scorer).score, self.hidden, self.eligible, self.order)

    def allowed(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        mask = np.tile(self.eligible, (len(places), 1))
        for line, place in zip(mask, places, strict=True):
            line[self.hidden.kept[place]] = False
        return mask


def _tuned(window: _Window, parts: Parts, config: Config) -> dict[str, float]:
    """Weights that complete the baskets of ``window`` best."""
    k, hidden = config.evaluation.k, window.hidden.hidden
    discount = 1 / np.log2(np.arange(k) + 2)

    def judge(lists: npt.NDArray[np.int64]) -> float:
        return float(((lists == hidden[:, None]) * discount).sum(axis=1).mean())

    tuned = tune_blend(
        [window.scored(parts[name]) for name in SERVED if name in parts],
        np.arange(len(window.hidden)),
        judge,
        window.allowed,
        k=k,
        name=BLEND,
    )
    pairs = zip(tuned.blend.parts, tuned.blend.weights, strict=True)
    return {part.name: round(float(weight), 4) for part, weight in pairs}


def _table(found: Mapping[str, npt.NDArray[np.int64]], config: Config) -> list[dict[str, Any]]:
    """Rows by method, the best first, with intervals, and the blend's gain over each."""
    samples, seed = config.evaluation.bootstrap, config.seed
    rows = []
    for name, places in found.items():
        row: dict[str, Any] = {"method": name}
        for k in KS:
            row[f"hits@{k}"] = asdict(bootstrap_mean(hits(places, k), samples=samples, seed=seed))
        gain = gains(places, KS[-1])
        row["ndcg@20"] = asdict(bootstrap_mean(gain, samples=samples, seed=seed))
        ahead = paired_difference(gains(found[BLEND], KS[-1]), gain, samples=samples, seed=seed)
        row["blend_ahead"] = asdict(ahead)
        rows.append(row)
    return sorted(rows, key=lambda row: -row["ndcg@20"]["value"])
