"""Baskets scored at once, and over a part of the catalogue, give what one scorer gives for one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from loaders.errors import ConfigError
from ranking.blend import Blend
from ranking.completer import Completer
from ranking.lists import top_k
from ranking.personal import Personal
from ranking.popularity import Popularity
from ranking.scorer import SavedScorer
from ranking.together import basket_neighbours, of_baskets, pair_weights
from ranking.vectors import Vectors

PRODUCTS, BASKETS = 60, 40


@pytest.fixture(scope="module")
def eligible() -> np.ndarray:
    return np.arange(PRODUCTS) % 3 > 0


@pytest.fixture(scope="module")
def baskets(eligible: np.ndarray) -> sparse.csr_array:
    rng = np.random.default_rng(0)
    return sparse.csr_array((rng.random((BASKETS, PRODUCTS)) < 0.1) & eligible)


@pytest.fixture(scope="module")
def blend(baskets: sparse.csr_array, eligible: np.ndarray) -> Blend:
    """One of each kind, fitted on the eligible products; one of them has no vector."""
    rng = np.random.default_rng(1)
    often = np.flatnonzero(eligible)
    vectors = rng.normal(size=(PRODUCTS, 4)).astype(np.float32) * eligible[:, None]
    vectors[often[5]] = 0
    ends = rng.choice(often, (2, 30))
    parts: dict[str, SavedScorer] = {
        "popular": Popularity("popular", (rng.random(PRODUCTS) * eligible).astype(np.float32)),
        "near": basket_neighbours("near", baskets, neighbours=8),
        "rules": pair_weights("rules", ends[0], ends[1], rng.random(30), PRODUCTS),
        "vectors": Vectors.of("vectors", np.empty((0, 4), np.float32), vectors),
        "left out": Popularity("left out", np.ones(PRODUCTS, np.float32)),
    }
    weights = {"popular": 0.1, "near": 1.0, "rules": 0.5, "vectors": 0.3, "left out": 0.0}
    return Blend.of("blend", parts, weights)


def test_weight_0_is_left_out(blend: Blend) -> None:
    assert [part.name for part in blend.parts] == ["popular", "near", "rules", "vectors"]


def test_all_baskets_at_once_equal_one_by_one(blend: Blend, baskets: sparse.csr_array) -> None:
    held = sparse.csr_array(baskets.astype(np.float32))
    for scorer in (blend, *blend.parts):
        together = of_baskets(scorer, held).score(np.arange(BASKETS))
        alone = [scorer.score_profile(held[[i]].indices.astype(np.int64)) for i in range(BASKETS)]
        np.testing.assert_allclose(together, np.stack(alone), atol=1e-5)


@pytest.mark.parametrize("filtered", [False, True])
def test_the_best_of_some_products_are_the_best_of_all(
    blend: Blend, baskets: sparse.csr_array, eligible: np.ndarray, filtered: bool
) -> None:
    allowed = np.arange(PRODUCTS) % 2 == 0 if filtered else None
    completer = Completer.of(blend, eligible)
    for number in range(BASKETS):
        basket = np.append(baskets[[number]].indices, 0).astype(np.int64)  # 0 is not eligible
        found, best = completer.complete(basket, 7, allowed)
        scores = blend.score_profile(basket)
        mask = eligible & (scores > 0) & (True if allowed is None else allowed)
        mask[basket] = False
        rows, expected = top_k(scores[None], mask, 7)
        assert found.tolist() == rows[0][rows[0] >= 0].tolist()
        np.testing.assert_allclose(best, expected[0][: len(best)], rtol=1e-5)


def test_other_scorers_are_refused(baskets: sparse.csr_array, eligible: np.ndarray) -> None:
    habit = Personal("habit", sparse.csr_array(baskets.astype(np.float32)))
    with pytest.raises(ConfigError, match="Personal does not complete baskets"):
        Completer.of(habit, eligible)
    with pytest.raises(ConfigError, match="Personal does not score baskets"):
        of_baskets(habit, baskets)
