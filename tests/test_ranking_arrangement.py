"""What the shop wants of a list, worked out by hand over ten products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ranking.arrangement import Arrangement, Slots

ROWS = np.arange(8)
ALL = np.ones(10, np.bool_)
NONE = np.empty(0, np.int64)


def among(*rows: int) -> Any:
    members = np.zeros(10, np.bool_)
    members[list(rows)] = True
    return members


def composed(arrangement: Arrangement, k: int = 4, extra: Any = NONE, mask: Any = ALL) -> list[int]:
    pinned = arrangement.pinned(mask[arrangement.pin_rows])
    return [int(row) for row in arrangement.composed(ROWS, extra, pinned, k)]


def test_nothing_wanted_is_the_order_of_scores() -> None:
    assert composed(Arrangement()) == [0, 1, 2, 3]


def test_a_limit_keeps_the_most_relevant() -> None:
    limits = Arrangement(at_most=(Slots(among(0, 1, 2, 4), 1),))
    assert composed(limits) == [0, 3, 5, 6]
    assert composed(Arrangement(at_most=(Slots(among(0, 1), 0),))) == [2, 3, 4, 5]


def test_a_product_of_two_groups_counts_in_both() -> None:
    limits = (Slots(among(0, 1), 1), Slots(among(1, 2, 3), 1))
    assert composed(Arrangement(at_most=limits)) == [0, 2, 4, 5]


def test_a_least_number_takes_places_from_the_end() -> None:
    wanted = Arrangement(at_least=(Slots(among(1, 6, 7), 2),))
    assert composed(wanted) == [0, 1, 2, 6]
    assert composed(Arrangement(at_least=(Slots(among(8, 9), 1),)), extra=np.array([9])) == [
        *(0, 1, 2),
        9,
    ]


def test_a_group_does_not_take_the_places_of_one_before_it() -> None:
    wanted = (Slots(among(3), 1), Slots(among(6, 7), 2))
    assert composed(Arrangement(at_least=wanted)) == [0, 3, 6, 7]


def test_more_than_there_is_is_all_there_is() -> None:
    assert composed(Arrangement(at_least=(Slots(among(7), 3),))) == [0, 1, 2, 7]
    assert composed(Arrangement(at_least=(Slots(ALL, 100),)), k=3) == [0, 1, 2]


def test_pins_take_their_places_and_one_place_two() -> None:
    assert composed(Arrangement(pins=((1, 9),))) == [0, 9, 1, 2]
    assert composed(Arrangement(pins=((0, 2), (0, 9)))) == [9, 2, 0, 1]
    assert composed(Arrangement(pins=((9, 9),))) == [0, 1, 2, 3]


def test_a_request_bars_what_is_pinned() -> None:
    assert composed(Arrangement(pins=((0, 9), (1, 8))), mask=~among(9)) == [0, 8, 1, 2]


def test_what_is_pinned_counts_in_its_group() -> None:
    group = Slots(among(0, 1, 9), 1)
    assert composed(Arrangement(at_most=(group,), pins=((0, 9),))) == [9, 2, 3, 4]
    assert composed(Arrangement(at_least=(Slots(among(9, 7), 1),), pins=((0, 9),))) == [9, 0, 1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_lists_are_as_long_as_they_can_be_and_hold_nothing_twice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = Arrangement(
        at_least=(Slots(rng.random(10) < 0.4, 2), Slots(rng.random(10) < 0.4, 3)),
        pins=tuple((int(rng.integers(6)), int(rng.integers(10))) for _ in range(2)),
    )
    extra = np.flatnonzero(wanted.at_least[0].members | wanted.at_least[1].members)
    for k in (1, 4, 10):
        found = composed(wanted, k, extra)
        assert len(found) == len(set(found)) >= min(k, 8)
