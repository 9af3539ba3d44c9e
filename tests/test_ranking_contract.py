"""What every scorer promises, one class for all. A new scorer adds one line to ``FITS``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gnn.config import EncoderName, GnnConfig
from graph.interactions import InteractionGraph
from loaders.synthetic import GROUPS, Planted
from pipeline.config import Config
from pipeline.methods import ENCODERS, Task, fit_embeddings
from ranking.blend import Blend
from ranking.ease import fit_ease
from ranking.itemknn import fit_itemknn
from ranking.lists import top_k
from ranking.matrices import bought_pairs
from ranking.personal import fit_personal
from ranking.popularity import fit_popularity
from ranking.ranked import Ranked
from ranking.saved import KINDS, load_scorer, save_scorer
from ranking.scorer import SavedScorer
from ranking.sequence import fit_sequence
from ranking.spectral import fit_chebyshev, fit_gfcf
from ranking.vectors import Vectors
from ranking.walks import fit_rp3beta
from tests.graphs import graph_of_shop


def _vectors(graph: InteractionGraph) -> Vectors:
    """Vectors by SVD, so that the class is tested on something that holds the taste."""
    u, s, vt = np.linalg.svd(bought_pairs(graph).toarray(), full_matrices=False)
    return Vectors.of("svd", u[:, :8] * s[:8], np.ascontiguousarray(vt[:8].T))


def _blend(graph: InteractionGraph) -> Blend:
    parts = (fit_personal(graph, half_life=60), fit_popularity(graph), fit_itemknn(graph))
    return Blend("blend", parts, np.array([1, 0.1, 0.5], np.float32))


def _ranked(graph: InteractionGraph) -> Ranked:
    """Kept lists of three, of what the customer bought most, over ItemKNN."""
    scores = fit_personal(graph).score(np.arange(graph.shape[0]))
    rows, best = top_k(scores, scores > 0, 3)
    chances = (np.where(rows < 0, 0, best) / max(scores.max(), 1)).astype(np.float16)
    return Ranked("ranked", rows.astype(np.int32), chances, (fit_itemknn(graph),))


def _encoder(name: EncoderName) -> Callable[[InteractionGraph], Vectors]:
    """An encoder as a build trains it; scores without the popularity that all share."""
    gnn = GnnConfig(
        encoder=name, dim=16, epochs=6, batch_size=2_000, negatives=128, popularity=0, device="cpu"
    )

    def fit(graph: InteractionGraph) -> Vectors:
        return Vectors.of(name, *fit_embeddings(Task(graph, Config(gnn=gnn))).folded())

    return fit


FITS: dict[str, Callable[[InteractionGraph], SavedScorer]] = {
    "popularity": fit_popularity,
    "recent popularity": lambda g: fit_popularity(g, window_days=28),
    "personal": fit_personal,
    "decayed": lambda g: fit_personal(g, half_life=60),
    "itemknn": lambda g: fit_itemknn(g, neighbours=30, shrink=5),
    "ease": lambda g: fit_ease(g, l2=50),
    "vectors": _vectors,
    "rp3beta": fit_rp3beta,
    "sequence": fit_sequence,
    "gfcf": lambda g: fit_gfcf(g, vectors=8),
    "chebyshev": lambda g: fit_chebyshev(g, vectors=8, reach=5, floor=0.2),
    "lightgcn": _encoder("lightgcn"),
    "hetero": _encoder("hetero"),
    "blend": _blend,
    "ranked": _ranked,
}
KNOWS_TASTE = [name for name in FITS if "popularity" not in name]


@pytest.fixture(scope="module")
def graph(planted: Planted) -> InteractionGraph:
    return graph_of_shop(planted)


@pytest.fixture(scope="module")
def fitted(graph: InteractionGraph) -> dict[str, SavedScorer]:
    return {name: fit(graph) for name, fit in FITS.items()}


def test_every_kind_is_under_contract(fitted: dict[str, SavedScorer]) -> None:
    assert {type(s) for s in fitted.values()} == set(KINDS.values())


@pytest.mark.parametrize("name", FITS)
class TestContract:
    def test_scores_are_finite_float32_of_the_right_shape(
        self, name: str, fitted: dict[str, SavedScorer], graph: InteractionGraph
    ) -> None:
        scores = fitted[name].score(np.array([3, 0, 3]))
        assert scores.dtype == np.float32
        assert scores.shape == (3, graph.shape[1])
        assert np.isfinite(scores).all()
        np.testing.assert_array_equal(scores[0], scores[2])

    def test_planted_taste_is_recovered(
        self, name: str, fitted: dict[str, SavedScorer], planted: Planted, graph: InteractionGraph
    ) -> None:
        if name not in KNOWS_TASTE:
            pytest.skip("the same for everyone")
        users = np.arange(graph.shape[0])
        rows, _ = top_k(fitted[name].score(users), None, 5)
        aisle = rows // (graph.shape[1] // GROUPS)
        assert (aisle == planted.group[:, None]).mean() > 0.8

    def test_basket_of_a_group_leads_to_the_group(
        self, name: str, fitted: dict[str, SavedScorer], graph: InteractionGraph
    ) -> None:
        size = graph.shape[1] // GROUPS
        scores = fitted[name].score_profile(np.array([size, size + 1, size + 2]))
        assert scores.shape == (graph.shape[1],)
        assert scores.dtype == np.float32
        if name in KNOWS_TASTE:
            share = np.maximum(scores, 0).reshape(GROUPS, size).sum(axis=1)
            assert share.argmax() == 1

    def test_profile_weights_matter_and_repeats_add_up(
        self, name: str, fitted: dict[str, SavedScorer]
    ) -> None:
        scorer = fitted[name]
        twice = scorer.score_profile(np.array([0, 0, 30]))
        weighted = scorer.score_profile(np.array([0, 30]), np.array([2, 1], np.float32))
        np.testing.assert_allclose(twice, weighted, rtol=1e-4, atol=1e-5)

    def test_batch_equals_single(self, name: str, fitted: dict[str, SavedScorer]) -> None:
        users = np.array([5, 1, 17, 100])
        batch = fitted[name].score(users)
        single = np.concatenate([fitted[name].score(users[i : i + 1]) for i in range(4)])
        np.testing.assert_allclose(batch, single, rtol=1e-4, atol=1e-6)

    def test_unknown_user_scores_like_nobody(
        self, name: str, fitted: dict[str, SavedScorer], graph: InteractionGraph
    ) -> None:
        scores = fitted[name].score(np.array([2, -1]))
        if name in ("popularity", "recent popularity"):
            np.testing.assert_array_equal(scores[0], scores[1])
        elif name == "blend":
            np.testing.assert_array_equal(
                np.argsort(-scores[1], kind="stable"),
                np.argsort(-fitted["popularity"].score(np.array([-1]))[0], kind="stable"),
            )
        else:
            assert not scores[1].any()

    @pytest.mark.parametrize("mmap", [True, False])
    def test_saved_and_loaded_is_identical(
        self, name: str, mmap: bool, fitted: dict[str, SavedScorer], tmp_path: Path
    ) -> None:
        save_scorer(tmp_path / "s", fitted[name])
        loaded = load_scorer(tmp_path / "s", mmap=mmap)
        users = np.array([0, 7, -1])
        assert loaded.name == fitted[name].name
        np.testing.assert_array_equal(loaded.score(users), fitted[name].score(users))
        basket = np.array([1, 4])
        np.testing.assert_array_equal(
            loaded.score_profile(basket), fitted[name].score_profile(basket)
        )

    def test_fitting_again_gives_the_same(
        self, name: str, fitted: dict[str, SavedScorer], graph: InteractionGraph
    ) -> None:
        users = np.arange(20)
        np.testing.assert_array_equal(FITS[name](graph).score(users), fitted[name].score(users))

    def test_a_shop_without_purchases_scores_nothing(
        self, name: str, graph: InteractionGraph
    ) -> None:
        if name in ("vectors", *ENCODERS):
            pytest.skip("made of vectors, not of purchases")
        empty = graph.where(np.zeros(len(graph), np.bool_))
        assert not FITS[name](empty).score(np.array([0, 1])).any()
