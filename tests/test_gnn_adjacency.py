from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from gnn.adjacency import bipartite, normalised, pair_weights
from gnn.config import EventWeights, LightGCNConfig
from graph.ids import IdMap
from graph.interactions import InteractionGraph
from loaders.errors import DataError


def events(*rows: tuple[int, int, int, float]) -> InteractionGraph:
    """Three users by three products; each row is user, product, kind, day."""
    table = np.array(rows, np.float64).reshape(-1, 4)
    nothing = np.ones(len(table), np.float32)
    return InteractionGraph(
        IdMap.of(["a", "b", "c"]),
        IdMap.of(["p", "q", "r"]),
        np.ones(3, bool),
        table[:, 0].astype(np.int32),
        table[:, 1].astype(np.int32),
        table[:, 2].astype(np.int8),
        table[:, 3],
        nothing,
        nothing,
        np.full(len(table), -1, np.int32),
    )


PLAIN = LightGCNConfig(half_life=None, damping="none")


def test_weights_halve_with_age_and_add_up() -> None:
    graph = events((0, 0, 0, 0), (0, 0, 0, 10), (1, 2, 0, 20))
    pairs = pair_weights(graph, LightGCNConfig(half_life=10, damping="none"))
    np.testing.assert_array_equal(pairs.toarray(), [[0.75, 0, 0], [0, 0, 1], [0, 0, 0]])


def test_each_event_name_has_its_weight_and_none_leaves_no_pair() -> None:
    graph = events((0, 0, 0, 0), (0, 0, 1, 0), (1, 1, 2, 0), (2, 2, 4, 0))
    weights = EventWeights(purchase=2, view_item=0.5, add_to_cart=3, rate=0)
    pairs = pair_weights(graph, PLAIN.model_copy(update={"event_weights": weights}))
    np.testing.assert_array_equal(pairs.toarray(), [[2.5, 0, 0], [0, 3, 0], [0, 0, 0]])
    assert pairs.nnz == 2


@pytest.mark.parametrize(("damping", "value"), [("none", 3.0), ("log", 1.3862944), ("binary", 1.0)])
def test_damping(damping: str, value: float) -> None:
    config = LightGCNConfig.model_validate({"half_life": None, "damping": damping})
    pairs = pair_weights(events(*[(0, 0, 0, 0)] * 3), config)
    assert pairs.toarray()[0, 0] == pytest.approx(value)


@pytest.mark.parametrize("rows", [[], [(0, 0, 4, 0.0)]])
def test_nothing_to_learn_from_is_an_error(rows: list[tuple[int, int, int, float]]) -> None:
    config = LightGCNConfig(event_weights=EventWeights(rate=0))
    with pytest.raises(DataError, match=f"none with a weight among {len(rows)}"):
        pair_weights(events(*rows), config)


def test_normalisation_divides_by_the_roots_of_both_sums() -> None:
    pairs = sparse.csr_array(np.array([[4, 0, 0], [12, 9, 0], [0, 0, 0]], np.float32))
    expected = [[4 / (2 * 4), 0, 0], [12 / (np.sqrt(21) * 4), 9 / (np.sqrt(21) * 3), 0], [0, 0, 0]]
    result = normalised(pairs)
    np.testing.assert_allclose(result.toarray(), expected, rtol=1e-6)
    assert result.dtype == np.float32
    assert pairs.toarray()[0, 0] == 4, "the weights themselves stay as they were"


def test_bipartite_places_pairs_on_both_sides() -> None:
    whole = bipartite(sparse.csr_array(np.array([[1, 2]], np.float32)))
    np.testing.assert_array_equal(whole.toarray(), [[0, 1, 2], [1, 0, 0], [2, 0, 0]])
    assert whole.dtype == np.float32
