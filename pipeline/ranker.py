"""The learned ranker: gradient-boosted trees over the features of candidates.

It learns from windows before the moment it ranks at: what was known before each window, and what
was bought in it. One model answers whether a customer buys again what they bought before, another
whether they take up something new; both give chances, so mode all is their union. Ke et al.,
"LightGBM" (NeurIPS 2017). Time is bounded by the number of windows, customers and trees.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graph.ids import IdMap
from graph.interactions import InteractionGraph
from graph.shop import Shop
from loaders.errors import ConfigError
from loaders.progress import Progress, silent
from pipeline.config import Config
from pipeline.methods import BASELINES, Task
from ranking.candidates import Candidates, candidates_of
from ranking.features import add_places, features_of
from ranking.lists import batches
from ranking.moment import Moment, moment_of
from ranking.ranked import Ranked
from ranking.scorer import MODES, Mode, SavedScorer, Scorer

__all__ = ["FEATURED", "RANKER", "Lesson", "rank", "ranked_lists", "shop_groups", "train_ranker"]

RANKER: Final = "learned ranker"
FEATURED: Final = ("EASE",)
"""Methods whose scores are features. An encoder would have to be trained anew for each window."""
SIDES: Final = {
    # Chances of a repeat are many and large, of a discovery few and small: deeper trees, more
    # of the misses kept.
    True: ({"num_leaves": 31, "min_data_in_leaf": 400, "lambda_l2": 20.0}, 0.25),
    False: ({"num_leaves": 15, "min_data_in_leaf": 1000, "lambda_l2": 50.0}, 0.15),
}
"""By whether the customer held the product: settings of trees, and share of misses learned from."""
LEAST: Final = 50
"""Hits that a model needs; with fewer its side is not ranked."""
LOOKED_AT: Final = 60_000
LOOKS: Final = 60
"""Rows and trees of the first look that chooses columns."""
BATCH: Final = 256
WORKERS: Final = min(4, os.cpu_count() or 1)
"""Batches at work at once, each some hundred MB."""


@dataclass(frozen=True)
class Known:
    """What was known at a moment, and the products that it numbers."""

    moment: Moment
    products: IdMap


Sample = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]
Window = Sequence[tuple[bool, Sample]]
"""Features and hits of one window, apart for what was held and what was not."""


@dataclass(frozen=True)
class Model:
    """Trees, and the columns of the features that they look at."""

    trees: Any
    columns: npt.NDArray[np.int64]

    def predict(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The chance of each row of ``values`` float32 [n, n_features], as sampled."""
        return np.asarray(self.trees.predict(values[:, self.columns]), np.float64)


Models = Mapping[bool, Model]


@dataclass(frozen=True)
class Lesson:
    """What a ranker learns from, and when it is to rank.

    Attributes:
        graph: events it may see, all before ``now``.
        groups: codes of products, as ``shop_groups`` gives them.
        now: the moment to rank at, days since 1970-01-01 UTC.
        days: length of the windows to learn from; they end at ``now``, one before the other.
        config: all settings.
        seen: windows by their start: of three lessons each a window after the other, the later
            two make only one window anew.
        known: the moment that was ranked at, by its time: what the next lesson learns from.
        progress: told each window.
    """

    graph: InteractionGraph
    groups: Sequence[npt.NDArray[np.int64]]
    now: float
    days: float
    config: Config
    seen: dict[float, Window] = field(default_factory=dict)
    known: dict[float, Known] = field(default_factory=dict)
    progress: Progress = silent

    def later(self, graph: InteractionGraph, groups: Sequence[npt.NDArray[np.int64]]) -> Lesson:
        """The lesson one window on, with the events known then and what it can take over."""
        after = replace(self, graph=graph, groups=groups, now=self.now + self.days)
        cuts = _cuts(after)
        return replace(
            after,
            seen={cut: window for cut, window in self.seen.items() if cut in cuts},
            known={cut: known for cut, known in self.known.items() if cut in cuts},
        )


def shop_groups(shop: Shop) -> list[npt.NDArray[np.int64]]:
    """Categories, finest level first, and brand of each product as codes, -1 for none."""
    groups = [shop.category_rows(level).astype(np.int64) for level in reversed(range(shop.levels))]
    brands = shop.products["brand"]
    if brands.null_count() < len(brands):
        groups.append(brands.rank("dense").cast(int).fill_null(0).to_numpy() - 1)
    return groups


def rank(
    lesson: Lesson,
    scorers: Mapping[str, SavedScorer],
    fallback: Mapping[Mode, SavedScorer],
) -> dict[Mode, Ranked]:
    """Train a ranker on the windows before ``lesson.now`` and rank what follows.

    Args:
        lesson: what is known.
        scorers: methods fitted on all of ``lesson.graph``, by name.
        fallback: scores what the ranker does not list, by mode.

    Returns:
        Lists by mode; none where there is too little to learn from.

    Raises:
        ConfigError: the training library is not installed.
    """
    models = train_ranker(lesson)
    if not models:
        return {}
    return ranked_lists(lesson, models, [scorers[name] for name in FEATURED], fallback)


def train_ranker(lesson: Lesson) -> Models:
    """Learn from the latest windows; empty where the shop is too young or buys too little.

    Raises:
        ConfigError: the training library is not installed.
    """
    cuts = _cuts(lesson)
    lesson.progress("ranker: learn from windows", 0, len(cuts))
    new = [cut for cut in cuts if cut not in lesson.seen]
    with ThreadPoolExecutor(WORKERS) as pool:
        made = pool.map(lambda cut: list(_window(lesson, cut)), new)
        lesson.seen.update(zip(new, made, strict=True))
    lesson.progress("ranker: train", len(cuts), len(cuts))
    windows = [window for cut in cuts for window in lesson.seen[cut]]
    models = {side: _train(windows, side, lesson.config) for side in SIDES}
    return {side: model for side, model in models.items() if model is not None}


def _cuts(lesson: Lesson) -> list[float]:
    """Starts of the latest windows, latest first, each with as long a past before it."""
    first = float(lesson.graph.days.min()) if len(lesson.graph) else lesson.now
    windows = range(1, lesson.config.ranking.ranker_windows + 1)
    starts = [_instant(lesson.now - lesson.days * i) for i in windows]
    return [start for start in starts if start - lesson.days > first]


def _instant(day: float) -> float:
    """To a thousandth of a second, so that equal moments are equal however they were reached."""
    return round(day, 8)


def _known(lesson: Lesson, cut: float) -> Known:
    """What was known at ``cut``, of products eligible then."""
    known = lesson.graph.purchases().before(cut)
    lines = np.bincount(known.product_rows, minlength=known.shape[1])
    known = known.where(lines[known.product_rows] >= lesson.config.ranking.min_lines)
    scorers = [BASELINES[name](Task(known, lesson.config)) for name in FEATURED]
    return Known(moment_of(known, lesson.groups, cut, scorers), known.products)


def _window(lesson: Lesson, cut: float) -> Iterator[tuple[bool, Sample]]:
    """Features and hits of one window, apart for what was held and what was not."""
    settings, rng = lesson.config.ranking, np.random.default_rng(lesson.config.seed)
    known = lesson.known.pop(cut, None) or _known(lesson, cut)
    moment, n = known.moment, len(known.products)
    later = lesson.graph.purchases().since(cut).before(cut + lesson.days)
    bought = known.products.to_rows(later.products.ids, missing="negative")[later.product_rows]
    users = np.flatnonzero(np.diff(moment.starts) > 0)
    users = np.intersect1d(users, later.user_rows[bought >= 0])
    users = np.sort(rng.permutation(users[later.registered[users]])[: settings.ranker_users])
    if not len(users):
        return
    found = add_places(candidates_of(moment, users, settings.ranker_each, settings.ranker_pool))
    pairs = (later.user_rows.astype(np.int64) * n + bought)[bought >= 0]
    hits = np.isin(found.users * n + found.products, pairs)
    for held, (_, share) in SIDES.items():
        kept = hits | (rng.random(len(hits)) < share)
        place = np.flatnonzero(kept & (found.held == held))
        yield held, (features_of(moment, found.where(place))[1], hits[place])


def _train(windows: Window, side: bool, config: Config) -> Model | None:
    """One model, or ``None`` where there is too little to learn from."""
    parts = [sample for held, sample in windows if held == side]
    hits = np.concatenate([hit for _, hit in parts]) if parts else np.zeros(0, np.bool_)
    if hits.sum() < LEAST or hits.all():
        return None
    try:
        import lightgbm
    except ModuleNotFoundError as error:
        raise ConfigError(
            "building needs lightgbm; install it: pip install 'coterie[learn]'"
        ) from error
    values = np.concatenate([value for value, _ in parts])
    settings = {
        "objective": "binary",
        "learning_rate": 0.06,
        "feature_fraction": 0.25,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "max_bin": 127,
        "verbose": -1,
        "seed": config.seed,
        "deterministic": True,
        "force_row_wise": True,
        **SIDES[side][0],
    }
    # In a small shop no leaf would hold what is right for a large one.
    leaf = int(np.clip(len(hits) // 200, 20, SIDES[side][0]["min_data_in_leaf"]))
    settings["min_data_in_leaf"] = leaf

    def trees(of: slice, columns: npt.NDArray[np.int64], n: int) -> Any:
        data = lightgbm.Dataset(values[of][:, columns], hits[of])
        return lightgbm.train(settings, data, n)

    # A first look at part of the rows tells which columns are worth the time.
    every = np.arange(values.shape[1])
    step = max(1, len(hits) // LOOKED_AT)
    gain = trees(slice(None, None, step), every, LOOKS).feature_importance("gain")
    best = np.sort(np.argsort(-gain, kind="stable")[: config.ranking.ranker_columns])
    return Model(trees(slice(None), best, config.ranking.ranker_trees), best)


def ranked_lists(
    lesson: Lesson,
    models: Models,
    scorers: Sequence[Scorer],
    fallback: Mapping[Mode, SavedScorer],
) -> dict[Mode, Ranked]:
    """What the ranker lists for each registered customer now, by mode.

    Args:
        lesson: what is known now.
        models: of ``train_ranker``.
        scorers: the methods of ``FEATURED``, fitted on all of ``lesson.graph``.
        fallback: scores what the ranker does not list, by mode.
    """
    bought, settings = lesson.graph.purchases(), lesson.config.ranking
    moment = moment_of(bought, lesson.groups, lesson.now, scorers)
    lesson.known[_instant(lesson.now)] = Known(moment, bought.products)
    users = np.unique(bought.user_rows[bought.registered[bought.user_rows]]).astype(np.int64)
    shape = (bought.shape[0], settings.ranker_kept)
    products = {mode: np.full(shape, -1, np.int32) for mode in MODES}
    chances = {mode: np.zeros(shape, np.float16) for mode in MODES}

    def fill(batch: npt.NDArray[np.int64]) -> None:
        """Write the rows of ``batch``, which no other batch has."""
        found = candidates_of(moment, batch, settings.ranker_each, settings.ranker_pool)
        chance = _chances(moment, add_places(found), models)
        for mode in MODES:
            side = chance > 0
            if mode != "all":
                side &= found.held == (mode == "repeat")
            _keep(found, chance, np.flatnonzero(side), products[mode], chances[mode])

    parts = batches(users, BATCH)
    with ThreadPoolExecutor(WORKERS) as pool:
        for done, _ in enumerate(pool.map(fill, parts)):
            lesson.progress("ranker: rank", done + 1, len(parts))
    return {
        mode: Ranked(RANKER, products[mode], chances[mode], (fallback[mode],)) for mode in MODES
    }


def _chances(moment: Moment, found: Candidates, models: Models) -> npt.NDArray[np.float64]:
    """The chance that each candidate is bought next; 0 where no model was trained."""
    chance = np.zeros(len(found))
    for held, model in models.items():
        place = np.flatnonzero(found.held == held)
        if len(place):
            sampled = model.predict(features_of(moment, found.where(place))[1])
            # Models saw a share of the misses: odds were that much too high.
            share = SIDES[held][1]
            chance[place] = sampled * share / (sampled * share + 1 - sampled)
    return chance


def _keep(
    found: Candidates,
    chance: npt.NDArray[np.float64],
    side: npt.NDArray[np.int64],
    products: npt.NDArray[np.int32],
    chances: npt.NDArray[np.float16],
) -> None:
    """Write each customer's best into the rows of ``products`` and ``chances``."""
    order = side[np.lexsort((found.products[side], -chance[side], found.users[side]))]
    users = found.users[order]
    first = np.flatnonzero(np.diff(users, prepend=-1))
    place = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    kept = place < products.shape[1]
    products[users[kept], place[kept]] = found.products[order[kept]]
    chances[users[kept], place[kept]] = chance[order[kept]]
