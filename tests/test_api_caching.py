"""What clients may keep, and pages of what is long."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from api_client import client
from api_fixture import TinyService
from api_shop import PRODUCTS
from starlette.testclient import TestClient

BY_BUILD = ["/v1/build", "/v1/segments", "/v1/segments/changes", "/v1/segments/breakfast"]
BY_BODY = [
    "/v1/schema",
    "/v1/categories",
    "/v1/products/bread",
    "/v1/products/bread/similar",
    "/v1/products/bread/bought-together",
]


def ask(served: TestClient, path: str, tag: str) -> int:
    return served.get(path, headers={"If-None-Match": tag}).status_code


@pytest.mark.parametrize("path", [*BY_BUILD, *BY_BODY])
def test_what_did_not_change_is_not_sent_again(path: str) -> None:
    served = client()
    whole = served.get(path)
    tag = whole.headers["etag"]
    assert (whole.status_code, whole.headers["cache-control"]) == (200, "private, no-cache")
    again = served.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["cache-control"] == "private, no-cache"
    assert ask(served, path, '"other"') == 200
    assert ask(served, path, "*") == 304


@pytest.mark.parametrize("path", BY_BUILD)
def test_another_build_is_another_answer(path: str) -> None:
    tag = client().get(path).headers["etag"]
    assert ask(client(TinyService(build="build-2")), path, tag) == 200


def test_another_product_is_another_answer() -> None:
    tags = {client().get(f"/v1/products/{quote(p, '')}").headers["etag"] for p in PRODUCTS}
    assert len(tags) == len(PRODUCTS)


def test_what_is_not_there_is_so_whatever_a_client_kept() -> None:
    assert ask(client(), "/v1/segments/none", "*") == 404


@pytest.mark.parametrize(
    "path",
    ["/v1/users", "/v1/users/ann", "/v1/users/ann/recommendations", "/v1/segments/breakfast/users"],
)
def test_what_names_customers_is_never_kept(path: str) -> None:
    headers = client().get(path).headers
    assert "etag" not in headers and headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "key", "name"),
    [("/v1/users", "users", "user_id"), ("/v1/products", "products", "product_id")],
)
def test_pages_make_up_the_whole(path: str, key: str, name: str) -> None:
    served = client()
    whole = [one[name] for one in served.get(path, params={"limit": 100}).json()[key]]
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = served.get(path, params=asked).json()
        found += [one[name] for one in page[key]]
        cursor, pages = page["next_cursor"], pages + 1
    assert found == whole and pages == -(-len(whole) // 2) > 1


def test_a_cursor_of_another_build_is_refused() -> None:
    cursor = client().get("/v1/products?limit=2").json()["next_cursor"]
    later = client(TinyService(build="build-2"))
    assert later.get("/v1/products", params={"cursor": cursor}).status_code == 409
    assert later.get("/v1/users", params={"cursor": "nonsense"}).status_code == 422


@pytest.mark.parametrize(("path", "size"), [("/v1/users", 4), ("/v1/segments/breakfast/users", 2)])
def test_all_come_as_lines(path: str, size: int) -> None:
    reply = client().get(path, headers={"Accept": "application/x-ndjson"})
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert reply.headers["vary"].startswith("Accept")
    found = [json.loads(line) for line in reply.text.splitlines()]
    assert found == client().get(path, params={"limit": 100}).json()["users"]
    assert len(found) >= size
