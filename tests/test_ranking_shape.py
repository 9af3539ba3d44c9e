"""How lists are composed: limits of groups, variety, and that nothing makes them shorter."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.history import build_history
from ranking.lists import first_of_groups, marginal_relevance
from ranking.personal import fit_personal
from ranking.popularity import fit_popularity
from ranking.recommender import Recommender
from ranking.scorer import Bought
from ranking.shape import Shape
from tests.graphs import graph_of

N = 12
LINES = [(0, p, float(day), day) for day, p in enumerate([0, 1, 1, 2, 5, 5, 5, 8])]
LINES += [(1, p, float(day), 20 + day) for day, p in enumerate([3, 4, 9])]


def recommender() -> Recommender:
    graph = graph_of(LINES, 3, N)
    personal = fit_personal(graph)
    eligible = np.arange(N) < 9
    return Recommender(
        {"all": personal, "repeat": personal, "discover": fit_popularity(graph)},
        build_history(graph),
        fit_popularity(graph).buyers,
        eligible,
    )


SERVED = recommender()
VECTORS = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)


@settings(deadline=None)
@given(
    user=st.sampled_from([0, 1, 2, -1]),
    bought=st.sampled_from(["include", "exclude", "only"]),
    groups=st.lists(st.integers(-1, 3), min_size=N, max_size=N),
    allowed=st.lists(st.booleans(), min_size=N, max_size=N),
    per_group=st.none() | st.integers(1, 4),
    diversity=st.sampled_from([0.0, 0.3, 1.0]),
    k=st.integers(0, N + 2),
)
def test_no_list_is_shorter_than_its_rules_make_it(
    user: int,
    bought: Bought,
    groups: list[int],
    allowed: list[bool],
    per_group: int | None,
    diversity: float,
    k: int,
) -> None:
    shape = Shape(np.array(groups), per_group, diversity, lambda rows: VECTORS[rows])
    lists = SERVED.recommend(
        np.array([user]), k, "all", np.array(allowed), bought=bought, shape=shape
    )
    listed = [int(row) for row in lists.rows[0] if row >= 0]
    own = {p for u, p, _, _ in LINES if u == user}
    fits = {"include": set(range(N)), "only": own, "exclude": set(range(N)) - own}[bought]
    fits &= {p for p in range(N) if allowed[p]}
    sizes = [sum(groups[p] == g for p in fits) for g in range(4)]
    most = sum(min(per_group or N, size) for size in sizes)
    most += sum(groups[p] == -1 for p in fits)
    assert len(listed) == len(set(listed)) == min(k, most)
    assert set(listed) <= fits
    if per_group:
        assert all(sum(groups[p] == g for p in listed) <= per_group for g in range(4))
    layers = [{0: 0, 1: 1, 2: 2, 3: 0}[int(s)] for s in lists.sources[0] if s >= 0]
    assert layers == sorted(layers)


def test_a_limit_looks_further_than_the_first_candidates() -> None:
    n = 3000
    graph = graph_of([(0, p, float(p), p) for p in range(n)], 1, n)
    served = Recommender(
        {"all": fit_personal(graph, half_life=1000)},
        build_history(graph),
        fit_popularity(graph).buyers,
        np.ones(n, np.bool_),
    )
    # Recent purchases are the most relevant, and all but the first ten are of one group.
    shape = Shape(np.where(np.arange(n) < 10, -1, 0), 1, 0.0, lambda rows: np.zeros((len(rows), 1)))
    lists = served.recommend(np.array([0]), 11, "all", shape=shape)
    assert lists.rows[0].tolist() == [n - 1, *range(9, -1, -1)]


@given(st.lists(st.integers(-1, 3)), st.integers(1, 4))
def test_first_of_groups_equals_counting(groups: list[int], most: int) -> None:
    seen: dict[int, int] = {}
    expected = []
    for group in groups:
        seen[group] = seen.get(group, 0) + 1
        expected.append(group < 0 or seen[group] <= most)
    assert first_of_groups(np.array(groups, np.int64), most).tolist() == expected


def test_marginal_relevance_by_hand() -> None:
    # Two of a kind and one apart: cosines 1 and 0; after the first, the second has .9 - 1.
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    relevance = np.array([1, 0.9, 0.2], np.float32)
    assert marginal_relevance(relevance, vectors, 0.0, 3).tolist() == [0, 1, 2]
    assert marginal_relevance(relevance, vectors, 0.5, 3).tolist() == [0, 2, 1]
    # .7 (.9) - .3 (1) = .33 beats .7 (.2) - 0 = .14: too little variety is asked for.
    assert marginal_relevance(relevance, vectors, 0.3, 3).tolist() == [0, 1, 2]
    assert marginal_relevance(relevance, vectors, 0.5, 2, np.array([0, 0, 9])).tolist() == [0, 1]


@given(st.floats(0, 1), st.integers(0, 99))
def test_marginal_relevance_equals_the_formula(diversity: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(9, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    relevance = rng.random(9).astype(np.float32)
    chosen = marginal_relevance(relevance, vectors, diversity, 9).tolist()
    assert sorted(chosen) == list(range(9))
    for place in range(1, 9):
        before, left = chosen[:place], chosen[place:]
        value = {
            i: (1 - diversity) * relevance[i]
            - diversity * max(float(vectors[i] @ vectors[j]) for j in before)
            for i in left
        }
        assert value[chosen[place]] == pytest.approx(max(value.values()), abs=1e-6)


def test_more_diversity_makes_lists_less_alike() -> None:
    rows = np.arange(N)
    scores = np.linspace(1, 0.5, N).astype(np.float32)
    alike = []
    for diversity in (0.0, 0.5, 1.0):
        shape = Shape(np.full(N, -1), None, diversity, lambda chosen: VECTORS[chosen])
        listed = VECTORS[shape.arrange(rows, scores, np.zeros(N, np.int64), 5)]
        alike.append(float((listed @ listed.T)[np.triu_indices(5, 1)].max()))
    assert all(more >= less for more, less in pairwise(alike)) and alike[0] > alike[-1]
