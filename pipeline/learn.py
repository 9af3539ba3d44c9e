"""Everything that is learned from the whole shop, once the choice of what to serve is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from gnn.embeddings import Embeddings
from graph.interactions import InteractionGraph
from graph.shop import Shop
from lifecycle.customers import CustomerTable, build_customers
from loaders.progress import Progress, silent
from pipeline.choose import BLEND, Choice
from pipeline.completion import default_weights, fit_completion
from pipeline.config import Config
from pipeline.customers import shelves_of
from pipeline.features import product_features
from pipeline.methods import RECENT, Task, fit_methods
from pipeline.ranker import FEATURED, RANKER, Lesson, rank, shop_groups
from ranking.blend import Blend
from ranking.history import build_history
from ranking.likeness import Likeness
from ranking.newcomers import Newcomers, newcomers_of
from ranking.recommender import Recommender
from ranking.scorer import Mode, SavedScorer
from ranking.similar import Neighbours, similar_products
from rules.mine import mine_rules
from rules.table import RuleTable
from segments.build import find_segments
from segments.model import Segmentation
from segments.products import segment_products

__all__ = ["Learned", "learn"]


@dataclass(frozen=True)
class Learned:
    """What one build learned, over the rows of ``shop``."""

    shop: Shop
    embeddings: Embeddings
    recommender: Recommender
    neighbours: Neighbours
    likeness: Likeness
    rules: RuleTable
    completer: SavedScorer
    completion: Mapping[str, float]
    segmentation: Segmentation
    segment_products: pl.DataFrame
    customers: CustomerTable


def _eligible(graph: InteractionGraph, min_lines: int) -> npt.NDArray[np.bool_]:
    """Products with ``min_lines`` purchase lines, bool [n_products]; all bought ones if none has.

    A shop of a few days would have nothing to learn from otherwise.
    """
    lines = np.bincount(graph.purchases().product_rows, minlength=graph.shape[1])
    often = lines >= min_lines
    return often if often.any() else lines > 0


def learn(
    shop: Shop,
    config: Config,
    choice: Choice,
    *,
    start: Embeddings | None = None,
    lesson: Lesson | None = None,
    weights: Mapping[str, float] | None = None,
    work: Path | None = None,
    progress: Progress = silent,
) -> Learned:
    """Fit what was chosen on all events, mine rules, find segments, follow customers' lives.

    Args:
        shop: the whole shop.
        config: all settings.
        choice: what to serve in each mode.
        start: vectors over the shop's rows to start training from.
        lesson: the ranker's before the test window, which it goes on from.
        weights: what completes baskets, by part; a plain choice where ``None``.
        work: folder for training state.
        progress: told each stage.
    """
    weights = default_weights() if weights is None else weights
    eligible = _eligible(shop.graph, config.ranking.min_lines)
    known = shop.graph.where(eligible[shop.graph.product_rows])
    checkpoint = work / "final.checkpoint" if work else None
    needed = {name for c in choice.values() for name in c.needs} | {RECENT, *FEATURED}
    task = Task(known, config, progress, start=start, checkpoint=checkpoint, shop=shop)
    fitted = fit_methods(task, needed)
    vectors = fitted.embeddings
    history = build_history(shop.graph)
    likeness = Likeness.of(
        vectors.product_vectors,
        product_features(shop.products, shop.categories, seed=config.seed),
    )
    near, new = _neighbours(likeness, eligible, history.buyers == 0, config, progress)
    scorers: dict[Mode, SavedScorer] = {m: c.scorer(fitted.scorers) for m, c in choice.items()}
    if lesson and any(c.served == RANKER for c in choice.values()):
        ranked = rank(lesson.later(known, shop_groups(shop)), fitted.scorers, scorers)
        scorers |= {m: r for m, r in ranked.items() if choice[m].served == RANKER}
    recommender = Recommender(
        scorers=scorers,
        history=history,
        popularity=fitted.scorers[RECENT].score(np.zeros(1, np.int64))[0],
        eligible=eligible,
        newcomers=new,
    )
    segmentation = find_segments(shop, vectors.user_vectors, config.segments, progress)
    rules = mine_rules(shop, config.rules, progress, segmentation.member)
    completers = fit_completion(known, config, fitted.encoder, progress, pairs=rules.as_edges())
    return Learned(
        shop=shop,
        embeddings=vectors,
        recommender=recommender,
        neighbours=near,
        likeness=likeness,
        rules=rules,
        completer=Blend.of(BLEND, completers, weights),
        completion=weights,
        segmentation=segmentation,
        segment_products=segment_products(shop.graph, segmentation.member, config.segments),
        customers=build_customers(shop.graph, shelves_of(shop), config.lifecycle, progress),
    )


def _neighbours(
    likeness: Likeness,
    eligible: npt.NDArray[np.bool_],
    unbought: npt.NDArray[np.bool_],
    config: Config,
    progress: Progress,
) -> tuple[Neighbours, Newcomers]:
    """Similar products by who buys them; those nobody bought yet find theirs by features."""
    m = config.ranking.similar
    learned = similar_products(likeness.learned, m, candidates=eligible, progress=progress)
    by_features = similar_products(
        likeness.features, m, candidates=eligible, asked=unbought, progress=progress
    )
    return learned.completed(by_features), newcomers_of(by_features, unbought)
