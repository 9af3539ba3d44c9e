"""Queries that are asked again are answered as if they were new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from api_client import client
from api_fixture import TinyService
from fastapi import APIRouter, FastAPI, Request
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.testclient import TestClient

import api.routes.remembered as remembered
from api.access.audit import Audit, audit_file
from api.access.check import Access
from api.access.keys import KeyFile, key_file
from api.app import create_app
from api.models.base import Product, trusted
from api.models.lists import RecommendedProduct
from api.routes.common import STOREFRONT

QUERIES = [
    "", "k=2", "k=2&mode=discover", "k=0", "mode=none", "exclude=jam&exclude=bread", "lang=zh",
    "lang=zh&k=1&max_price=3", "category=none", "min_price=9&max_price=1", "unknown=1", "k=%32",
]  # fmt: skip


@pytest.fixture(scope="module")
def served() -> TestClient:
    return client()


def seen(reply: Any) -> tuple[int, bytes, dict[str, str]]:
    headers = {k: v for k, v in reply.headers.items() if k != "x-request-id"}
    return reply.status_code, reply.content, headers


@settings(deadline=None, max_examples=40)
@given(
    asked=st.lists(
        st.tuples(
            st.sampled_from(QUERIES),
            st.sampled_from(["ann", "bob", "nobody", "a%2Fb", "a/b"]),
            st.sampled_from(["", "zh", "en;q=0.1, zh"]),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_answers_are_those_of_a_server_that_remembers_nothing(
    served: TestClient, asked: list[tuple[str, str, str]]
) -> None:
    for query, user, language in asked:
        path = f"/v1/users/{user}/recommendations?{query}"
        headers = {"Accept-Language": language}
        # What is longer than any query may be is not kept, and changes nothing.
        new = f"{path}&unknown={'x' * remembered.LONGEST}"
        again, fresh = seen(served.get(path, headers=headers)), served.get(new, headers=headers)
        assert again == seen(fresh)


def test_a_route_with_a_parameter_that_is_not_kept_is_parsed_each_time() -> None:
    calls: list[dict[str, Any]] = []
    router = APIRouter(route_class=remembered.RememberingRoute)

    @router.get("/{user_id}", dependencies=STOREFRONT)
    async def route(service: int, user_id: str, request: Request, k: int = 1) -> Response:
        calls.append({"user": user_id, "k": k})
        remembered.remember(request, **({"k": k} if k == 2 else {}))
        return Response()

    app = FastAPI()
    app.state.access, app.state.current = None, lambda: 7
    app.include_router(router)
    asked = TestClient(app)
    for user, k in (("a", 2), ("b", 2), ("a", 3), ("b", 3)):
        assert asked.get(f"/{user}?service=7&k={k}").status_code == 200
    assert calls == [{"user": u, "k": k} for u, k in (("a", 2), ("b", 2), ("a", 3), ("b", 3))]


def test_the_key_is_looked_at_each_time(tmp_path: Path) -> None:
    keys, service = KeyFile(key_file(tmp_path)), TinyService()
    access = Access(keys, Audit(audit_file(tmp_path)), local=False)
    asked = TestClient(create_app(lambda: service, access=access))
    key, token = keys.create("k", ["storefront"], per_minute=100)
    _, other = keys.create("m", ["marketer"], per_minute=100)

    def status(token: str | None) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return asked.get("/v1/users/ann/recommendations?k=2", headers=headers).status_code

    assert [status(t) for t in (token, token, None, other, "x")] == [200, 200, 401, 403, 401]
    keys.revoke(key.id)
    assert status(token) == 401


def test_no_more_queries_are_kept_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST", 2)
    served = client()
    for _ in range(2):
        for k in (1, 2, 3, 4):
            found = served.get(f"/v1/users/ann/recommendations?k={k}").json()
            assert len(found["items"]) == k


def test_what_is_made_without_a_check_is_what_a_check_would_make() -> None:
    made = trusted(
        RecommendedProduct,
        rank=1,
        score=0.5,
        product=trusted(Product, product_id="a", title="A"),
        source="blend",
        reasons=[],
    )
    checked = RecommendedProduct(
        rank=1, score=0.5, product=Product(product_id="a", title="A"), source="blend", reasons=[]
    )
    assert made == checked and made.model_dump_json() == checked.model_dump_json()
