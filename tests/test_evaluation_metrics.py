"""Each metric against a slow loop over one user's list that follows its definition."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from evaluation.metrics import METRICS, coverage, diversity, hits_of, novelty, per_user

PRODUCTS = 8


def slow(metric: str, ranking: list[int], relevant: set[int], k: int) -> float:
    top = ranking[:k]
    found = [product for product in top if product in relevant]
    if metric == "precision":
        return len(found) / k
    if metric == "recall":
        return len(found) / min(k, len(relevant))
    if metric == "recall_of_all":
        return len(found) / len(relevant)
    if metric == "hit_rate":
        return 1.0 if found else 0.0
    if metric == "mrr":
        return next((1 / place for place, p in enumerate(top, 1) if p in relevant), 0.0)
    if metric == "map":
        total = 0.0
        for place, product in enumerate(top, 1):
            if product in relevant:
                total += sum(p in relevant for p in top[:place]) / place
        return total / min(k, len(relevant))
    gain = sum(1 / math.log2(place + 1) for place, p in enumerate(top, 1) if p in relevant)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(relevant)) + 1))
    return gain / ideal


def relevant_matrix(sets: list[set[int]]) -> sparse.csr_array[np.float32, tuple[int, int]]:
    dense = np.zeros((len(sets), PRODUCTS), np.float32)
    for row, found in enumerate(sets):
        dense[row, list(found)] = 1
    return sparse.csr_array(dense)


def padded(rankings: list[list[int]], width: int) -> np.ndarray:
    return np.array([r[:width] + [-1] * (width - len(r[:width])) for r in rankings])


rankings = st.permutations(range(PRODUCTS)).flatmap(
    lambda p: st.integers(0, PRODUCTS).map(lambda n: list(p)[:n])
)
users = st.lists(
    st.tuples(rankings, st.sets(st.integers(0, PRODUCTS - 1), min_size=1)), min_size=1, max_size=5
)


@given(users, st.integers(1, 12), st.integers(1, 12))
def test_every_metric_equals_its_definition(
    data: list[tuple[list[int], set[int]]], k: int, width: int
) -> None:
    lists = padded([r for r, _ in data], width)
    values = per_user(lists, relevant_matrix([s for _, s in data]), [k])
    for metric in METRICS:
        expected = [slow(metric, ranking[:width], found, k) for ranking, found in data]
        np.testing.assert_allclose(values[metric, k], expected, atol=1e-12)


@given(users, st.integers(1, 12))
def test_every_metric_lies_between_0_and_1(data: list[tuple[list[int], set[int]]], k: int) -> None:
    values = per_user(padded([r for r, _ in data], 12), relevant_matrix([s for _, s in data]), [k])
    assert all((v >= 0).all() and (v <= 1 + 1e-12).all() for v in values.values())


def test_a_worked_example() -> None:
    values = per_user(np.array([[3, 5, 1, 0]]), relevant_matrix([{5, 0, 7, 6, 2}]), [2, 4])
    assert values["precision", 4][0] == 0.5
    assert values["recall", 4][0] == 0.5
    assert values["recall", 2][0] == 0.5
    assert values["recall_of_all", 4][0] == pytest.approx(0.4)
    assert values["mrr", 4][0] == 0.5
    assert values["map", 4][0] == pytest.approx((1 / 2 + 2 / 4) / 4)
    ideal = 1 + 1 / math.log2(3) + 1 / 2 + 1 / math.log2(5)
    assert values["ndcg", 4][0] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)


def test_a_perfect_list_reaches_1_where_k_is_less_than_relevant() -> None:
    values = per_user(np.array([[0, 1]]), relevant_matrix([{0, 1, 2}]), [2])
    for metric in ("recall", "ndcg", "precision", "map", "mrr", "hit_rate"):
        assert values[metric, 2][0] == 1


def test_the_end_of_a_list_is_no_hit() -> None:
    # -1 must not be taken for the last product of the user before.
    hits = hits_of(np.array([[0, -1], [-1, -1]]), relevant_matrix([{7}, {0}]))
    assert not hits.hit.any()


def test_coverage_counts_eligible_products_only() -> None:
    eligible = np.array([True, True, True, True, False])
    assert coverage(np.array([[0, 1], [1, -1], [4, 0]]), eligible) == 0.5
    assert coverage(np.full((2, 2), -1), eligible) == 0


@given(
    st.lists(rankings, min_size=1, max_size=4), st.lists(st.integers(-1, 2), min_size=8, max_size=8)
)
def test_diversity_is_the_share_of_unlike_pairs(lists: list[list[int]], cats: list[int]) -> None:
    expected = []
    for ranking in lists:
        pairs = list(itertools.combinations(ranking, 2))
        unlike = [a for a, b in pairs if cats[a] != cats[b] or cats[a] < 0]
        expected.append(len(unlike) / len(pairs) if pairs else 0.0)
    np.testing.assert_allclose(diversity(padded(lists, 8), np.array(cats)), expected)


def test_novelty_is_mean_self_information_in_bits() -> None:
    buyers = np.array([8, 4, 1, 0])
    lists = np.array([[0, 1], [2, -1], [3, 2], [-1, -1]])
    np.testing.assert_allclose(novelty(lists, buyers, 8), [0.5, 3, 3, 0])
