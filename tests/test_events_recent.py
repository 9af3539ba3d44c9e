"""What a snapshot has not learned from: exactly what was not in the graph when it was read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.event import ShopEvent
from events.queue import EventQueue
from events.recent import MOST_EVENTS, RecentEvents


class Clock:
    """Moves on by a second at each look, so that no look is spared."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def event(name: str, user: str = "ann", session: str | None = None) -> ShopEvent:
    return ShopEvent(name, "purchase", user, f"p-{name}", 0, session_id=session)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[EventQueue]:
    with EventQueue(tmp_path / "queue.sqlite") as opened:
        yield opened


def recent(queue: EventQueue, read_at: float = 0.0) -> RecentEvents:
    return RecentEvents(queue.path, read_at, Clock())


def names(events: tuple[ShopEvent, ...]) -> list[str]:
    return [e.event_id for e in events]


def test_events_are_seen_as_they_come_by_customer_and_session(queue: EventQueue) -> None:
    seen = recent(queue)
    assert seen.of_user("ann") == ()
    queue.append([event("1"), event("2", "bob", "s")])
    assert names(seen.of_user("ann")) == ["1"]
    queue.append([event("3"), event("1"), event("4", session="s")])
    assert names(seen.of_user("ann")) == ["1", "3", "4"]
    assert names(seen.of_session("s")) == ["2", "4"]
    assert seen.of_session("t") == seen.of_user("s") == ()


def test_another_process_sees_the_same(queue: EventQueue) -> None:
    seen, beside = recent(queue), EventQueue(queue.path)
    seen.of_user("ann")
    with beside:
        beside.append([event("1")])
    assert names(seen.of_user("ann")) == ["1"]


def test_only_what_the_snapshot_has_not_learned(queue: EventQueue) -> None:
    queue.append([event("delivered"), event("waiting"), event("refused"), event("later")])
    places = [place for place, _ in queue.waiting(10)]
    queue.delivered(places[:1])
    queue.set_aside(places[2], "no such product")
    read_at = time.time()
    queue.delivered(places[3:])  # it was not in the graph yet when that was read
    assert names(recent(queue, read_at).of_user("ann")) == ["waiting", "later"]
    assert names(recent(queue, 0.0).of_user("ann")) == ["delivered", "waiting", "later"]


def test_the_latest_events_are_kept(queue: EventQueue) -> None:
    queue.append([event(str(i)) for i in range(MOST_EVENTS + 5)])
    assert names(recent(queue).of_user("ann")) == [str(i) for i in range(5, MOST_EVENTS + 5)]


def test_looks_in_the_same_moment_are_spared(queue: EventQueue) -> None:
    seen = RecentEvents(queue.path, 0.0, lambda: 7.0)
    seen.of_user("ann")
    queue.append([event("1")])
    assert seen.of_user("ann") == ()


def test_a_queue_that_is_not_there_or_damaged_changes_nothing(tmp_path: Path) -> None:
    seen = RecentEvents(tmp_path / "none.sqlite", 0.0, Clock())
    assert seen.of_user("ann") == ()
    (tmp_path / "none.sqlite").write_bytes(b"not a database at all" * 100)
    assert seen.of_user("ann") == ()
    assert not (tmp_path / "none.sqlite-wal").exists()
