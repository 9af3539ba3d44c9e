"""The routes of audiences over a built shop."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from api_client import client
from api_fixture import TinyService
from starlette.testclient import TestClient

from api.app import create_app
from audiences.config import AudiencesConfig
from pipeline.audiences import Desk
from pipeline.home import Home

AISLE = {"kind": "bought", "category": "aisle-1", "times": 3}
Ask = Callable[..., Any]


@pytest.fixture
def http(own: Home) -> TestClient:
    desk = Desk(own, AudiencesConfig())
    return TestClient(create_app(TinyService, desk=desk), raise_server_exceptions=False)


def body(where: Any, name: str = "aisle") -> dict[str, Any]:
    return {"definition": {"name": name, "where": where}}


def test_an_audience_from_estimate_to_deletion(http: TestClient) -> None:
    told = http.post("/v1/audiences/estimate", json=body(AISLE)).json()
    assert told["size"] > 20 and told["minimum"] == 20 and len(told["segments"]) >= 3
    saved = http.put("/v1/audiences/aisle", json=body(AISLE)).json()
    assert saved == {"name": "aisle", "version": 1, "estimate": told}
    (one,) = http.get("/v1/audiences").json()["audiences"]
    assert (one["name"], one["last"]["size"], one["used_by"]) == ("aisle", told["size"], [])
    profile = http.get("/v1/audiences/aisle").json()
    assert profile["definition"]["where"] == {**AISLE, "category": ["aisle-1"]}
    assert [v["version"] for v in profile["versions"]] == [1] and len(profile["history"]) == 1
    assert http.get("/v1/audiences/aisle/cypher").json()["cypher"].startswith("// aisle")
    (change,) = http.post("/v1/audiences/diff", json=body({**AISLE, "times": 1})).json()["changes"]
    assert change["before"] == told["size"] and change["removed"] == 0
    refreshed = http.post("/v1/audiences/refresh", json={"names": ["aisle"]}).json()["audiences"]
    assert refreshed[0]["last"]["net"] == 0
    assert http.delete("/v1/audiences/aisle").json() == {"deleted": "aisle"}
    assert http.get("/v1/audiences").json() == {"audiences": []}


def test_members_as_pages_and_files(http: TestClient) -> None:
    size = http.put("/v1/audiences/aisle", json=body(AISLE)).json()["estimate"]["size"]
    path, columns = "/v1/audiences/aisle/members", {"column": ["user_id", "age"]}
    found, cursor = [], None
    while True:
        page = http.get(
            path, params={**columns, "limit": 50, **({"cursor": cursor} if cursor else {})}
        )
        found += page.json()["members"]
        if not (cursor := page.json()["next_cursor"]):
            break
    assert len(found) == page.json()["total"] == size and set(found[0]) == {"user_id", "age"}
    csv = http.get(path, params=columns, headers={"Accept": "text/csv"})
    assert csv.headers["content-disposition"] == 'attachment; filename="aisle.csv"'
    assert csv.text.splitlines()[0] == "user_id,age" and len(csv.text.splitlines()) == size + 1
    lines = http.get(path, params=columns, headers={"Accept": "application/x-ndjson"}).text
    assert [json.loads(line) for line in lines.splitlines()] == found
    parquet = http.get(path, params=columns, headers={"Accept": "application/vnd.apache.parquet"})
    assert pl.read_parquet(io.BytesIO(parquet.content)).to_dicts() == found


def test_a_customer_is_explained(http: TestClient) -> None:
    http.put("/v1/audiences/aisle", json=body(AISLE))
    told = http.get("/v1/audiences/aisle/explain", params={"user_id": "user-1"}).json()
    assert told["tree"]["met"] == told["member"] == (told["tree"]["found"]["times"] >= 3)
    assert told["tree"]["wanted"] == {"category": ["aisle-1"], "times": 3}
    missing = http.get("/v1/audiences/aisle/explain", params={"user_id": "nobody"})
    assert (missing.status_code, missing.json()["type"]) == (
        404,
        "urn:coterie:problem:unknown-user",
    )


def test_every_mistake_is_a_field_of_the_problem(http: TestClient) -> None:
    where = {"kind": "all", "of": [{"kind": "bought", "category": "aisle-9"}, {"kind": "stage"}]}
    for wrong, fields in (
        (where, ["definition.where.of.1.any_of"]),
        ({"kind": "all", "of": where["of"][:1]}, ["definition.where.of.0.category.0"]),
        ({"kind": "audience", "name": "aisle"}, ["definition.where.name"]),
        (5, ["definition.where"]),
    ):
        reply = http.post("/v1/audiences/estimate", json=body(wrong))
        assert reply.status_code == 422 and reply.json()["type"].endswith(":invalid-audience")
        assert [e["field"] for e in reply.json()["errors"]] == fields
    reply = http.put("/v1/audiences/other", json=body(AISLE))
    assert reply.json()["errors"] == [
        {"field": "definition.name", "message": "is 'aisle', but the path says 'other'"}
    ]
    assert http.post("/v1/audiences/estimate", json={"definition": 3}).status_code == 422


def test_too_few_are_refused_and_unknown_names_not_found(http: TestClient) -> None:
    few = {"kind": "similar", "users": ["user-1"], "top": 5}
    assert http.put("/v1/audiences/few", json=body(few, "few")).json()["estimate"]["size"] is None
    for accept in ("application/json", "text/csv"):
        reply = http.get("/v1/audiences/few/members", headers={"Accept": accept})
        assert (reply.status_code, reply.json()["title"]) == (422, "Audience too small")
    for method, path in (
        ("GET", "/v1/audiences/none"),
        ("DELETE", "/v1/audiences/none"),
        ("GET", "/v1/audiences/none/members"),
        ("GET", "/v1/audiences/none/cypher"),
    ):
        reply = http.request(method, path)
        assert (reply.status_code, reply.json()["title"]) == (404, "Unknown audience")
    unknown = http.get("/v1/audiences/few/members", params={"column": "phone"})
    assert unknown.status_code == 422


def test_a_server_without_a_home_keeps_no_audiences() -> None:
    reply = client().get("/v1/audiences")
    assert (reply.status_code, reply.json()["title"]) == (503, "Snapshot missing")
