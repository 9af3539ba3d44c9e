"""The learned ranker on a shop with a rhythm that only it can see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from graphs import Line, graph_of

from graph.interactions import InteractionGraph
from pipeline.config import Config
from pipeline.methods import BASELINES, Task
from pipeline.ranker import RANKER, Lesson, rank, ranked_lists, train_ranker
from ranking.config import RankingConfig
from ranking.lists import top_k
from ranking.personal import fit_personal

USERS, PRODUCTS, NOW, DAYS = 150, 40, 300.0, 20.0
CONFIG = Config(ranking=RankingConfig(ranker_trees=40, ranker_kept=10, min_lines=1))


def lines() -> list[Line]:
    """Each customer buys one product every 40 days and, as often, another every 10 days at first.

    They gave the second up half a year ago. What comes next is the first, when it is due.
    """
    rng, found = np.random.default_rng(0), []
    for user in range(USERS):
        steady, dropped = rng.choice(PRODUCTS, 2, replace=False)
        start = rng.uniform(0, 40)
        visits = [(steady, start + 40 * i) for i in range(8)]
        visits += [(dropped, start + 10 * i) for i in range(10)]
        found += [(user, int(p), float(day), user * 100 + i) for i, (p, day) in enumerate(visits)]
    return found


@pytest.fixture(scope="module")
def shop() -> InteractionGraph:
    return graph_of(lines(), USERS, PRODUCTS)


@pytest.fixture(scope="module")
def lesson(shop: InteractionGraph) -> Lesson:
    return Lesson(shop.before(NOW), [], NOW, DAYS, CONFIG)


def test_it_learns_whose_product_is_due(shop: InteractionGraph, lesson: Lesson) -> None:
    known = shop.before(NOW)
    habit = fit_personal(known)
    fitted = {"EASE": BASELINES["EASE"](Task(known, CONFIG))}
    ranked = rank(lesson, fitted, dict.fromkeys(("all", "repeat", "discover"), habit))
    later = shop.since(NOW).before(NOW + DAYS)
    bought = np.full(USERS, -1)
    bought[later.user_rows] = later.product_rows
    due = np.flatnonzero(bought >= 0)
    right = {}
    for name, scorer in (("habit", habit), ("ranker", ranked["repeat"])):
        right[name] = (top_k(scorer.score(due), None, 1)[0].ravel() == bought[due]).mean()
    assert right["habit"] < 0.6, "the dropped product was bought more often"
    assert right["ranker"] > 0.95


def test_the_next_lesson_goes_on_from_what_was_ranked(shop: InteractionGraph) -> None:
    """With the moment taken over and made anew, its window is the same."""
    lesson = Lesson(shop.before(NOW), [], NOW, DAYS, CONFIG)
    ease = [BASELINES["EASE"](Task(lesson.graph, CONFIG))]
    plain = dict.fromkeys(("all", "repeat", "discover"), fit_personal(lesson.graph))
    ranked_lists(lesson, train_ranker(lesson), ease, plain)
    later = lesson.later(shop.before(NOW + DAYS), [])
    assert later.now == NOW + DAYS and set(later.known) == {NOW}
    assert set(later.seen) == {NOW - DAYS}, "the older window is not needed any more"
    alone = replace(later, seen={}, known={})
    models = [train_ranker(each) for each in (later, alone)]
    assert set(later.seen) == set(alone.seen) == {NOW - DAYS, NOW} and not later.known
    for (_, ours), (_, theirs) in zip(later.seen[NOW], alone.seen[NOW], strict=True):
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(ours[1], theirs[1])
    assert models[0].keys() == models[1].keys() == {True}, "nobody takes up anything new"


def test_lists_hold_what_their_mode_allows(lesson: Lesson) -> None:
    known = lesson.graph
    fitted = [BASELINES["EASE"](Task(known, CONFIG))]
    habit = fit_personal(known)
    plain = dict.fromkeys(("all", "repeat", "discover"), habit)
    ranked = ranked_lists(lesson, train_ranker(lesson), fitted, plain)
    held = habit.frequency.toarray() > 0
    for mode, lists in ranked.items():
        assert lists.name == RANKER and lists.products.shape == (USERS, 10)
        user, place = np.nonzero(lists.products >= 0)
        ours = held[user, lists.products[user, place]]
        assert mode == "all" or ours.all() if mode != "discover" else not ours.any()
        falling = np.diff(lists.chances.astype(float), axis=1) <= 0
        assert falling[lists.products[:, 1:] >= 0].all()


def test_trees_look_at_the_most_telling_features_only(lesson: Lesson) -> None:
    ranking = CONFIG.ranking.model_copy(update={"ranker_columns": 3})
    config = CONFIG.model_copy(update={"ranking": ranking})
    (model,) = train_ranker(replace(lesson, config=config, seen={})).values()
    assert model.columns.shape == (3,) and model.trees.num_feature() == 3


def test_a_young_shop_has_no_ranker(shop: InteractionGraph) -> None:
    young = Lesson(shop.before(30), [], 30.0, DAYS, CONFIG)
    assert train_ranker(young) == {}
    assert rank(young, {}, {}) == {}
    without = Config(ranking=RankingConfig(ranker_windows=0))
    assert train_ranker(Lesson(shop.before(NOW), [], NOW, DAYS, without)) == {}
