"""Identity of segments from build to build, on tables worked by hand."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.identity import Change, Changes, Flow, Level, aligned, changes, matched, overlap


def _level(member: list[int], *ids: str) -> Level:
    return Level(ids, tuple(id_.upper() for id_ in ids), np.array(member, np.int32))


def test_overlap_counts_customers_of_both() -> None:
    before = np.array([0, 0, 0, 1, 1, -1, 2], np.int32)
    after = np.array([1, 1, 0, 0, 0, 0, -1], np.int32)
    assert overlap(before, after, (3, 2)).tolist() == [[1, 2], [2, 0], [0, 0]]


def test_as_many_customers_as_possible_keep_their_segment() -> None:
    """Each taking its largest would give 0 to 0 (60) and leave 1 nothing but 5: 65 in all.

    One to one, 50 and 55 are more.
    """
    table = np.array([[60, 50], [55, 5]])
    assert matched(table).tolist() == [1, 0]


def test_a_thin_match_is_none() -> None:
    """20 of 20 and 90 customers is a Jaccard of .22, too little; 24 of 24 and 94 is .26."""
    assert matched(np.array([[20, 0], [70, 80]])).tolist() == [-1, 1]
    assert matched(np.array([[24, 0], [70, 80]])).tolist() == [0, 1]
    assert matched(np.zeros((0, 2), np.int64)).tolist() == [-1, -1]
    assert matched(np.zeros((2, 0), np.int64)).tolist() == []


def test_kept_moved_arrived_and_left() -> None:
    before = _level([0, 0, 0, 0, 1, 1, 1, -1, 0], "a", "b")
    after = _level([0, 0, 0, 1, 1, 1, 1, 0, -1], "a", "b")
    found = changes(0, before, after)
    assert (found.customers, found.kept, found.arrived, found.left) == (7, 6, 1, 1)
    assert found.kept_share == pytest.approx(6 / 7)
    assert found.segments == (
        Change("kept", "a", "A", None, None, 4, 3, 3 / 4, 1),
        Change("kept", "b", "B", None, None, 3, 4, 3 / 4),
    )
    assert found.flows == (Flow("a", "b", 1, "moved"),)


def test_a_split_and_a_birth() -> None:
    """c takes four of a's nine; d takes two of each of a, b and e, and so comes of none."""
    before = _level([0] * 9 + [1] * 6 + [2] * 6, "a", "b", "e")
    after = _level([0] * 3 + [3] * 4 + [4] * 2 + [1] * 4 + [4] * 2 + [2] * 4 + [4] * 2, *"abecd")
    found = changes(1, before, after)
    assert found.level == 1
    assert found.kept == 3 + 4 + 4
    assert found.segments[3:] == (
        Change("split", "c", "C", "a", "A", 0, 4, 0.0),
        Change("born", "d", "D", None, None, 0, 6, 0.0),
    )
    assert found.flows == (
        Flow("a", "c", 4, "split"),
        Flow("a", "d", 2, "born"),
        Flow("b", "d", 2, "born"),
        Flow("e", "d", 2, "born"),
    )


def test_what_comes_from_no_segment_is_born() -> None:
    """Two of c's five were in a, and are all that it has of any: not enough for a split."""
    found = changes(1, _level([0] * 6 + [-1] * 3, "a"), _level([0] * 4 + [1] * 5, "a", "c"))
    assert found.segments[1] == Change("born", "c", "C", None, None, 0, 2, 0.0, 3)
    assert found.flows == (Flow("a", "c", 2, "born"),)


def test_a_merge_and_a_death() -> None:
    """Three of b's four are in a now; c's three went three ways."""
    before = _level([0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 4], "a", "b", "c", "d", "e")
    after = _level([0, 0, 0, 0, 0, 0, 1, 0, 1, 2, 1, 2], "a", "d", "e")
    found = changes(0, before, after)
    assert found.segments[3:] == (
        Change("merged", "b", "B", "a", "A", 4, 0, 0.0),
        Change("died", "c", "C", None, None, 3, 0, 0.0),
    )
    assert [(f.source, f.target, f.customers, f.reason) for f in found.flows] == [
        ("b", "a", 3, "merged"),
        ("b", "d", 1, "merged"),
        ("c", "a", 1, "died"),
        ("c", "d", 1, "died"),
        ("c", "e", 1, "died"),
    ]


def test_a_first_build_has_only_births() -> None:
    found = changes(0, _level([-1, -1]), _level([0, 0], "a"))
    assert (found.customers, found.kept_share, found.arrived) == (0, 1.0, 2)
    assert [c.kind for c in found.segments] == ["born"]


def test_members_are_found_again_by_id() -> None:
    before = pl.Series(["x", "y", "z"])
    member = np.array([2, 0, -1], np.int32)
    assert aligned(pl.Series(["y", "new", "z", "x"]), before, member).tolist() == [0, -1, -1, 2]


def test_changes_survive_json() -> None:
    found = changes(0, _level([0, 1, 1], "a", "b"), _level([0, 0, 1], "a", "b"))
    assert Changes.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 4)), max_size=60))
def test_every_customer_is_kept_or_in_a_flow(pairs: list[tuple[int, int]]) -> None:
    old, new = (np.array([p[side] for p in pairs], np.int32) for side in (0, 1))
    match = matched(overlap(old, new, (4, 5)))
    ids = [f"s{m}" if m >= 0 else f"new{i}" for i, m in enumerate(match)]
    assert len(set(ids)) == 5
    before = Level(("s0", "s1", "s2", "s3"), ("", "", "", ""), old)
    found = changes(0, before, Level(tuple(ids), ("",) * 5, new))
    assert found.kept + sum(flow.customers for flow in found.flows) == found.customers
    assert all(flow.source != flow.target for flow in found.flows)
