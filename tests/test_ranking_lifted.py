"""``Lifted`` on a shop small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.lifted import Lifted, fit_lifted
from tests.graphs import graph_of

# Before day 4: u0 and u1 p0 p1, u2 p0 p2. In the 28 days from then on: u3 p3, u0 p0, u1 p2,
# u2 p0 p3.
LINES = [(0, 0, 1.0, 0), (0, 1, 1.0, 0), (1, 0, 2.0, 1), (1, 1, 2.0, 1), (2, 0, 3.0, 2)]
LINES += [(2, 2, 3.0, 2), (3, 3, 4.0, 3), (0, 0, 30.0, 4), (1, 2, 31.0, 5), (2, 0, 32.0, 6)]
LINES += [(2, 3, 32.0, 6)]
TOGETHER = {(0, 1): 2, (0, 2): 2, (0, 3): 1, (1, 2): 1, (2, 3): 1}
BUYERS = np.array([3, 2, 2, 2])


@pytest.fixture
def fitted() -> Lifted:
    return fit_lifted(graph_of(LINES, 4, 5), window_days=28, shrink=2, strength=1, boost=2)


def test_shares_are_of_recent_customers_and_one_who_is_like_all(fitted: Lifted) -> None:
    # All four came lately; a fifth, made up, buys as they all ever did.
    recent, ever = np.array([2, 0, 1, 2, 0]), np.array([3, 2, 2, 2, 0]) / 4
    np.testing.assert_allclose(fitted.share, (recent + ever) / (4 + 1), rtol=1e-6)


def test_lifts_are_averaged_with_customers_among_whom_they_are_one(fitted: Lifted) -> None:
    lifts = np.exp(fitted.lifts.toarray())
    for (a, b), both in TOGETHER.items():
        for i, j in ((a, b), (b, a)):
            share = BUYERS[j] / 4
            expected = (both + 2 * share) / ((BUYERS[i] + 2) * share)
            assert lifts[i, j] == pytest.approx(expected, rel=1e-5)
    assert lifts[1, 3] == 1 and np.all(np.diag(lifts) == 1)


def test_chances_of_buying_again_are_averaged_with_the_usual_one(fitted: Lifted) -> None:
    usual = 2 / 6  # of six pairs before day 4 two were bought again: p0 by u0 and u2
    again = [(2 + 10 * 0.55) / 13, 10 * usual / 12, (10 * usual) / 11, (10 * 0.5) / 10, usual]
    np.testing.assert_allclose(fitted.again, again, rtol=1e-6)


def test_what_was_seen_scores_its_chance_and_the_rest_their_lifted_share(fitted: Lifted) -> None:
    scores = fitted.score_profile(np.array([1]))
    np.testing.assert_allclose(scores, [0.55 * 7 / 6, 2 * 10 / 36, 0.3, 0.5, 0], rtol=1e-5)


def test_strength_zero_is_popularity_and_two_is_the_square_of_lifts(fitted: Lifted) -> None:
    plain = fitted.dialled(0, 1).score_profile(np.array([1]))
    np.testing.assert_allclose(plain[[0, 2, 3]], fitted.share[[0, 2, 3]], rtol=1e-6)
    lifts = fitted.lifts.toarray()
    two = fitted.dialled(2, 1).score_profile(np.array([1, 2]))
    assert two[0] == pytest.approx(fitted.share[0] * np.exp(2 * lifts[[1, 2], 0].sum()), rel=1e-5)


def test_more_than_three_products_share_the_weight_of_three() -> None:
    # p6 goes with p0 to p5 alike: six of them lift it as three do.
    lines = [(u, p, 1.0, u) for u in range(4) for p in range(7)] + [(9, 7, 1.0, 9)]
    fitted = fit_lifted(graph_of(lines, 10, 8), shrink=1)
    three, six = (fitted.score_profile(np.arange(n)) for n in (3, 6))
    assert three[6] == pytest.approx(six[6], rel=1e-5) and three[6] > 1.5 * fitted.share[6]


def test_weights_count_against_the_largest(fitted: Lifted) -> None:
    rows = np.array([0, 1])
    looked = fitted.score_profile(rows, np.array([0.1, 0.05], np.float32))
    bought = fitted.score_profile(rows, np.array([1.0, 0.5], np.float32))
    np.testing.assert_allclose(looked, bought, rtol=1e-6)


@pytest.mark.parametrize("rows", [[], [4]])
def test_nothing_is_said_of_whom_nothing_is_known(fitted: Lifted, rows: list[int]) -> None:
    assert not fitted.score_profile(np.array(rows, np.int64)).any()
