"""Prices and stock hold in lists as they are sent, without a build; real queue and snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from shops import config_of
from starlette.testclient import TestClient

from api.app import create_app
from api.live import Live
from api.merchandising import House
from api.provider import SnapshotProvider
from api.snapshot_service import SnapshotService
from events.change import Change
from events.config import EventsConfig
from events.deliver import deliver
from events.looks import EVERY_SECONDS
from events.queue import EventQueue, queue_file
from pipeline.build import build
from pipeline.home import Home
from pipeline.merchandising import MerchandisingDesk

USER = "user-3"


class Worker:
    """A process of a server of ``home``, asked over HTTP; nothing is delivered by itself."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.house = House(MerchandisingDesk(home))
        self.provider = SnapshotProvider(home, "shop", rules=self.house)
        self.provider.refresh()
        live = Live(home.path, home.store, EventsConfig())
        app = create_app(self.provider, live=live, house=self.house)
        self.http = TestClient(app, raise_server_exceptions=False)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(f"/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, product: str, **said: Any) -> None:
        answer = self.http.put(f"/v1/products/{product}", json=said)
        assert answer.status_code == 200, answer.text

    def products(self, k: int = 100, **query: Any) -> dict[str, Any]:
        items = self.get(f"users/{USER}/recommendations", k=k, **query)["items"]
        return {item["product"]["product_id"]: item["product"] for item in items}

    def product(self, id_: str) -> Any:
        return self.get(f"products/{id_}")["product"]


@pytest.fixture
def worker(own: Home) -> Iterator[Worker]:
    running = Worker(own)
    yield running
    running.provider.stop()


@pytest.fixture
def other(own: Home) -> Iterator[Worker]:
    """A second process over the same home."""
    running = Worker(own)
    yield running
    running.provider.stop()


def soon(holds: Callable[[], bool]) -> None:
    """It holds within a second."""
    deadline = time.monotonic() + 1
    while not holds():
        assert time.monotonic() < deadline, "it did not hold within a second"
        time.sleep(EVERY_SECONDS / 5)


def test_a_price_is_felt_in_filters_and_shown_in_every_process(
    worker: Worker, other: Worker
) -> None:
    first, *_ = before = worker.products()
    worker.put(first, price=9_999, title="The dearest")
    for one in (worker, other):
        soon(partial(lambda asked: list(asked.products(min_price=9_000)) == [first], one))
        shown = one.products(min_price=9_000)[first]
        assert (shown["price"], shown["title"]) == (9_999, "The dearest")
        assert list(one.products()) == list(before)  # a price is no reason to rank otherwise
        assert first not in one.products(max_price=9_000)
        assert one.product(first)["price"] == 9_999
        found = one.get("products", search="the dearest")["products"]
        assert [p["product_id"] for p in found] == [first]
        old = one.get("products", search=before[first]["title"].lower())["products"]
        assert first not in [p["product_id"] for p in old]


def test_what_sold_out_is_in_no_list_of_what_is_in_stock(worker: Worker) -> None:
    asked = f"/v1/users/{USER}/recommendations?in_stock=true"
    assert worker.http.get(asked).status_code == 422  # nothing was said of stock yet
    all_ = list(worker.products())
    items = [{"product_id": id_, "attributes": {"stock": 3}} for id_ in all_]
    assert worker.http.put("/v1/products", json={"products": items}).status_code == 200
    soon(lambda: worker.http.get(asked).status_code == 200)
    assert list(worker.products(in_stock=True)) == all_
    gone = all_[0]
    worker.put(gone, attributes={"stock": 0})
    soon(lambda: gone not in worker.products(in_stock=True))
    assert list(worker.products(in_stock=True)) == all_[1:]
    assert gone in worker.products()
    near = worker.get(f"products/{all_[1]}/similar", k=100, in_stock=True)
    basket = worker.http.post(
        "/v1/basket/recommendations?in_stock=true", json={"product_ids": [all_[1]], "k": 100}
    ).json()
    visit = worker.http.post("/v1/session/recommendations?in_stock=true&k=100", json={}).json()
    for found in (near, basket, visit):
        listed = {i["product"]["product_id"] for i in found["items"]}
        assert listed and gone not in listed and listed <= set(all_)
    assert worker.get(f"products/{gone}")["attributes"]["stock"] == 0
    worker.put(gone, attributes={"stock": None, "in_stock": True})  # it can still be ordered
    soon(lambda: list(worker.products(in_stock=True)) == all_)


def test_brand_and_category_are_felt(worker: Worker) -> None:
    known = worker.products()
    first = next(iter(known))
    shelf = next(p["category_id"] for p in known.values() if p != known[first])
    elsewhere = next(
        p["category_id"] for p in known.values() if p["category_id"] != known[first]["category_id"]
    )
    assert shelf and first not in worker.products(category=elsewhere)
    assert worker.http.get("/v1/users/x/recommendations?brand=Brandnew").status_code == 404
    worker.put(first, brand="Brandnew", category_id=elsewhere)
    soon(lambda: first in worker.products(category=elsewhere))
    assert list(worker.products(brand="BRANDNEW")) == [first]
    assert first not in worker.products(category=known[first]["category_id"])
    shown = worker.product(first)
    assert (shown["brand"], shown["category_id"]) == ("Brandnew", elsewhere)
    companion = worker.get(f"products/{first}/bought-together")["product"]
    assert companion == shown


def test_merchandising_takes_products_as_they_are(worker: Worker) -> None:
    before = list(worker.products(k=8))
    rule = {"id": "r", "effect": "exclude", "target": {"min_price": 9_000}}
    worker.put(before[1], price=9_999)
    soon(lambda: worker.product(before[1])["price"] == 9_999)
    asked = {"rule": rule, "user_id": USER, "k": 8}
    preview = worker.http.post("/v1/merchandising/preview", json=asked).json()
    assert before[1] in preview["before"] and before[1] not in preview["after"]
    assert worker.http.put("/v1/merchandising/r", json=rule).status_code == 200
    assert before[0] in worker.products(k=8) and before[1] not in worker.products(k=8)
    worker.put(before[0], price=9_998)  # the rule was compiled by now
    soon(lambda: before[0] not in worker.products(k=8))
    worker.put(before[1], price=1)
    soon(lambda: before[1] in worker.products(k=8))


def test_an_answer_that_a_client_keeps_is_not_of_before(worker: Worker) -> None:
    first = next(iter(worker.products()))
    paths = [f"/v1/products/{first}{end}" for end in ("", "/similar", "/bought-together")]
    tags = {path: worker.http.get(path).headers["ETag"] for path in paths}
    for path, tag in tags.items():
        assert worker.http.get(path, headers={"If-None-Match": tag}).status_code == 304
    worker.put(first, price=9_999)
    soon(lambda: worker.product(first)["price"] == 9_999)
    for path, tag in tags.items():
        assert worker.http.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_it_holds_after_delivery_a_restart_and_a_build(worker: Worker, own: Home) -> None:
    first, second, *_ = worker.products()
    for price in (1, 3, 2):
        worker.put(first, price=price, attributes={"stock": price})
    worker.put(first, title="Twice")

    def state(one: Worker) -> tuple[Any, ...]:
        found = one.get(f"products/{first}")
        shown = found["product"]
        in_stock = list(one.products(in_stock=True, bought="include"))
        return shown["price"], shown["title"], found["attributes"]["stock"], in_stock

    soon(lambda: worker.product(first)["title"] == "Twice")
    expected = state(worker)
    assert expected == (2, "Twice", 2, [first])
    assert state(Worker(own)) == expected
    with EventQueue(queue_file(own.path), EventsConfig(keep_hours=0)) as queue:
        assert deliver(queue, own.store, EventsConfig(batch=1)).changes == 4
    assert state(worker) == expected == state(Worker(own))
    old = own.current()
    build(own, config_of(own))
    worker.provider.refresh()
    assert own.current() != old
    assert state(worker)[:3] == expected[:3] == state(Worker(own))[:3]
    with EventQueue(queue_file(own.path)) as queue:  # what the build learned is not put on top
        queue.changes.append([Change("Product", second, '{"price": 7.0}')])
    soon(lambda: worker.product(second)["price"] == 7)
    served = worker.provider()
    assert isinstance(served, SnapshotService)
    catalogue = served._catalogue
    assert list(catalogue.goods.attributes) == [catalogue.ids.row(second)]
    own.publish(old)  # gone back to: the snapshot knows nothing of it, and the queue all
    worker.provider.refresh()
    assert state(worker)[:3] == expected[:3] and worker.product(second)["price"] == 7


def test_a_broken_queue_breaks_no_list(worker: Worker, own: Home) -> None:
    first, *_ = before = worker.products()
    worker.put(first, price=9_999)
    soon(lambda: worker.product(first)["price"] == 9_999)
    queue: Path = queue_file(own.path)
    for file in queue.parent.glob("queue.sqlite*"):
        file.unlink()
    queue.write_text("no database at all, and long enough that SQLite notices" * 100)
    time.sleep(2 * EVERY_SECONDS)
    assert list(worker.products()) == list(before)
    restarted = SnapshotProvider(own, "shop")
    restarted.refresh()
    client = TestClient(create_app(restarted), raise_server_exceptions=False)
    answer = client.get(f"/v1/users/{USER}/recommendations", params={"max_price": 9_000})
    assert answer.status_code == 200 and len(answer.json()["items"]) == 20


def test_what_does_not_fit_is_left_out_and_strangers_wait_for_a_build(
    worker: Worker, own: Home
) -> None:
    first = next(iter(worker.products()))
    price = worker.product(first)["price"]
    worker.put("unheard", price=1, title="Unheard of")
    with EventQueue(queue_file(own.path)) as queue:
        queue.changes.append(
            [
                Change("Product", first, '{"price": "dear", "colour": "red"}', "nowhere"),
                Change("User", first, '{"price": 9.0}'),
            ]
        )
    soon(lambda: worker.get(f"products/{first}")["attributes"].get("colour") == "red")
    assert worker.product(first)["price"] == price
    assert worker.product(first)["category_id"] != "nowhere"
    assert worker.http.get("/v1/products/unheard").status_code == 404
    assert worker.get("products", search="unheard")["products"] == []
