"""Keys: each opens its own routes and no other, from its own origins, and is never told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_fixture import TinyService
from fastapi.routing import APIRoute
from shops import Ran, coterie
from starlette.testclient import TestClient

from api.access.audit import Audit, audit_file
from api.access.check import Access, Needs, is_loopback
from api.access.keys import SCOPES, KeyFile, Scope, key_file
from api.access.rate import Rates
from api.app import BESIDE, RESOURCES, create_app
from api.models.quality import BuildProgress
from loaders.errors import ConfigError, SnapshotMissing

SHOP = "https://shop.example"


class Builds:
    """Two builds, the second published."""

    def __init__(self) -> None:
        self.published = "b2"

    def builds(self) -> list[str]:
        return ["b1", "b2"]

    def current(self) -> str:
        return self.published

    def previous(self) -> str:
        return "b1"

    def publish(self, build: str) -> None:
        self.published = build

    def summary(self, build: str) -> Any:
        raise SnapshotMissing("these builds are names only")

    def quality(self, build: str | None = None) -> Any:
        raise SnapshotMissing("these builds are names only")

    def progress(self) -> BuildProgress:
        return BuildProgress(running=False)


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(key_file(tmp_path))


def client(
    keys: KeyFile,
    tmp_path: Path,
    *,
    local: bool = False,
    base: str = "http://127.0.0.1",
    at: str = "127.0.0.1",
    builds: Builds | None = None,
) -> TestClient:
    service = TinyService()
    access = Access(keys, Audit(audit_file(tmp_path)), local=local)
    app = create_app(lambda: service, access=access, builds=builds or Builds())
    return TestClient(app, base, raise_server_exceptions=False, client=(at, 50_000))


def made(keys: KeyFile, *scopes: Scope, **more: Any) -> dict[str, str]:
    """Headers with a new key."""
    _, token = keys.create("test", scopes, **{"per_minute": 1_000, **more})
    return {"Authorization": f"Bearer {token}"}


BODIES: dict[str, Any] = {
    "/v1/basket/recommendations": {"product_ids": ["bread"]},
    "/v1/session/recommendations": {"events": []},
    "/v1/cypher": {"query": "MATCH (u:User) RETURN u.id"},
    "/v1/events": {"events": []},
    "/v1/snapshots/rollback": {},
}


IDS = {"user_id": "ann", "product_id": "bread", "segment_id": "breakfast"}


def routes() -> Iterator[tuple[str, str, tuple[Scope, ...]]]:
    """Method, an address and the scopes of every route that needs a key."""
    rooms = [("/v1", resource) for resource in RESOURCES] + [("", router) for router in BESIDE]
    for prefix, route in ((prefix, route) for prefix, router in rooms for route in router.routes):
        assert isinstance(route, APIRoute)
        needs = [d.dependency for d in route.dependencies if isinstance(d.dependency, Needs)]
        path = re.sub(r"{(\w+)(:\w+)?}", lambda found: IDS.get(found[1], "any"), route.path)
        for method in sorted(route.methods):
            yield method, f"{prefix}{path}", needs[0].scopes


ROUTES = list(routes())


def test_every_route_has_its_scope() -> None:
    assert len(ROUTES) >= 19
    assert {path for _, path, scopes in ROUTES if not scopes} == {"/v1/build", "/v1/key"}


@pytest.mark.parametrize(("method", "path", "scopes"), ROUTES, ids=lambda value: str(value))
def test_a_key_opens_its_own_routes_and_no_other(
    keys: KeyFile, tmp_path: Path, method: str, path: str, scopes: tuple[Scope, ...]
) -> None:
    asked = client(keys, tmp_path)

    def status(headers: dict[str, str]) -> int:
        return asked.request(method, path, json=BODIES.get(path), headers=headers).status_code

    assert status({}) == 401
    for scope in SCOPES:
        found = status(made(keys, scope))
        if scopes and scope not in scopes:
            assert found == 403, scope
        else:
            assert found not in (401, 403), scope


def test_a_route_without_a_scope_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    from api.routes import build

    route = build.router.routes[0]
    monkeypatch.setattr(route, "dependencies", [])
    with pytest.raises(RuntimeError, match="which key it takes"):
        create_app(lambda: TinyService())


def test_health_and_the_page_need_none(keys: KeyFile, tmp_path: Path) -> None:
    asked = client(keys, tmp_path)
    for path in ("/health/live", "/health/ready", "/", "/docs", "/openapi.json", "/static/app.js"):
        assert asked.get(path).status_code == 200, path


def test_what_opens_nothing(keys: KeyFile, tmp_path: Path) -> None:
    asked = client(keys, tmp_path)
    key, token = keys.create("k", ["storefront"], per_minute=100)
    other, _ = keys.create("l", ["storefront"], per_minute=100)
    secret = token.rpartition("_")[2]
    wrong = ["", "x", secret, f"coterie_{other.id}_{secret}", f"other_{key.id}_{secret}"]
    wrong += [token[:-1], token + "0", f"coterie_{key.id}_{key.digest}", f"coterie__{'0' * 64}"]
    for guess in wrong:
        reply = asked.get("/v1/build", headers={"Authorization": f"Bearer {guess}"})
        assert reply.status_code == 401, guess
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert token not in reply.text
    assert asked.get("/v1/build", headers={"Authorization": f"Basic {token}"}).status_code == 401
    assert asked.get("/v1/build", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_the_file_holds_no_key_and_is_the_owners(keys: KeyFile, tmp_path: Path) -> None:
    _, token = keys.create("k", ["admin"], per_minute=1)
    text = key_file(tmp_path).read_text()
    assert token.rpartition("_")[2] not in text
    assert key_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_rotation_expiry_and_revocation_take_effect_in_a_running_server(
    keys: KeyFile, tmp_path: Path
) -> None:
    asked, beside = client(keys, tmp_path), KeyFile(key_file(tmp_path))

    def opens(token: str) -> bool:
        return asked.get("/v1/build", headers={"Authorization": f"Bearer {token}"}).is_success

    key, old = beside.create("k", ["storefront"], per_minute=100)
    _, new = beside.rotate(key.id, grace_hours=1)
    assert opens(old) and opens(new)
    _, newest = beside.rotate(key.id, grace_hours=0)
    assert (opens(old), opens(new), opens(newest)) == (False, False, True)
    _, brief = beside.create("k", ["storefront"], per_minute=100, days=1e-9)
    assert not opens(brief)
    beside.revoke(key.id)
    assert not opens(newest)


def test_open_to_this_machine_only_until_there_is_a_key(keys: KeyFile, tmp_path: Path) -> None:
    def status(headers: dict[str, str] | None = None, **where: Any) -> int:
        return client(keys, tmp_path, **where).get("/v1/build", headers=headers).status_code

    assert status(local=True) == 200
    assert status(local=True, base="http://localhost:8000", at="::1") == 200
    assert status({"Origin": "http://localhost:3000"}, local=True) == 200
    assert status(local=False) == 401
    assert status(local=True, at="10.0.0.7") == 401
    assert status(local=True, base="http://evil.example") == 401  # a name that leads to 127.0.0.1
    assert status({"Origin": "https://evil.example"}, local=True) == 401
    assert status({"Origin": "null"}, local=True) == 401
    assert status({"X-Forwarded-For": "10.0.0.7"}, local=True) == 401
    keys.create("k", ["storefront"], per_minute=1)
    assert status(local=True) == 401


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_key_for_a_page_is_for_that_page(keys: KeyFile, tmp_path: Path) -> None:
    asked = client(keys, tmp_path)
    headers = made(keys, "storefront", origins=[SHOP + "/"])
    free = made(keys, "storefront")
    good = asked.get("/v1/build", headers={**headers, "Origin": SHOP})
    assert good.status_code == 200
    assert good.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Origin" in good.headers["Vary"]
    for origin in ({"Origin": "https://evil.example"}, {}):
        reply = asked.get("/v1/build", headers={**headers, **origin})
        assert reply.status_code == 403
        assert "Access-Control-Allow-Origin" not in reply.headers
    # A key without origins serves programs; a page elsewhere cannot read what it gets.
    reply = asked.get("/v1/build", headers={**free, "Origin": "https://evil.example"})
    assert reply.status_code == 200
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_preflight(keys: KeyFile, tmp_path: Path) -> None:
    asked = client(keys, tmp_path)
    made(keys, "storefront", origins=[SHOP])
    wish = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    good = asked.options("/v1/events", headers={"Origin": SHOP, **wish})
    assert good.status_code == 204
    assert good.headers["Access-Control-Allow-Origin"] == SHOP
    assert "authorization" in good.headers["Access-Control-Allow-Headers"]
    bad = asked.options("/v1/events", headers={"Origin": "https://evil.example", **wish})
    assert bad.status_code == 403
    assert "Access-Control-Allow-Origin" not in bad.headers


@pytest.mark.parametrize(
    "text", ["shop.example", "*", "https://", "https://*.shop", "ftp://a", "https://a/b"]
)
def test_what_is_no_origin(keys: KeyFile, text: str) -> None:
    with pytest.raises(ConfigError, match="is no origin"):
        keys.create("k", ["storefront"], origins=[text], per_minute=1)


def test_rates_by_hand() -> None:
    now = 0.0
    rates = Rates(lambda: now)
    assert [rates.wait("a", 2) for _ in range(3)] == [0, 0, 30]  # two at once, then one in 30 s
    assert rates.wait("b", 2) == 0
    now = 30.0
    assert [rates.wait("a", 2) for _ in range(2)] == [0, 30]
    now = 1_000.0
    assert [rates.wait("a", 2) for _ in range(3)] == [0, 0, 30]  # no more than a minute's worth


def test_too_many_requests(keys: KeyFile, tmp_path: Path) -> None:
    asked, headers = client(keys, tmp_path), made(keys, "storefront", per_minute=1)
    assert asked.get("/v1/build", headers=headers).status_code == 200
    reply = asked.get("/v1/build", headers=headers)
    assert reply.status_code == 429
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    assert reply.json()["type"] == "urn:coterie:problem:too-many-requests"
    assert reply.json()["retryable"] is True


def test_what_is_read_of_customers_is_noted(keys: KeyFile, tmp_path: Path) -> None:
    asked = client(keys, tmp_path)
    headers = made(keys, "marketer", "analyst", "storefront")
    asked.get("/v1/segments/breakfast/users?limit=2", headers=headers)
    asked.post("/v1/cypher", json={"query": "MATCH (u:User) RETURN u.id"}, headers=headers)
    asked.get("/v1/segments", headers=headers)
    asked.get("/v1/users/ann", headers={})  # refused, so nothing was read
    noted = list(Audit(audit_file(tmp_path)).lines())
    assert [(n["path"], n["query"]) for n in noted] == [
        ("/v1/segments/breakfast/users", "limit=2"),
        ("/v1/cypher", ""),
    ]
    assert {n["name"] for n in noted} == {"test"}
    assert audit_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_noted_is_not_handed_out(keys: KeyFile, tmp_path: Path) -> None:
    audit_file(tmp_path).mkdir()
    headers = made(keys, "marketer")
    reply = client(keys, tmp_path).get("/v1/users/ann", headers=headers)
    assert reply.status_code == 503
    assert "audit log" in reply.json()["detail"]


def test_rollback_over_http(keys: KeyFile, tmp_path: Path) -> None:
    builds = Builds()
    asked, headers = client(keys, tmp_path, builds=builds), made(keys, "admin")

    def post(body: dict[str, Any]) -> Any:
        return asked.post("/v1/snapshots/rollback", json=body, headers=headers)

    assert asked.get("/v1/snapshots", headers=headers).json() == {
        "builds": ["b1", "b2"],
        "published": "b2",
    }
    assert post({}).json() == {"published": "b1"}
    assert post({"build": "b2"}).json() == {"published": "b2"}
    reply = post({"build": "b3"})
    assert (reply.status_code, builds.published) == (404, "b2")
    assert reply.json()["detail"] == "there is no build 'b3'; there are: b1, b2"


def test_request_ids(keys: KeyFile, tmp_path: Path) -> None:
    asked = client(keys, tmp_path)
    mine = asked.get("/health/live", headers={"X-Request-Id": "order-7"})
    assert mine.headers["X-Request-Id"] == "order-7"
    made_up = [asked.get("/v1/nothing", headers={"X-Request-Id": "a b"}) for _ in range(2)]
    ids = {reply.headers["X-Request-Id"] for reply in made_up}
    assert len(ids) == 2 and "a b" not in ids


def test_damaged_keys(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = key_file(tmp_path)
    path.write_text("{")
    with pytest.raises(ConfigError, match="restore the file from a backup"):
        KeyFile(path)
    path.unlink()
    keys = KeyFile(path)
    _, token = keys.create("k", ["admin"], per_minute=1)
    path.write_text("{")
    assert keys.find(token) is not None  # a server goes on with what it knew
    assert "cannot be read" in caplog.text


def test_the_command_line(tmp_path: Path) -> None:
    def keys(*arguments: str) -> Ran:
        return coterie("keys", *arguments, "--home", tmp_path)

    pages = keys("create", "pages", "--scope", "storefront", "--origin", SHOP, "--json").json
    assert pages["origins"] == SHOP
    assert KeyFile(key_file(tmp_path)).find(pages["key"]) is not None
    listed = keys("list", "--json").json
    assert [k["id"] for k in listed] == [pages["id"]]
    assert "key" not in listed[0]
    refused = keys("create", "x", "--scope", "admin", "--origin", SHOP)
    assert refused.code == 4
    assert "make two keys" in refused.err
    assert "there are: storefront, analyst" in keys("create", "x", "--scope", "owner").err
    assert f"there are: {pages['id']}" in keys("revoke", "nope").err
    assert keys("revoke", pages["id"]).code == 0
    assert keys("list", "--json").json == []
    assert "make one" in keys("list").err
