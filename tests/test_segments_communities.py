"""Communities: planted ones found again, small ones joined, connectedness and modularity."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from segments.communities import (
    Tried,
    all_connected,
    chosen,
    communities,
    leiden,
    merge_small,
    modularity,
    strength,
)
from segments.config import SegmentsConfig
from segments.neighbours import UserGraph, nearest, user_graph


def _graph(links: list[tuple[int, int, float]], size: int) -> UserGraph:
    a, b, w = zip(*links, strict=True)
    half = sparse.coo_array((w, (a, b)), shape=(size, size))
    return sparse.csr_array(half + half.T)


TWO = _graph([(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0), (4, 5, 1.0), (2, 3, 0.5)], 6)


def _blobs(groups: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    label = np.repeat(np.arange(groups), each)
    vectors = np.eye(groups)[label] + rng.normal(0, 0.15, (groups * each, groups))
    return vectors.astype(np.float32), label


def test_nearest_is_exact_over_blocks() -> None:
    vectors = np.random.default_rng(0).normal(size=(1500, 8)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -2)
    found = nearest(vectors, 5)
    for user in (0, 700, 1024, 1499):
        assert set(found[user]) == set(np.argsort(-similarity[user])[:5])


def test_links_weigh_shared_neighbours() -> None:
    angles = np.array([0.0, 0.1, 0.25, 3.0, 3.1])
    graph = user_graph(np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32), 1)
    # 0 and 1 name each other: the same two in both neighbourhoods. 2 names 1: {2,1} and {1,0}.
    expected = np.zeros((5, 5))
    expected[0, 1] = expected[1, 0] = expected[3, 4] = expected[4, 3] = 1.0
    expected[1, 2] = expected[2, 1] = 1 / 3
    assert graph.toarray() == pytest.approx(expected)


def test_more_neighbours_than_users_link_everyone() -> None:
    graph = user_graph(np.eye(3, dtype=np.float32), 10)
    assert graph.toarray() == pytest.approx(1 - np.eye(3))


def test_two_triangles() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert adjusted_rand_score(leiden(TWO, 1.0, 0), labels) == 1
    expected = nx.community.modularity(nx.from_scipy_sparse_array(TWO), [{0, 1, 2}, {3, 4, 5}])
    assert modularity(TWO, labels) == pytest.approx(expected)
    assert strength(TWO, labels).tolist() == pytest.approx([1, 1, 0.8, 2 / 3, 1, 1])
    assert all_connected(TWO, labels)
    assert not all_connected(TWO, np.array([0, 0, 1, 1, 0, 1]))


def test_small_communities_join_along_their_strongest_links() -> None:
    links = [(0, 1, 1.0), (1, 2, 1.0), (3, 4, 1.0), (4, 5, 1.0), (6, 2, 0.2), (6, 3, 0.3)]
    graph = _graph(links, 8)
    merged = merge_small(graph, np.array([0, 0, 0, 1, 1, 1, 2, 3]), 3)
    assert merged.tolist() == [0, 0, 0, 1, 1, 1, 1, -1]
    assert all_connected(graph, merged)


def test_planted_blobs_come_back_and_every_community_is_connected() -> None:
    vectors, label = _blobs(6, 60)
    found = communities(user_graph(vectors, 15), SegmentsConfig(min_segments=2))
    assert adjusted_rand_score(found.labels, label) > 0.95
    assert found.connected
    assert found.stability > 0.95
    assert found.strength.dtype == np.float32
    assert 0.8 < found.strength.mean() <= 1


def test_the_number_of_communities_stays_in_range_where_a_resolution_allows() -> None:
    vectors, _ = _blobs(12, 40)
    config = SegmentsConfig(min_segments=2, max_segments=5, min_share=0)
    found = communities(user_graph(vectors, 10), config)
    looser = communities(user_graph(vectors, 10), config.model_copy(update={"max_segments": 15}))
    assert found.labels.max() <= looser.labels.max() == 11


def test_of_resolutions_that_agree_as_well_the_one_with_the_fewest_is_chosen() -> None:
    def tried(outside: int, resolution: float, stability: float, count: int) -> Tried:
        return Tried(outside, resolution, stability, np.arange(count, dtype=np.int64))

    few, many, apart = tried(0, 0.5, 0.80, 8), tried(0, 1.0, 0.81, 15), tried(2, 1.5, 0.99, 17)
    assert chosen([few, many, apart]).resolution == 0.5
    assert chosen([tried(0, 0.5, 0.78, 8), many, apart]).resolution == 1.0
    assert chosen([apart, tried(3, 2.0, 1.0, 18)]).resolution == 1.5


def test_the_same_seed_gives_the_same_answer() -> None:
    vectors = np.random.default_rng(5).normal(size=(300, 6)).astype(np.float32)
    graph = user_graph(vectors, 10)
    one, two = (communities(graph, SegmentsConfig(seed=9)) for _ in range(2))
    assert one.labels.tolist() == two.labels.tolist()
    assert one.resolution == two.resolution


def test_larger_communities_come_first() -> None:
    vectors, label = _blobs(3, 50)
    keep = np.r_[0:30, 50:100, 100:140]
    config = SegmentsConfig(min_segments=1, resolutions=(0.5,))
    found = communities(user_graph(vectors[keep], 10), config)
    assert np.bincount(found.labels).tolist() == [50, 40, 30]
    assert set(label[keep][found.labels == 0]) == {1}


@pytest.mark.parametrize("users", [0, 1])
def test_almost_nobody(users: int) -> None:
    found = communities(user_graph(np.ones((users, 4), np.float32), 5), SegmentsConfig())
    assert found.labels.tolist() == [-1] * users
    assert found.modularity == 0.0
