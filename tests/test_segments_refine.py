"""Communities moved by what members buy, kept in one piece; mixes and their bits by hand."""

from __future__ import annotations

import numpy as np
import pytest
from insight_shop import line_shop
from scipy import sparse

from segments.communities import all_connected
from segments.mix import described, folded, mix_counts, mix_items, mix_vectors
from segments.model import verdict
from segments.refine import explained, mixes, refined, rejoined
from segments.stability import drawn, found_again, trusted


def _graph(links: list[tuple[int, int]], size: int) -> sparse.csr_array:
    a, b = zip(*links, strict=True)
    half = sparse.coo_array((np.ones(len(a)), (a, b)), shape=(size, size))
    return sparse.csr_array(half + half.T)


def _counts(rows: list[list[float]]) -> sparse.csr_array:
    return sparse.csr_array(np.array(rows, np.float64))


def test_bits_of_two_mixes() -> None:
    """The shop buys both alike; a community of one thing alone, smoothed by 200 lines, has
    (600 + 100) / 800 = 7/8 of it where the shop has 1/2."""
    counts = _counts([[600, 0], [0, 600]])
    told = mixes(counts, np.array([0, 1]), 2)
    assert told == pytest.approx(np.log2([[7 / 4, 1 / 4], [1 / 4, 7 / 4]]))
    assert explained(counts, np.array([0, 1])) == pytest.approx(np.log2(7 / 4))
    assert explained(counts, np.array([0, -1])) == pytest.approx(np.log2(7 / 4) / 2)
    assert explained(counts, np.array([0, 0])) == pytest.approx(0)


def test_customers_move_to_whom_they_buy_like_along_links_only() -> None:
    """2 buys what 3 to 5 do and is linked to 3; 6 does too, but knows none of them."""
    graph = _graph([(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3), (0, 6), (1, 6)], 7)
    counts = _counts([[900, 0], [900, 0], [0, 400], [0, 900], [0, 900], [0, 900], [0, 400]])
    moved = refined(graph, np.array([0, 0, 0, 1, 1, 1, 0]), counts)
    assert moved.tolist() == [0, 0, 1, 1, 1, 1, 0]
    assert all_connected(graph, moved)


def test_pieces_cut_off_join_whom_they_are_linked_to() -> None:
    """0-1-2 | 3-4 in one line: 4 belongs to the first community, with 3 between."""
    graph = _graph([(0, 1), (1, 2), (2, 3), (3, 4), (5, 6)], 7)
    assert rejoined(graph, np.array([0, 0, 0, 1, 0, 2, 2])).tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert rejoined(graph, np.array([0, 0, 0, 0, 0, 0, 0])).tolist() == [0, 0, 0, 0, 0, -1, -1]


def test_items_are_the_finest_readable_categories_or_products() -> None:
    lines = [(0, 0, 1.0, 1.0, 0), (0, 1, 1.0, 1.0, 0), (1, 2, 2.0, 1.0, 1), (1, 2, 3.0, 1.0, 2)]
    shop = line_shop(["u", "v"], lines, ["a", "b", "c"], {"a": "x", "b": "x", "c": "y"})
    assert mix_items(shop).tolist() == [0, 0, 1]
    counts = mix_counts(shop.graph, mix_items(shop))
    assert counts.toarray().tolist() == [[2, 0], [0, 2]]
    assert mix_items(line_shop(["u", "v"], lines, ["a", "b", "c"])).tolist() == [1, 2, 0]


def test_likeness_of_mixes_is_that_of_roots_less_the_shops() -> None:
    counts = _counts([[4, 0, 0], [1, 1, 2], [0, 0, 0], [0, 3, 1]])
    total = counts.sum(axis=1)
    roots = np.sqrt(counts.toarray() / np.where(total > 0, total, 1)[:, None])
    centred = roots - np.sqrt(counts.sum(axis=0) / total.sum())
    centred[2] = 0
    found = mix_vectors(counts, 3)
    assert found @ found.T == pytest.approx(centred @ centred.T, abs=1e-5)
    assert not found[2].any()
    assert mix_vectors(counts, 2).shape == (4, 2)


def test_customers_are_the_mean_of_what_they_bought() -> None:
    lines = [(0, 0, 1.0, 1.0, 0), (1, 0, 1.0, 1.0, 1), (1, 1, 1.0, 1.0, 1)]
    shop = line_shop(["u", "v", "w"], lines, ["a", "b"])
    products = np.array([[2, 0], [0, 3]], np.float32)
    found = folded(shop.graph, products) / np.log(2)
    assert found == pytest.approx(np.array([[1, 0], [1, 1], [0, 0]]))
    halves = described(found, found)[1]
    assert np.square(halves).sum() == pytest.approx(2)


def test_a_group_is_found_again_as_the_one_most_like_it() -> None:
    """{0,1,2} against {0,1}: 2/3; {3,4} against {2,3,4}: 2/3; who is missing does not count."""
    labels = np.array([0, 0, 0, 1, 1, 1, -1])
    other = np.array([1, 1, 0, 0, 0, -1, 0])
    assert found_again(labels, other) == pytest.approx([2 / 3, 2 / 3])
    assert [verdict(j) for j in (0.75, 0.74, 0.6, 0.59, None)] == [
        *("stable", "fair", "fair", "doubtful"),
        None,
    ]


def test_lines_of_an_order_are_drawn_together() -> None:
    lines = [(0, p, 1.0, 1.0, order) for order in range(200) for p in range(3)]
    shop = line_shop(["u"], lines, ["a", "b", "c"])
    times = drawn(shop.graph, np.random.default_rng(0)).reshape(200, 3)
    assert (times == times[:, :1]).all()
    assert 0.8 < times.mean() < 1.2


def test_trust_is_the_mean_over_samples() -> None:
    shop = line_shop(["u", "v"], [(0, 0, 1.0, 1.0, 0), (1, 0, 1.0, 1.0, 1)], ["a"])
    labels = np.array([0, 1])
    answers = [np.array([0, 1]), np.array([0, 0])]
    found = trusted(labels, lambda _, seed: answers[seed], shop.graph, 2, 0)
    assert found is not None
    assert found.jaccard == pytest.approx([0.75, 0.75])
    assert found.agreement == pytest.approx(0.5)
    assert trusted(labels, lambda _, seed: answers[seed], shop.graph, 0, 0) is None
