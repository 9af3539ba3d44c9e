"""The honest table: every method at one cut in time, in three modes, with intervals.

Two windows before the end of what is known: methods are fitted before the validation window and
the choice is made there; then all are fitted again before the test window, which is looked at
once. Only products bought often enough before the cut take part, so arrays are cut down to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.harness import ModeResult, Recommend, evaluate
from evaluation.report import Report, build_report
from evaluation.split import Split, time_split
from gnn.embeddings import Embeddings
from graph.interactions import InteractionGraph, from_day, to_day
from graph.shop import Shop
from loaders.errors import DataError
from loaders.progress import Progress, silent
from pipeline.choose import BLEND, Choice, choice_json, choose, choose_ranker, list_ndcg
from pipeline.config import Config
from pipeline.methods import BASELINES, RECENT, Fitted, Task, fit_methods
from pipeline.ranker import RANKER, Lesson, rank, shop_groups
from ranking.history import build_history
from ranking.lists import batches
from ranking.ranked import Ranked
from ranking.recommender import Recommender
from ranking.remembered import Remembered
from ranking.scorer import MODES, Mode, SavedScorer

__all__ = [
    "Evaluated",
    "Side",
    "Windows",
    "carried",
    "evaluate_shop",
    "evaluate_sides",
    "side",
    "validator",
    "windows",
]

BATCH = 64
"""Customers measured at a time: scores of all products by each method are kept for so many."""
LENGTH = 20
DEFAULT_WINDOW = 30.0
SECOND = 1 / 86_400


Side = tuple[InteractionGraph, Split]
"""Events to learn from, and the split that what was learned is judged by."""


@dataclass(frozen=True)
class Windows:
    """Where the test window starts, in days since 1970-01-01 UTC, and how long windows are."""

    cut: float
    days: float


@dataclass(frozen=True)
class Evaluated:
    """What was found, what is to be served, and what the next fit starts from.

    Attributes:
        report: the table.
        choice: what is to be served in each mode.
        embeddings: vectors over the shop's rows.
        encoders: the encoder's vectors before the validation window and before the test.
        results: what the table was made of, customer by customer.
        lesson: the ranker's, up to the test window; ``None`` where it had none.
    """

    report: Report
    choice: Choice
    embeddings: Embeddings
    encoders: tuple[SavedScorer, SavedScorer]
    results: Mapping[str, Mapping[Mode, ModeResult]]
    lesson: Lesson | None = None


def windows(graph: InteractionGraph, config: Config) -> Windows:
    """The cut from the settings, or such that the test window ends with the data.

    Raises:
        DataError: the events span too short a time, or the cut lies outside.
    """
    settings = config.evaluation
    first, last = (float(graph.days.min()), graph.last_day) if len(graph) else (0.0, 0.0)
    if settings.cut is None:
        cut = last - (settings.window_days or DEFAULT_WINDOW)
    else:
        cut = to_day(settings.cut)
    days = settings.window_days or last - cut + SECOND
    if not first < cut - days < cut < last:
        raise DataError(
            f"a test window from {from_day(cut):%Y-%m-%d} and a validation window before it, of "
            f"{days:.1f} days each, do not fit: events run from {from_day(first):%Y-%m-%d} to "
            f"{from_day(last):%Y-%m-%d}; set evaluation.cut or evaluation.window_days"
        )
    return Windows(cut, days)


def evaluate_shop(
    shop: Shop, config: Config, *, work: Path | None = None, progress: Progress = silent
) -> Evaluated:
    """Fit, choose on validation, fit again, report on test.

    Args:
        shop: the shop; events after the test window are never looked at.
        config: all settings.
        work: folder for training state, so that a killed run is taken up again.
        progress: told each stage.

    Raises:
        DataError: the shop is too young or too small to be measured.
    """
    span = windows(shop.graph.purchases(), config)
    return evaluate_sides(
        side(shop.graph, span.cut - span.days, span.days, config),
        side(shop.graph, span.cut, span.days, config),
        shop,
        config,
        {
            "cut": from_day(span.cut).isoformat(),
            "window_days": round(span.days, 4),
            "min_lines": config.ranking.min_lines,
        },
        span=span,
        work=work,
        progress=progress,
    )


def evaluate_sides(
    validation: Side,
    test: Side,
    shop: Shop,
    config: Config,
    settings: Mapping[str, Any],
    *,
    span: Windows | None = None,
    work: Path | None = None,
    progress: Progress = silent,
) -> Evaluated:
    """Choose on ``validation``, report on ``test``; how the two were cut is the caller's.

    Args:
        validation: what to learn from while choosing, and the split that is judged by.
        test: the same for the report.
        shop: the shop that both were cut from.
        config: all settings.
        settings: how the sides were cut, kept in the report.
        span: when the sides were cut; without it no ranker is learned, which needs times.
        work: folder for training state.
        progress: told each stage.
    """
    before, split = validation
    fitted = fit_methods(
        Task(
            before,
            config,
            progress,
            validator(split),
            checkpoint=_file(work, "validation"),
            shop=shop,
        )
    )
    earlier = fitted.encoder
    choice = choose(fitted.scorers, split, config.evaluation, config.seed, progress)
    lesson = _lesson(before, shop, config, span, progress)
    ranked = _rank(lesson, fitted, choice)
    choice = choose_ranker(choice, fitted.scorers, ranked, split, config.evaluation, config.seed)
    graph, split = test
    start = carried(fitted.embeddings, before, graph)
    fitted = fit_methods(
        Task(graph, config, progress, start=start, checkpoint=_file(work, "test"), shop=shop)
    )
    lesson = lesson and lesson.later(graph, _groups(graph, shop))
    ranked = _rank(lesson, fitted, choice)
    results = _measure(fitted, choice, ranked, split, shop, config, progress)
    report = build_report(
        results,
        baselines=BASELINES,
        counts=split.counts,
        settings={
            **settings,
            "seed": config.seed,
            "choice": choice_json(choice),
        },
        samples=config.evaluation.bootstrap,
        seed=config.seed,
    )
    vectors = carried(fitted.embeddings, graph, shop.graph)
    return Evaluated(report, choice, vectors, (earlier, fitted.encoder), results, lesson)


def carried(
    embeddings: Embeddings, before: InteractionGraph, after: InteractionGraph
) -> Embeddings:
    """Vectors fitted on ``before`` over the rows of ``after``, to start a fit there from."""
    return embeddings.moved((before.users, after.users), (before.products, after.products))


def side(graph: InteractionGraph, cut: float, days: float, config: Config) -> Side:
    """The events before ``cut`` over its eligible products, and the split there."""
    known = graph.before(cut)
    lines = np.bincount(known.purchases().product_rows, minlength=graph.shape[1])
    least = config.ranking.min_lines
    compact = graph.before(cut + days).of_products(lines >= least)
    most, seed = config.evaluation.customers, config.seed
    return compact.before(cut), time_split(compact, cut, days, least, most, seed)


def validator(split: Split) -> Callable[[Embeddings], float] | None:
    """Quality of vectors on the validation window: NDCG of discoveries, what encoders are for.

    ``None`` where nobody discovered anything there; training then runs all its epochs.
    """
    users = split.users("discover")
    if not len(users):
        return None
    return lambda vectors: float(list_ndcg(vectors.scores, split, "discover", users, LENGTH).mean())


def _lesson(
    before: InteractionGraph,
    shop: Shop,
    config: Config,
    span: Windows | None,
    progress: Progress,
) -> Lesson | None:
    """What the ranker may learn from before the validation window."""
    if span is None:
        return None
    groups = _groups(before, shop)
    return Lesson(before, groups, span.cut - span.days, span.days, config, progress=progress)


def _groups(graph: InteractionGraph, shop: Shop) -> list[npt.NDArray[np.int64]]:
    """Categories and brands of products as ``graph`` numbers them."""
    rows = shop.graph.products.to_rows(graph.products.ids, missing="error")
    return [codes[rows] for codes in shop_groups(shop)]


def _rank(lesson: Lesson | None, fitted: Fitted, choice: Choice) -> dict[Mode, Ranked]:
    """The learned ranker's lists, over what would be served without it."""
    if lesson is None:
        return {}
    plain = {mode: choice[mode].scorer(fitted.scorers) for mode in MODES}
    return rank(lesson, fitted.scorers, plain)


def _measure(
    fitted: Fitted,
    choice: Choice,
    ranked: Mapping[Mode, Ranked],
    split: Split,
    shop: Shop,
    config: Config,
    progress: Progress,
) -> dict[str, dict[Mode, ModeResult]]:
    """Results of every method, and of each mode's blend, through what serves them."""
    history = build_history(split.train)
    recent = fitted.scorers[RECENT].score(np.zeros(1, np.int64))[0]
    rows = shop.graph.products.to_rows(split.train.products.ids, missing="error")
    categories = shop.category_rows(max(0, shop.levels - 1))[rows]
    # A shop of things bought once has nobody to test in mode repeat, and the other way round.
    modes = tuple(mode for mode in split.relevant if len(split.users(mode)))
    asked = {name: Remembered((scorer,)) for name, scorer in fitted.scorers.items()}
    methods: dict[str, dict[Mode, SavedScorer]] = {
        name: dict.fromkeys(modes, scorer) for name, scorer in asked.items()
    }
    methods[BLEND] = {mode: choice[mode].blend(asked) for mode in modes}
    if ranked:
        plain = {mode: choice[mode].scorer(asked) for mode in modes}
        methods[RANKER] = {mode: replace(ranked[mode], parts=(plain[mode],)) for mode in modes}
    served = {
        name: Recommender(scorers, history, recent, split.eligible)
        for name, scorers in methods.items()
    }
    lists = _listed(served, split, modes, max(config.evaluation.ks), progress)
    return {
        name: evaluate(made, split, config.evaluation.ks, modes, categories=categories)
        for name, made in lists.items()
    }


def _listed(
    served: Mapping[str, Recommender],
    split: Split,
    modes: Sequence[Mode],
    longest: int,
    progress: Progress,
) -> dict[str, Recommend]:
    """Lists of every method, made batch by batch so that each scores a customer once."""
    users = np.unique(np.concatenate([split.users(mode) for mode in modes]))
    lists = {
        name: {mode: np.full((len(users), longest), -1, np.int64) for mode in modes}
        for name in served
    }
    done = 0
    for batch in batches(users, BATCH):
        for name, method in served.items():
            for mode in modes:
                rows = method.recommend(batch, longest, mode).rows
                lists[name][mode][done : done + len(batch)] = rows
        done += len(batch)
        progress("measure", done, len(users))
    return {name: _looked_up(users, made) for name, made in lists.items()}


def _looked_up(
    users: npt.NDArray[np.int64], lists: Mapping[Mode, npt.NDArray[np.int64]]
) -> Recommend:
    return lambda rows, k, mode: lists[mode][np.searchsorted(users, rows), :k]


def _file(work: Path | None, name: str) -> Path | None:
    return work / f"{name}.checkpoint" if work else None
