"""What was said of products since a snapshot learned: in order, merged, and nothing of before."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from events.change import Change
from events.queue import EventQueue
from events.recent_changes import FRESH, OF_ONE, REFUSED, RecentChanges, Said


class Seen:
    """What a reader was told, each look a second after the last."""

    def __init__(self, queue: Path, read_at: float = 0.0) -> None:
        self._now = 0.0
        self.changes = RecentChanges(queue, read_at, self._clock)
        self.all: dict[str, dict[str, Any]] = {}

    def _clock(self) -> float:
        self._now += 1
        return self._now

    def look(self) -> dict[str, dict[str, Any]]:
        """What is told now and was not before."""
        told: dict[str, dict[str, Any]] = {}

        def tell(id_: str, said: Said) -> None:
            told[id_] = dict(said)

        self.changes.follow(tell)
        self.all |= told
        return told


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[EventQueue]:
    with EventQueue(tmp_path / "queue.sqlite") as opened:
        yield opened


def product(id_: str, category: str | None = None, brand: str | None = None, **own: Any) -> Change:
    return Change("Product", id_, json.dumps(own), category, brand)


def test_changes_are_merged_field_by_field_as_they_come(queue: EventQueue) -> None:
    seen = Seen(queue.path)
    assert seen.look() == {}
    queue.changes.append([product("a", price=1.0, stock=5.0), Change("User", "a", '{"x": 1}')])
    assert seen.look() == {"a": {"price": 1.0, "stock": 5.0}}
    queue.changes.append([product("b", "tea", "Ours"), product("a", price=3.0)])
    queue.changes.append([product("a", price=2.0, Stock=0.0), product("a", brand="Ours")])
    assert seen.look() == {
        "b": {"category_id": "tea", "brand": "Ours"},
        "a": {"price": 2.0, "stock": 0.0, "brand": "Ours"},
    }
    assert seen.look() == {}
    again = Seen(queue.path)
    again.look()
    assert again.all == seen.all


def test_another_process_is_heard(queue: EventQueue) -> None:
    seen = Seen(queue.path)
    with EventQueue(queue.path) as beside:
        beside.changes.append([product("a", price=1.0)])
    assert seen.look() == {"a": {"price": 1.0}}


def test_only_what_the_snapshot_has_not_learned(queue: EventQueue) -> None:
    lane = queue.changes
    lane.append([product(name, price=1.0) for name in ("delivered", "waiting", "refused", "later")])
    places = [place for place, _ in lane.waiting(9)]
    lane.delivered(places[:1])
    lane.set_aside(places[2], "no")
    read_at = time.time()
    lane.delivered(places[3:])  # it was not in the graph yet when that was read
    assert list(Seen(queue.path, read_at).look()) == ["waiting", "later"]
    assert list(Seen(queue.path).look()) == ["delivered", "waiting", "later"]


def test_what_the_graph_refuses_is_taken_back(queue: EventQueue) -> None:
    lane, seen = queue.changes, Seen(queue.path)
    lane.append([product("a", price=1.0), product("a", price=2.0, size=4.0), product("b", size=1)])
    assert seen.look()["a"] == {"price": 2.0, "size": 4.0}
    first, second, third = [place for place, _ in lane.waiting(9)]
    lane.delivered([first])
    lane.set_aside(second, "no")
    lane.set_aside(third, "no")
    assert seen.look() == {"a": {"price": 1.0}, "b": {}}
    assert seen.look() == {}


def test_the_latest_of_each_property_stays_however_old(queue: EventQueue, tmp_path: Path) -> None:
    lane = queue.changes
    for change in (
        product("a", price=1.0, stock=5.0),
        product("a", price=2.0),
        product("a", "tea", price=3.0),
        product("a", price=4.0),
        product("a", stock=6.0, price=4.0),
        product("b", price=9.0),
    ):
        lane.append([change])
        before = Seen(queue.path)
        before.look()
        lane.delivered([place for place, _ in lane.waiting(1)])
        after = Seen(queue.path)
        after.look()
        assert after.all == before.all
    with queue._file.reading() as connection:
        kept = connection.execute("SELECT id, category_id, properties FROM changes").fetchall()
    assert kept == [
        ("a", "tea", '{"price": 3.0}'),
        ("a", None, '{"stock": 6.0, "price": 4.0}'),
        ("b", None, '{"price": 9.0}'),
    ]


def test_a_queue_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    nothing = Seen(tmp_path / "none.sqlite")
    assert nothing.look() == {}
    broken = tmp_path / "broken.sqlite"
    broken.write_text("no database at all, and long enough that SQLite notices" * 100)
    assert Seen(broken).look() == {}
    with EventQueue(tmp_path / "none.sqlite") as queue:
        queue.changes.append([product("a", price=1.0)])
        assert nothing.look() == {"a": {"price": 1.0}}
        with queue._file.writing("break it") as connection:
            connection.execute("DROP TABLE changes")
        assert nothing.look() == {}


def test_looks_in_the_same_moment_are_spared(queue: EventQueue) -> None:
    now = [0.0]
    changes, told = RecentChanges(queue.path, 0.0, lambda: now[0]), []
    changes.follow(lambda id_, said: told.append(id_))
    queue.changes.append([product("a", price=1.0)])
    changes.follow(lambda id_, said: told.append(id_))
    assert told == []
    now[0] += 0.06
    changes.follow(lambda id_, said: told.append(id_))
    assert told == ["a"]


@pytest.mark.parametrize(
    ("look", "by"),
    [
        (FRESH, "PRIMARY KEY (rowid>?)"),
        (REFUSED, "changes_refused_at (settled>?)"),
        (OF_ONE, "changes_of (label=? AND id=?"),
    ],
)
def test_a_look_reads_no_more_than_what_is_new(queue: EventQueue, look: str, by: str) -> None:
    with queue._file.reading() as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {look}", (0,) * look.count("?")).fetchall()
    assert by in plan[0][3]
