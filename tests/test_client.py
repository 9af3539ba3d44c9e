"""The client of clients/python, against the app over the hand-made shop."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_client import client as app_client
from api_shop import SLASHED
from coterie_client import (
    AsyncClient,
    Client,
    InvalidRequest,
    NotFound,
    Problem,
    Refused,
    Unavailable,
    Unreachable,
    calls,
)
from coterie_client.events import batches
from coterie_client.retries import Retries
from starlette.testclient import TestClient

from api.live import Live
from events.config import EventsConfig
from events.queue import EventQueue, queue_file

ROOT = Path(__file__).parent.parent
VIEW = {"event": "view_item", "user_id": "ann", "product_id": "jam"}
Handler = Callable[[httpx.Request], httpx.Response]


def through(served: TestClient) -> Handler:
    """What passes a request of the client on to the app."""

    def answer(request: httpx.Request) -> httpx.Response:
        reply = served.request(
            request.method,
            str(request.url),
            content=request.content,
            headers=dict(request.headers),
        )
        headers = {k: v for k, v in reply.headers.items() if k != "content-encoding"}
        return httpx.Response(reply.status_code, headers=headers, content=reply.content)

    return answer


def of(handler: Handler, waited: list[float] | None = None, **more: Any) -> Client:
    transport = httpx.MockTransport(handler)
    waits = [] if waited is None else waited
    return Client("http://shop", transport=transport, sleep=waits.append, **more)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def served(home: Path) -> TestClient:
    return app_client(live=Live(home, home / "none.lbug", EventsConfig()))


@pytest.fixture
def shop(served: TestClient) -> Iterator[Client]:
    with of(through(served)) as found:
        yield found


def kept(home: Path) -> list[str]:
    with EventQueue(queue_file(home)) as queue:
        return [event.event_id for _, event in queue.waiting(10_000)]


def test_lists_of_a_storefront(shop: Client, served: TestClient) -> None:
    found = shop.recommend("ann", k=3, exclude=["jam", "bread"], in_stock=None)
    plain = served.get("/v1/users/ann/recommendations?k=3&exclude=jam&exclude=bread").json()
    assert found == plain and len(found["items"]) == 3
    assert shop.recommend("ann/ö?#", lang="zh")["user_id"] == "ann/ö?#"
    assert shop.similar(SLASHED)["product"]["product_id"] == SLASHED
    assert shop.bought_together("bread", k=1)["items"][0]["orders"]
    assert shop.basket(["bread"], k=1)["items"][0]["rules"]
    assert shop.session([{"product_id": "jam"}], k=1, attributes={"age": "30-44"})["items"]
    assert shop.product("bread")["customers"] == 3


def test_pages_are_gone_through(shop: Client) -> None:
    assert [p["product_id"] for p in shop.products()][:1] == ["bread"]
    assert len(list(shop.products())) == 5


def test_what_a_marketer_asks(shop: Client) -> None:
    assert {u["user_id"] for u in shop.users()} >= {"ann", "bob"}
    assert shop.user("ann")["orders"] == 3
    assert shop.customer("ann")["spend"] == 16.0
    first = shop.segments()["segments"][0]["segment_id"]
    members = list(shop.segment_members(first))
    assert len(members) == shop.segment(first)["size"]


def test_what_an_analyst_asks(shop: Client) -> None:
    query = "MATCH (u:User) RETURN u"
    whole = shop.cypher(query)
    lines = list(shop.cypher_lines(query))
    assert lines == [dict(zip(whole["columns"], row, strict=True)) for row in whole["rows"]]
    assert lines and len(shop.cypher(query, rows=1)["rows"]) == 1
    assert shop.build()["build"] == "build-1"
    assert shop.schema()["labels"]


def test_customers_and_products_are_put(shop: Client, home: Path) -> None:
    shop.put_product("a/b", {"price": 2.5, "attributes": {"stock": 3}})
    shop.put_user("ann", {"attributes": {"age": "45-59"}})
    products = [{"product_id": f"p{i}"} for i in range(501)]
    result = shop.put_products([*products, {"product_id": "bad", "price": -1}])
    assert result.accepted == [p["product_id"] for p in products]
    assert [(one.item["product_id"], one.detail) for one in result.refused] == [
        ("bad", "price: Input should be greater than or equal to 0")
    ]
    refused = shop.put_users([{"user_id": "u", "age": 3}]).refused
    assert refused[0].detail == "age: Extra inputs are not permitted"
    with EventQueue(queue_file(home)) as queue:
        ids = [change.id for _, change in queue.changes.waiting(10_000)]
    assert ids == ["a/b", "ann", *result.accepted]


def test_problems_say_what_to_do(shop: Client) -> None:
    with pytest.raises(NotFound, match="no product has the id 'nope'") as caught:
        shop.product("nope")
    assert (caught.value.kind, caught.value.status) == ("unknown-product", 404)
    assert caught.value.request_id
    with pytest.raises(InvalidRequest) as invalid:
        shop.recommend("ann", k=0)
    assert invalid.value.errors[0]["field"] == "query.k"
    with pytest.raises(InvalidRequest, match="remove the clause"):
        list(shop.cypher_lines("MATCH (n) DELETE n"))


def test_events_get_ids_and_bad_ones_are_told(shop: Client, home: Path) -> None:
    bad = {**VIEW, "event": "stare"}
    result = shop.send_events([VIEW, bad, {**VIEW, "event_id": "mine"}])
    assert result.accepted == kept(home) and result.accepted[1] == "mine"
    assert re.fullmatch("[0-9a-f]{32}", result.accepted[0])
    (refused,) = result.refused
    assert refused.event["event"] == "stare" and "event" in refused.detail
    alone = shop.send_events([bad])
    assert not alone.accepted and alone.refused[0].event["event"] == "stare"


def test_many_events_go_in_batches(shop: Client, home: Path) -> None:
    result = shop.send_events({**VIEW, "event_id": f"e{i}"} for i in range(1_203))
    assert result.accepted == kept(home) == [f"e{i}" for i in range(1_203)]
    assert [len(batch) for batch in batches([VIEW] * 1_203)] == [500, 500, 203]


def test_an_answer_that_is_lost_keeps_nothing_twice(served: TestClient, home: Path) -> None:
    answer, waited = through(served), list[float]()

    def lossy(request: httpx.Request) -> httpx.Response:
        reply = answer(request)
        if len(waited) < 2:
            raise httpx.ReadError("the connection broke", request=request)
        return reply

    result = of(lossy, waited).send_events([VIEW, VIEW])
    assert len(waited) == 2 and waited[0] < waited[1] * 2
    assert kept(home) == result.accepted and len(result.accepted) == 2


def problem(status: int, retryable: bool, **headers: str) -> httpx.Response:
    body = {"type": "urn:coterie:problem:x", "detail": "d", "retryable": retryable, "errors": []}
    return httpx.Response(status, json=body, headers=headers)


def test_how_long_it_waits() -> None:
    waited: list[float] = []
    replies = [problem(503, True, **{"retry-after": "7"}), problem(429, True), problem(404, False)]
    with pytest.raises(NotFound):
        of(lambda _: replies[len(waited)], waited).build()
    assert waited[0] == 7 and 0.2 <= waited[1] <= 0.4
    waited.clear()
    with pytest.raises(Unavailable):
        of(lambda _: problem(503, True), waited, retries=Retries(most=2)).build()
    assert len(waited) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda shop: shop.save_audience({"name": "a", "where": {}}),
        lambda shop: shop.delete_audience("a"),
        lambda shop: shop.send(calls.events([VIEW])),
    ],
)
def test_what_would_change_twice_is_not_repeated(change: Callable[[Client], Any]) -> None:
    asked: list[str] = []

    def away(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        raise httpx.ConnectError("away", request=request)

    with pytest.raises(Unreachable):
        change(of(away))
    assert len(asked) == 1


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b'{"a": 1}\n{"a"'
            raise httpx.RemoteProtocolError("incomplete")

    shop = of(lambda _: httpx.Response(200, stream=Broken()))
    rows = shop.cypher_lines("MATCH (n) RETURN n")
    assert next(rows) == {"a": 1}
    with pytest.raises(Unreachable, match="broke off"):
        next(rows)


def test_a_key_is_sent_and_a_proxys_page_is_understood() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != "Bearer coterie_1_2":
            return httpx.Response(401, text="<html>")
        return httpx.Response(200, json={"build": "b"})

    assert of(answer, key="coterie_1_2").build()["build"] == "b"
    with pytest.raises(Refused, match="the server answered 401"):
        of(answer).build()


def test_in_asyncio(served: TestClient, home: Path) -> None:
    async def all_of_it() -> None:
        transport = httpx.ASGITransport(served.app)
        async with AsyncClient("http://shop", transport=transport) as shop:
            assert (await shop.send(calls.recommend("ann", k=2)))["user_known"]
            rows = [row async for row in shop.lines(calls.cypher("MATCH (u) RETURN u"))]
            assert rows
            with pytest.raises(Problem):
                await shop.send(calls.product("nope"))
            result = await shop.send_events([VIEW, {**VIEW, "event": "stare"}])
            assert result.accepted == kept(home) and len(result.refused) == 1

    asyncio.run(all_of_it())


def test_each_call_leads_to_a_route(served: TestClient) -> None:
    paths = served.get("/openapi.json").json()["paths"]
    known = {(m.upper(), re.sub(r"{\w+}", "x", p)) for p, ops in paths.items() for m in ops}
    arguments: dict[str, Any] = {
        "events": ([VIEW],), "basket": (["jam"],), "cypher": ("MATCH",),
        "estimate_audience": ({"name": "x"},), "save_audience": ({"name": "x"},),
        "put_user": ("x", {}), "put_product": ("x", {}),
        "put_users": ([{}],), "put_products": ([{}],),
        "create_experiment": ({"id": "x"},), "change_experiment": ({"id": "x"},),
    }  # fmt: skip
    for name in calls.__all__:
        make = getattr(calls, name)
        if inspect.isfunction(make):
            needed = [p for p in inspect.signature(make).parameters.values() if p.default is p.empty
                      and p.kind is p.POSITIONAL_OR_KEYWORD]  # fmt: skip
            call = make(*arguments.get(name, ["x"] * len(needed)))
            assert (call.method, call.path) in known, name


def test_its_page_names_its_methods() -> None:
    text = (ROOT / "clients" / "python" / "README.md").read_text(encoding="utf-8")
    methods = {n for n, _ in inspect.getmembers(Client, inspect.isfunction) if n[0] != "_"}
    assert methods - {"send", "lines", "close"} <= set(re.findall(r"`(\w+)`", text))
