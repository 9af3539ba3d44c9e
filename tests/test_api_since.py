"""The next list feels what was just done, without a build; real queue, real snapshot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.models.base import Mode
from api.models.lists import SessionEvent, SessionRequest
from api.snapshot_service import SnapshotService
from events.event import ShopEvent
from events.looks import EVERY_SECONDS
from events.queue import EventQueue
from events.recent import RecentEvents
from pipeline.home import Home
from pipeline.snapshot import Snapshot

USER = "user-3"


class Shop:
    """A served snapshot whose queue takes events."""

    def __init__(self, built: Home, queue: EventQueue) -> None:
        snapshot = Snapshot.load(built.snapshot())
        self._queue = queue
        recent = RecentEvents(queue.path, snapshot.manifest.read_at.timestamp())
        self.service = SnapshotService(snapshot, built.store, "shop", recent)
        self.plain = SnapshotService(snapshot, built.store, "shop")

    def do(self, event: str, product: str, user: str = USER, session: str | None = None) -> None:
        at = int(time.time() * 1e6)
        name = f"{user} {event} {product}"
        self._queue.append([ShopEvent(name, event, user, product, at, session_id=session)])
        time.sleep(2 * EVERY_SECONDS)

    def listed(self, mode: Mode, user: str = USER, k: int = 10) -> list[str]:
        found = self.service.recommendations(user, k=k, mode=mode)
        return [i.product.product_id for i in found.items]


@pytest.fixture
def shop(built: Home, tmp_path: Path) -> Iterator[Shop]:
    with EventQueue(tmp_path / "queue.sqlite") as queue:
        yield Shop(built, queue)


def test_without_events_nothing_changes(shop: Shop) -> None:
    for mode in ("all", "repeat", "discover"):
        assert shop.service.recommendations(USER, k=20, mode=mode) == shop.plain.recommendations(
            USER, k=20, mode=mode
        )


def test_what_was_just_bought_is_no_discovery_any_more(shop: Shop) -> None:
    first = shop.listed("discover")[0]
    assert first not in shop.listed("repeat", k=100)
    shop.do("purchase", first)
    assert first not in shop.listed("discover", k=100)
    assert first in shop.listed("repeat", k=100)


def test_what_was_just_bought_may_be_bought_again(shop: Shop) -> None:
    before = shop.listed("repeat", k=100)
    shop.do("purchase", before[-1])
    after = shop.listed("repeat", k=100)
    assert set(after) == set(before)
    assert after.index(before[-1]) < len(before) - 1


def test_what_goes_with_it_comes_up(shop: Shop) -> None:
    before = shop.listed("discover", k=100)
    goes_with = {p: shop.service.basket([p], 1).items[0].product.product_id for p in before}
    put, along = next((p, q) for p, q in goes_with.items() if q in before[10:])
    shop.do("add_to_cart", put)
    found = shop.service.recommendations(USER, k=100, mode="discover")
    after = [i.product.product_id for i in found.items]
    assert found.source == "history"
    assert after.index(along) < before.index(along)


def test_a_stranger_is_known_by_what_they_do(shop: Shop) -> None:
    stranger = "nobody-yet"
    assert shop.service.recommendations(stranger, k=5, mode="all").source == "popularity"
    seen = shop.listed("all")[0]
    shop.do("view_item", seen, stranger)
    found = shop.service.recommendations(stranger, k=5, mode="all")
    assert (found.source, found.user_known, len(found.items)) == ("session", False, 5)


def test_a_session_is_known_by_its_id(shop: Shop) -> None:
    seen = shop.listed("all")[0]
    told = shop.service.session(SessionRequest(events=[SessionEvent(product_id=seen)]), k=5)
    shop.do("view_item", seen, "anonymous/9", session="s-9")
    known = shop.service.session(SessionRequest(session_id="s-9"), k=5)
    assert known.source == "session"
    assert [i.product for i in known.items] == [i.product for i in told.items]
    assert shop.service.session(SessionRequest(session_id="other"), k=5).source == "popularity"
