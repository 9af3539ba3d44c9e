"""Every error has one body, whoever noticed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from api_client import client
from api_fixture import TinyService
from starlette.testclient import TestClient

from api.app import create_app
from api.cursors import encode
from api.problems import Problem
from loaders.errors import DataError, SnapshotMissing, StoreUnavailable

Call = Callable[[TestClient], Any]


def _get(path: str) -> Call:
    return lambda c: c.get(path)


def _post(path: str, **body: Any) -> Call:
    return lambda c: c.post(path, json=body)


CASES: dict[str, tuple[Call, int, str, str]] = {
    "user": (_get("/v1/users/x"), 404, "unknown-user", "no customer has the id 'x'"),
    "product": (_get("/v1/products/x"), 404, "unknown-product", "no product has the id 'x'"),
    "similar": (
        _get("/v1/products/x/similar"),
        404,
        "unknown-product",
        "no product has the id 'x'",
    ),
    "together": (
        _get("/v1/products/x/bought-together"),
        404,
        "unknown-product",
        "no product has the id 'x'",
    ),
    "segment": (_get("/v1/segments/x"), 404, "unknown-segment", "no segment has the id 'x'"),
    "members": (_get("/v1/segments/x/users"), 404, "unknown-segment", "no segment has the id 'x'"),
    "category": (
        _get("/v1/users/ann/recommendations?category=x"),
        404,
        "unknown-category",
        "no category has the id 'x'",
    ),
    "query": (
        _post("/v1/cypher", query="MATCH (n) DELETE n"),
        400,
        "query",
        "only reading queries are allowed; remove the clause DELETE",
    ),
    "route": (
        _get("/v1/nothing"),
        404,
        "not-found",
        "there is nothing at /v1/nothing; /docs lists what there is",
    ),
    "file": (
        _get("/static/none.js"),
        404,
        "not-found",
        "there is nothing at /static/none.js; /docs lists what there is",
    ),
    "method": (
        _post("/v1/build"),
        405,
        "method-not-allowed",
        "POST is not possible here; see the Allow header",
    ),
    "range": (
        _get("/v1/users/ann/recommendations?k=101"),
        422,
        "invalid-request",
        "query.k: Input should be less than or equal to 100",
    ),
    "mode": (
        _get("/v1/users/ann/recommendations?mode=some"),
        422,
        "invalid-request",
        "query.mode: Input should be 'all', 'repeat' or 'discover'",
    ),
    "body": (
        _post("/v1/basket/recommendations", product_ids=[]),
        422,
        "invalid-request",
        "body.product_ids: List should have at least 1 item after validation, not 0",
    ),
    "cursor": (
        _get("/v1/segments/breakfast/users?cursor=rubbish"),
        422,
        "invalid-request",
        "query.cursor: expected the next_cursor of an earlier page",
    ),
    "old cursor": (
        _get(f"/v1/segments/breakfast/users?cursor={encode('older', 1)}"),
        409,
        "snapshot-changed",
        "a newer snapshot was published meanwhile; start again at the first page",
    ),
    "large": (
        _post("/v1/cypher", query="x" * 5_000),
        413,
        "body-too-large",
        "the body is larger than this server reads",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_problem(name: str) -> None:
    call, status, slug, detail = CASES[name]
    response = call(client(body_bytes=4_000))
    assert response.headers["content-type"] == "application/problem+json"
    body = Problem.model_validate_json(response.content)
    assert (response.status_code, body.status) == (status, status)
    assert (body.type, body.detail) == (f"urn:coterie:problem:{slug}", detail)
    assert body.retryable is False
    assert bool(body.errors) == (status == 422)
    assert response.headers["x-content-type-options"] == "nosniff"


def test_broken_json_is_a_problem() -> None:
    headers = {"Content-Type": "application/json"}
    response = client().post("/v1/cypher", content="{", headers=headers)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "body.1", "message": "JSON decode error"}]


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        ("/v1/cypher", b'{"query": "\xff"}', 400, "unreadable-body"),
        ("/v1/cypher", b'{"query": "MATCH \\ud800"}', 422, "invalid-request"),
        (
            "/v1/cypher",
            b'{"query": "MATCH", "parameters": {"a": "\\ud800"}}',
            422,
            "invalid-request",
        ),
        ("/v1/cypher", b'{"query": "MATCH", "seconds": NaN}', 422, "invalid-request"),
        ("/v1/cypher", b'{"query": "MATCH", "more": 1}', 422, "invalid-request"),
        ("/v1/basket/recommendations", b'{"product_ids": ["\\ud800"]}', 422, "invalid-request"),
    ],
)
def test_a_body_no_store_could_hold_is_a_problem(
    path: str, body: bytes, status: int, slug: str
) -> None:
    response = client().post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status
    assert response.json()["type"] == f"urn:coterie:problem:{slug}"


def test_a_body_of_unannounced_length_is_cut_off() -> None:
    chunks = (b"x" * 1_000 for _ in range(10))
    response = client(body_bytes=4_000).post("/v1/cypher", content=chunks)
    assert (response.status_code, response.json()["status"]) == (413, 413)


def test_the_path_of_a_problem_is_told_as_it_was_sent() -> None:
    body = client().get("/v1/products/a%2Fb%20c").json()
    assert body["instance"] == "/v1/products/a%2Fb%20c"
    assert body["detail"] == "no product has the id 'a/b c'"


def test_allowed_methods_are_named() -> None:
    assert client().post("/v1/build").headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (SnapshotMissing("nothing is published; run coterie build"), "snapshot-missing"),
        (StoreUnavailable("the store is locked"), "store-unavailable"),
    ],
)
def test_what_may_pass_is_retryable(error: Exception, slug: str) -> None:
    def current() -> TinyService:
        raise error

    served = TestClient(create_app(current), raise_server_exceptions=False)
    for path in ("/health/ready", "/v1/segments", "/v1/users/ann/recommendations"):
        response = served.get(path)
        assert response.status_code == 503
        assert response.json()["type"] == f"urn:coterie:problem:{slug}"
        assert response.json()["detail"] == str(error)
        assert response.json()["retryable"] is True
        assert response.headers["retry-after"] == "5"
    assert served.get("/health/live").status_code == 200
    assert served.get("/").status_code == 200


@pytest.mark.parametrize("error", [RuntimeError("secret"), DataError("secret")])
def test_a_mistake_of_the_server_tells_nothing_of_its_inside(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(TinyService):
        def user(self, user_id: str, history: int) -> Any:
            raise error

    response = client(Broken()).get("/v1/users/ann")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["content-security-policy"].startswith("default-src 'self'")
    assert response.json() == {
        "type": "urn:coterie:problem:internal-server-error",
        "title": "Internal server error",
        "status": 500,
        "detail": "the server failed at this request; its log says why",
        "instance": "/v1/users/ann",
        "retryable": False,
        "errors": [],
    }
    assert "secret" in caplog.text
