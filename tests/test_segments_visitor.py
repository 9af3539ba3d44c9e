from __future__ import annotations

import numpy as np
import polars as pl

from segments.visitor import SegmentVote

USERS = pl.DataFrame(
    {
        "user_id": [f"u{i}" for i in range(40)],
        "age": (["young"] * 18 + ["old"] * 2 + ["old"] * 19 + [None]),
        "children": [0, 1] * 10 + [2, 3] * 10,
        "income": [float(i) for i in range(40)],
        "vegan": [True] * 20 + [False] * 20,
    }
)
MEMBER = np.array([0] * 20 + [1] * 20)


def test_attributes_place_a_visitor() -> None:
    vote = SegmentVote(USERS, MEMBER, 2)
    assert vote.place({"age": "young"}) == 0
    assert vote.place({"age": "old"}) == 1
    assert vote.place({"children": 3}) == vote.place({"children": "3"}) == 1
    assert vote.place({"vegan": True}) == 0 and vote.place({"vegan": False}) == 1


def test_numbers_of_many_values_count_by_range() -> None:
    vote = SegmentVote(USERS, MEMBER, 2)
    assert vote.place({"income": -5}) == vote.place({"income": 3.5}) == 0
    assert vote.place({"income": 38}) == vote.place({"income": 1e9}) == 1


def test_the_more_telling_attribute_wins() -> None:
    vote = SegmentVote(USERS, MEMBER, 2)
    # 3/22 of 11/24 against 20/21 of 1/24: .063 and .040.
    assert vote.place({"age": "old", "children": 0}) == 0
    # 19/22 of 1/24 against 1/21 of 11/24: .036 and .022.
    assert vote.place({"age": "young", "children": 3}) == 0


def test_what_no_member_has_places_nobody() -> None:
    vote = SegmentVote(USERS, MEMBER, 2)
    assert vote.place({}) is None
    assert vote.place({"age": "ancient", "shoe": 44, "income": "a lot"}) is None
    assert SegmentVote(USERS, np.full(40, -1), 0).place({"age": "old"}) is None
