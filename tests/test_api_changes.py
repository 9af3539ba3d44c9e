"""What the routes that change customers and products take, refuse, and say of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from api_client import client
from starlette.testclient import TestClient

from api.live import Live
from events.change import Change
from events.config import EventsConfig
from events.queue import EventQueue, queue_file


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def served(home: Path) -> TestClient:
    return client(live=Live(home, home / "none.lbug", EventsConfig()), event_batch=3)


def kept(home: Path) -> list[Change]:
    with EventQueue(queue_file(home)) as queue:
        return [change for _, change in queue.changes.waiting(1000)]


def test_one_product(served: TestClient, home: Path) -> None:
    body = {
        "title": " Oat drink ",
        "price": 2,
        "category_id": "food/bakery",
        "brand": "Ours",
        "attributes": {"stock": 7, "organic": True, "note": None, "colour": ""},
    }
    response = served.put("/v1/products/oat%2Fdrink", json=body)
    assert (response.status_code, response.json()) == (200, {"id": "oat/drink"})
    properties = {"title": "Oat drink", "price": 2.0, "stock": 7.0, "organic": True}
    [change] = kept(home)
    assert json.loads(change.properties) == properties
    assert change == Change("Product", "oat/drink", change.properties, "food/bakery", "Ours")


def test_one_customer(served: TestClient, home: Path) -> None:
    body = {"anonymous": False, "attributes": {"age": "45-59", "visits": 3}}
    assert served.put("/v1/users/nina", json=body).json() == {"id": "nina"}
    [change] = kept(home)
    assert (change.label, change.id) == ("User", "nina")
    assert json.loads(change.properties) == {"anonymous": False, "age": "45-59", "visits": 3.0}


def test_good_ones_are_kept_beside_bad_ones(served: TestClient, home: Path) -> None:
    items = [{"product_id": "jam", "price": 1.5}, {"price": 2}, {"product_id": "tea", "price": -1}]
    body = served.put("/v1/products", json={"products": items}).json()
    assert body["accepted"] == [{"index": 0, "id": "jam"}]
    assert [(r["index"], r["detail"]) for r in body["refused"]] == [
        (1, "product_id: Field required"),
        (2, "price: Input should be greater than or equal to 0"),
    ]
    assert {r["type"] for r in body["refused"]} == {"urn:coterie:problem:invalid-item"}
    assert [change.id for change in kept(home)] == ["jam"]


def test_customers_are_kept_in_order(served: TestClient, home: Path) -> None:
    users = [{"user_id": "ann", "attributes": {"age": age}} for age in ("1", "2")]
    body = served.put("/v1/users", json={"users": [*users, {"user_id": "bob"}]}).json()
    assert [one["id"] for one in body["accepted"]] == ["ann", "ann", "bob"]
    assert [c.properties for c in kept(home)] == ['{"age": "1"}', '{"age": "2"}', "{}"]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"category_id": "nowhere"}, "category_id", "expected a category of the published build"),
        ({"price": "2"}, "price", "valid number"),
        ({"colour": "red"}, "colour", "Extra inputs are not permitted"),
        ({"attributes": {"stock": "many"}}, "attributes.stock", "expected a number, found 'many'"),
        ({"attributes": {"stock": True}}, "attributes.stock", "expected a number, found True"),
        ({"attributes": {"Colour": "red"}}, "attributes.Colour", "lower-case letters"),
        ({"attributes": {"id": "x"}}, "attributes.id", "no field of its own"),
        ({"attributes": {"tags": ["a"]}}, "attributes.tags", "expected a text of at most 10,000"),
        ({"attributes": {"width": 1e16}}, "attributes.width", "a number between"),
        ({"attributes": {f"a{i}": 1 for i in range(101)}}, "attributes", "at most 100 items"),
        ({"title": "\ud800"}, "title", "valid string"),
    ],
)
def test_what_is_wrong_is_told(
    served: TestClient, home: Path, change: dict[str, Any], field: str, message: str
) -> None:
    headers = {"Content-Type": "application/json"}
    alone = served.put("/v1/products/jam", content=json.dumps(change), headers=headers)
    listed = json.dumps({"products": [{"product_id": "jam", **change}]})
    several = served.put("/v1/products", content=listed, headers=headers)
    for response, place in ((alone, "body"), (several, "body.products.0")):
        assert response.status_code == 422, response.text
        assert response.json()["type"] == "urn:coterie:problem:invalid-request"
        error = response.json()["errors"][0]
        assert error["field"] == f"{place}.{field}" and message in error["message"]
    assert kept(home) == []


def test_a_customers_values_keep_their_types(served: TestClient, home: Path) -> None:
    assert served.put("/v1/users/ann", json={"anonymous": 0}).status_code == 422
    refused = served.put("/v1/users/ann", json={"attributes": {"visits": 2.5}})
    assert refused.status_code == 422
    assert "expected a whole number, found 2.5" in refused.json()["detail"]
    assert kept(home) == []


def test_a_mistyped_path_makes_no_product(served: TestClient, home: Path) -> None:
    response = served.put("/v1/products/jam/similar", json={"price": 2})
    assert response.status_code == 405
    assert kept(home) == []


def test_more_than_a_request_may_bring_is_refused_as_a_whole(
    served: TestClient, home: Path
) -> None:
    response = served.put("/v1/users", json={"users": [{"user_id": f"u{i}"} for i in range(4)]})
    assert response.status_code == 422
    assert response.json()["detail"] == "body.users: expected at most 3 users"
    assert kept(home) == []


def test_where_nothing_can_be_kept_nothing_is_acknowledged(home: Path) -> None:
    scarce = client(live=Live(home, home / "none.lbug", EventsConfig(reserve_mb=1e12)))
    response = scarce.put("/v1/users/ann", json={})
    assert response.status_code == 503
    assert response.json()["type"] == "urn:coterie:problem:event-queue-unavailable"
    assert "then send the changes again" in response.json()["detail"]
    assert client().put("/v1/users/ann", json={}).status_code == 503
