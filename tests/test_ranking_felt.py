"""Lists after live events, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.felt import BEHIND, DEPTH, Felt, felt


def since(bought: list[int], evidence: float, again: float) -> Felt:
    rows = np.array(bought, np.int64)
    return Felt(rows, np.ones(len(rows), np.float32), rows, evidence, again)


def test_ranks_are_fused_by_hand() -> None:
    own = np.array([9, 7, 0, 1], np.float32)  # ranks 1, 2, none, 3
    along = np.array([0, 3, 5, 0], np.float32)  # ranks none, 2, 1, none
    found = felt(own, along, since([], 10, 1), known=10)
    ranks = np.array([1 / 61, 1 / 62 + 0.5 / 62, 0.5 / 61, 1 / 63])
    assert found == pytest.approx(ranks + BEHIND * own / 9)
    assert np.argsort(-found).tolist() == [1, 0, 3, 2]


@pytest.mark.parametrize(("known", "share"), [(0, 1.0), (10, 0.5), (90, 0.1)])
def test_it_counts_the_less_the_more_is_known(known: int, share: float) -> None:
    own, along = np.zeros(2, np.float32), np.array([1, 0], np.float32)
    assert felt(own, along, since([], 10, 0), known)[0] == pytest.approx(share / 61)
    assert felt(own, along, since([], 0, 0), known)[0] == 0


def test_what_was_just_bought_counts_as_a_first_rank() -> None:
    own = np.array([9, 7, 0, 1], np.float32)
    found = felt(own, np.zeros(4, np.float32), since([2, 3], 0, 0.5), known=3)
    assert found[[2, 3]] == pytest.approx([0.5 / 61, 1 / 63 + 0.5 / 61 + BEHIND / 9])


def test_nothing_known_stays_nothing() -> None:
    none = np.zeros(5, np.float32)
    assert felt(none, none, since([], 1, 0.5), known=0).tolist() == [0] * 5


def test_what_no_rank_counts_for_keeps_its_order_behind() -> None:
    own = np.arange(DEPTH + 50, 0, -1).astype(np.float32)
    found = felt(own, np.zeros_like(own), since([], 0, 1), known=1)
    assert (np.diff(found) < 0).all()
    assert found[DEPTH - 1] > 10 * found[DEPTH] > 0
