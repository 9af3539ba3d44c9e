"""Lists after live events, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.felt import BEHIND, DEPTH, Felt, felt


def since(bought: list[int], weight: float, rest: float) -> Felt:
    rows = np.array(bought, np.int64)
    return Felt(rows, np.ones(len(rows), np.float32), rows, weight, rest)


def test_ranks_are_fused_by_hand() -> None:
    own = np.array([9, 7, 0, 1], np.float32)  # ranks 1, 2, none, 3
    along = np.array([0, 3, 5, 0], np.float32)  # ranks none, 2, 1, none
    found = felt(own, along, since([], 0.5, 1))
    ranks = np.array([1 / 61, 1 / 62 + 0.5 / 62, 0.5 / 61, 1 / 63])
    assert found == pytest.approx(ranks + BEHIND * own / 9)
    assert np.argsort(-found).tolist() == [1, 0, 3, 2]


def test_what_was_just_bought_rests() -> None:
    own = np.array([9, 7, 0, 1], np.float32)
    found = felt(own, np.zeros(4, np.float32), since([0], 0, 0.5))
    assert found[0] == pytest.approx((1 / 61 + BEHIND) / 2)
    assert np.argsort(-found).tolist() == [1, 3, 0, 2]
    assert felt(own, own * 0, since([0], 0, 0))[0] == 0


def test_nothing_known_stays_nothing() -> None:
    none = np.zeros(5, np.float32)
    assert felt(none, none, since([1], 1, 0.5)).tolist() == [0] * 5


def test_what_no_rank_counts_for_keeps_its_order_behind() -> None:
    own = np.arange(DEPTH + 50, 0, -1).astype(np.float32)
    found = felt(own, np.zeros_like(own), since([], 1, 1))
    assert (np.diff(found) < 0).all()
    assert found[DEPTH - 1] > 10 * found[DEPTH] > 0
