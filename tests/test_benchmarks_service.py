"""A server of several processes under fire: what is acknowledged is stored, and nothing else."""

from __future__ import annotations

import pytest

from benchmarks import fuzz, mixed_load
from pipeline.home import Home


def test_swaps_and_killed_processes_fail_no_other_request_and_lose_no_event(own: Home) -> None:
    mixed_load.two_builds(own)
    assert len(own.builds()) == 2
    found = mixed_load.measure(own, workers=2, seconds=7.0, every=2.5)
    assert found["kills"] >= 2 and found["swaps"] >= 2
    assert found["failed"] == 0, found["failures"]
    assert found["acknowledged"] > 0 and min(found["answered"].values()) > 0
    assert not any(found[name] for name in ("lost", "twice", "never_sent"))


def test_whatever_is_sent_only_what_is_acknowledged_is_stored(own: Home) -> None:
    found = fuzz.measure(own, cases=400, seed=0)
    assert found["failed"] == 0, found["failures"]
    assert found["stored_wrong"] == 0, found["wrongs"]
    assert found["processes_ended"] == 0 and found["acknowledged"] > 0


SENT = {"event": "rate", "session_id": " s ", "product_id": "p", "rating": 2, "value": "3"}


@pytest.mark.parametrize(
    ("name", "stored"),
    [("user_id", "s"), ("quantity", 2.0), ("value", 2.0), ("rating", None), ("event", "purchase")],
)
def test_the_comparison_sees_a_wrong_value(name: str, stored: object) -> None:
    at = fuzz.SPAN[0]
    right = {**fuzz.expected("e1", SENT), "at": at}
    assert right == {
        **{"event": "rate", "event_id": "e1", "user_id": "anonymous/s", "product_id": "p"},
        **{"quantity": 1.0, "value": 3.0, "order_id": None, "session_id": "s", "rating": 2.0},
        "at": at,
    }
    assert fuzz.differences(right, SENT) == []
    assert len(fuzz.differences({**right, name: stored}, SENT)) == 1
