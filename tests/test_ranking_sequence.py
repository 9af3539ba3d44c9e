"""Lines of products and neighbours in them, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from graph.interactions import InteractionGraph
from ranking.order import lines_of
from ranking.sequence import fit_sequence
from ranking.walks import fit_rp3beta
from tests.graphs import graph_of


def shop() -> InteractionGraph:
    """User 0 buys 2, 0, 1 in turn and 0 again; user 1 buys 0 and 3 together, then 1."""
    first = [(0, 2, 1.0, 0), (0, 0, 2.0, 1), (0, 1, 3.0, 2), (0, 0, 4.0, 3)]
    return graph_of([*first, (1, 3, 1.0, 4), (1, 0, 1.0, 4), (1, 1, 5.0, 5)], 3, 4)


def test_a_product_stands_where_it_was_bought_last() -> None:
    lines = lines_of(shop())
    np.testing.assert_array_equal(lines.users, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(lines.products, [2, 1, 0, 0, 3, 1])
    np.testing.assert_array_equal(lines.later, [2, 1, 0, 1, 1, 0])


def test_recent_products_count_more() -> None:
    weights = lines_of(shop()).recent(1.0, floor=0.5).toarray()
    np.testing.assert_allclose(weights[0], [1.5, 1, 0.5 + 1 / 3, 0], rtol=1e-6)
    np.testing.assert_allclose(weights[1], [1, 1.5, 0, 1], rtol=1e-6)
    assert not weights[2].any()


def test_without_a_reach_all_count_alike() -> None:
    assert set(lines_of(shop()).recent(np.inf).data) == {1.0}


def test_neighbours_in_the_line_weigh_by_their_distance() -> None:
    # Lines: 2 1 0 and 0 3 1. One step apart: 2-1, 1-0, 0-3, 3-1; two steps: 2-0, 0-1.
    model = fit_sequence(shop(), span=1.0, held_power=0.0, scored_power=0.0)
    one, two = np.exp(-1), np.exp(-2)
    expected = [
        [0, one + two, two, one],
        [one + two, 0, one, one],
        [two, one, 0, 0],
        [one, one, 0, 0],
    ]
    np.testing.assert_allclose(model.weights.toarray(), expected, rtol=1e-5)
    # User 0 holds 0 whole, 1 by a half and 2 by a third.
    np.testing.assert_allclose(model.score(np.array([0]))[0, 3], one + one / 2, rtol=1e-5)


def test_a_window_of_one_sees_direct_neighbours_only() -> None:
    weights = fit_sequence(shop(), window=1).weights.toarray()
    assert weights[2, 0] == 0 and weights[2, 1] > 0


def test_buyers_temper_both_ends_by_their_powers() -> None:
    plain = fit_sequence(shop(), held_power=0.0, scored_power=0.0).weights.toarray()
    tempered = fit_sequence(shop(), held_power=1.0, scored_power=0.5).weights.toarray()
    buyers = np.array([2, 2, 1, 1])
    np.testing.assert_allclose(tempered, plain / buyers[:, None] / buyers**0.5, rtol=1e-5)


@pytest.mark.parametrize(("beta", "scale"), [(0.0, 1.0), (0.5, 2**-0.5)])
def test_a_walk_of_three_steps(beta: float, scale: float) -> None:
    # From 2 the only customer is user 0, who holds 0, 1 and 2: each with a chance of a third.
    weights = fit_rp3beta(shop(), beta=beta).weights.toarray()
    np.testing.assert_allclose(weights[2], [scale / 3, scale / 3, 0, 0], rtol=1e-5)
    # From 1, half of the walks go by each user.
    np.testing.assert_allclose(weights[1, 0], (1 / 6 + 1 / 6) * scale, rtol=1e-5)
