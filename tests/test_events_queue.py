"""The queue keeps what it has acknowledged, whoever writes and whatever dies."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from shops import ROOT, environment

from events.config import EventsConfig
from events.event import ShopEvent
from events.queue import EventQueue
from loaders.errors import EventQueueUnavailable

APPENDS = """
import sys
from pathlib import Path
from events.event import ShopEvent
from events.queue import EventQueue
queue, name = EventQueue(Path(sys.argv[1])), sys.argv[2]
for i in range(int(sys.argv[3])):
    events = [ShopEvent(f"{name}-{i}-{j}", "purchase", "u", "p", i) for j in range(2)]
    queue.append(events)
    print(i, flush=True)
"""
FULL = """
import resource, sys
from pathlib import Path
from events.event import ShopEvent
from events.queue import EventQueue
from loaders.errors import EventQueueUnavailable
queue = EventQueue(Path(sys.argv[1]))
queue.append([ShopEvent("before", "purchase", "u", "p", 0)])
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
kept = []
for i in range(200):
    try:
        queue.append([ShopEvent(f"e{i}", "purchase", "u" * 150, "p" * 150, i)])
        kept.append(i)
    except EventQueueUnavailable as error:
        assert "disk full" in str(error), error
        break
else:
    raise AssertionError("never full")
assert queue.status().waiting == 1 + len(kept)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
queue.append([ShopEvent("after", "purchase", "u", "p", 0)])
print(len(kept), flush=True)
"""


def event(id_: str, product: str = "p") -> ShopEvent:
    return ShopEvent(id_, "view_item", "u", product, 1_700_000_000_000_000)


def ids(queue: EventQueue) -> list[str]:
    return [e.event_id for _, e in queue.waiting(10_000)]


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events" / "queue.sqlite"


@pytest.fixture
def queue(path: Path) -> Iterator[EventQueue]:
    with EventQueue(path, EventsConfig(keep_hours=1)) as opened:
        yield opened


def test_events_wait_in_order_until_they_are_delivered(queue: EventQueue) -> None:
    queue.append([event("b"), event("a")])
    queue.append([event("c")])
    assert ids(queue) == ["b", "a", "c"]
    places = [place for place, _ in queue.waiting(2)]
    queue.delivered(places)
    assert ids(queue) == ["c"]
    assert queue.waiting(1)[0][1] == event("c")
    assert (queue.status().waiting, queue.status().refused) == (1, 0)


def test_an_id_known_changes_nothing_even_after_delivery(queue: EventQueue) -> None:
    queue.append([event("a"), event("a", "other")])
    assert queue.waiting(9)[0][1].product_id == "p" and queue.status().waiting == 1
    queue.delivered([queue.waiting(1)[0][0]])
    queue.append([event("a")])
    assert queue.status().waiting == 0


def test_what_was_delivered_long_ago_is_dropped(path: Path) -> None:
    with EventQueue(path, EventsConfig(keep_hours=0)) as queue:
        queue.append([event("a"), event("b")])
        queue.delivered([queue.waiting(1)[0][0]])
        queue.append([event("a")])
        assert ids(queue) == ["b", "a"]


def test_what_is_set_aside_holds_nothing_up_and_can_be_tried_again(queue: EventQueue) -> None:
    queue.append([event("a"), event("b")])
    queue.set_aside(queue.waiting(1)[0][0], "no good")
    assert ids(queue) == ["b"]
    assert queue.refused(9) == [(event("a"), "no good")]
    assert queue.retry() == 1 and ids(queue) == ["a", "b"] and queue.refused(9) == []


def test_it_is_there_when_opened_again(path: Path, queue: EventQueue) -> None:
    queue.append([event("a")])
    with EventQueue(path) as other:
        assert ids(other) == ["a"]
        other.append([event("b")])
    assert ids(queue) == ["a", "b"]


def test_several_processes_append_and_one_that_is_killed_loses_nothing(
    path: Path, queue: EventQueue
) -> None:
    doomed, other = python(APPENDS, path, "x", 100_000), python(APPENDS, path, "y", 60)
    assert doomed.stdout is not None
    for line in doomed.stdout:
        if int(line) == 30:
            break
    doomed.send_signal(signal.SIGKILL)
    told = doomed.stdout.read().split()
    assert other.wait(60) == 0, other.communicate()
    doomed.communicate()
    other.communicate()
    kept = ids(queue)
    assert len(set(kept)) == len(kept)
    acknowledged = {f"x-{i}-{j}" for i in range(int(told[-1]) if told else 31) for j in range(2)}
    assert acknowledged | {f"y-{i}-{j}" for i in range(60) for j in range(2)} <= set(kept)
    whole = [k.rsplit("-", 1)[0] for k in kept]
    assert all(whole.count(k) == 2 for k in set(whole)), "half of an append"


def test_a_full_disk_acknowledges_nothing_and_harms_nothing(path: Path) -> None:
    child = python(FULL, path)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    with EventQueue(path) as queue:
        kept = [f"e{i}" for i in range(int(out))]
        assert ids(queue) == ["before", *kept, "after"]


def test_scarce_disk_is_left_alone(path: Path) -> None:
    with (
        EventQueue(path, EventsConfig(reserve_mb=1e12)) as queue,
        pytest.raises(EventQueueUnavailable, match="make room"),
    ):
        queue.append([event("a")])
    with EventQueue(path) as queue:
        assert ids(queue) == []


def test_a_file_that_is_no_queue_is_told(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else" * 100)
    with pytest.raises(EventQueueUnavailable, match="not a database"):
        EventQueue(path)
