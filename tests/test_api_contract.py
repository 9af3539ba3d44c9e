"""What holds for the whole API: documented, light, safe, compressed."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_client import client

import api
import api.models
from api.app import STATIC
from api.models.base import Answer

ROOT = Path(__file__).parent.parent
HEAVY = (
    "torch", "torch_geometric", "mlxtend", "pandas", "sklearn", "scipy.stats", "opentelemetry.sdk"
)  # fmt: skip
PROBLEM = {"$ref": "#/components/schemas/Problem"}
ELSEWHERE = re.compile(r"""(?:https?:)?//(?!www\.w3\.org/(?:2000/svg|1999/xlink))[\w-]+\.[\w.-]+""")


def document() -> dict[str, Any]:
    found: dict[str, Any] = client().get("/openapi.json").json()
    return found


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def test_there_are_all_routes() -> None:
    assert {(m, p) for p, m, _ in operations()} == {
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/metrics"),
        ("GET", "/v1/build"),
        ("GET", "/v1/build/progress"),
        ("GET", "/v1/key"),
        ("GET", "/v1/quality"),
        ("GET", "/v1/snapshots/{build}"),
        ("GET", "/v1/lifecycle"),
        ("GET", "/v1/trend"),
        ("GET", "/v1/customer-map"),
        ("GET", "/v1/products/{product_id}/buyers"),
        ("GET", "/v1/users/{user_id}/timeline"),
        ("GET", "/v1/audience-choices"),
        ("GET", "/v1/events/flow"),
        ("GET", "/v1/snapshots"),
        ("POST", "/v1/snapshots/rollback"),
        ("GET", "/v1/categories"),
        ("GET", "/v1/customers/{user_id}"),
        ("GET", "/v1/customers/{user_id}/profile"),
        ("GET", "/v1/stages/{stage}/actions"),
        ("GET", "/v1/products"),
        ("GET", "/v1/schema"),
        ("GET", "/v1/products/{product_id}"),
        ("GET", "/v1/products/{product_id}/bought-together"),
        ("GET", "/v1/products/{product_id}/similar"),
        ("GET", "/v1/segments"),
        ("GET", "/v1/segments/changes"),
        ("GET", "/v1/segments/{segment_id}"),
        ("GET", "/v1/segments/{segment_id}/actions"),
        ("GET", "/v1/segments/{segment_id}/profile"),
        ("GET", "/v1/segments/{segment_id}/users"),
        ("GET", "/v1/audiences"),
        ("POST", "/v1/audiences/estimate"),
        ("POST", "/v1/audiences/diff"),
        ("POST", "/v1/audiences/refresh"),
        ("PUT", "/v1/audiences/{name}"),
        ("GET", "/v1/audiences/{name}"),
        ("DELETE", "/v1/audiences/{name}"),
        ("GET", "/v1/audiences/{name}/cypher"),
        ("GET", "/v1/audiences/{name}/explain"),
        ("GET", "/v1/audiences/{name}/members"),
        ("GET", "/v1/campaigns"),
        ("GET", "/v1/campaigns/{campaign}"),
        ("DELETE", "/v1/campaigns/{campaign}"),
        ("GET", "/v1/experiments"),
        ("POST", "/v1/experiments"),
        ("GET", "/v1/experiments/options"),
        ("POST", "/v1/experiments/plan"),
        ("GET", "/v1/experiments/{experiment}"),
        ("PUT", "/v1/experiments/{experiment}"),
        ("DELETE", "/v1/experiments/{experiment}"),
        ("POST", "/v1/experiments/{experiment}/start"),
        ("POST", "/v1/experiments/{experiment}/stop"),
        ("GET", "/v1/merchandising"),
        ("POST", "/v1/merchandising"),
        ("POST", "/v1/merchandising/preview"),
        ("GET", "/v1/merchandising/{rule}"),
        ("PUT", "/v1/merchandising/{rule}"),
        ("DELETE", "/v1/merchandising/{rule}"),
        ("GET", "/v1/merchandising/{rule}/history"),
        ("PUT", "/v1/users"),
        ("PUT", "/v1/users/{user_id}"),
        ("PUT", "/v1/products"),
        ("PUT", "/v1/products/{product_id}"),
        ("GET", "/v1/users"),
        ("GET", "/v1/users/{user_id}"),
        ("DELETE", "/v1/users/{user_id}"),
        ("GET", "/v1/users/{user_id}/recommendations"),
        ("POST", "/v1/basket/recommendations"),
        ("POST", "/v1/cypher"),
        ("POST", "/v1/session/recommendations"),
        ("POST", "/v1/events"),
    }


def test_every_route_shows_an_example_and_its_problems() -> None:
    schemas = document()["components"]["schemas"]
    for path, method, operation in operations():
        ((media, content), *_) = operation["responses"]["200"]["content"].items()
        if media == "application/json":
            name = content["schema"]["$ref"].rpartition("/")[2]
            content = schemas[name]
        assert content.get("examples") or content["example"], (method, path)
        assert operation["description"], (method, path)
        for status, response in operation["responses"].items():
            if status == "304":
                assert "content" not in response
            elif status != "200":
                assert response["content"] == {"application/problem+json": {"schema": PROBLEM}}
        if "requestBody" in operation:
            body = operation["requestBody"]["content"]["application/json"]["schema"]
            assert schemas[body["$ref"].rpartition("/")[2]]["examples"]


def _models() -> Iterator[type[Answer]]:
    for module in pkgutil.iter_modules(api.models.__path__, "api.models."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Answer):
                yield value


def test_examples_are_valid_answers() -> None:
    shown = [(m, e) for m in _models() for e in m.model_json_schema().get("examples", [])]
    assert len(shown) > 12
    for model, example in shown:
        model.model_validate(example)


def test_every_route_has_its_heading_in_the_reference() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^### `(.+)`$", text, re.MULTILINE))
    assert headings == {f"{method} {path}" for path, method, _ in operations()}


def test_every_kind_of_problem_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    source = "".join(
        p.read_text(encoding="utf-8") for p in (ROOT / "tests").glob("test_api_problems.py")
    )
    slugs = set(re.findall(r'4\d\d,\s+"([a-z-]+)"', source))
    assert len(slugs) > 8
    for slug in slugs | {"snapshot-missing", "store-unavailable", "internal-server-error"}:
        assert f"`{slug}`" in text


def test_importing_the_app_loads_nothing_heavy() -> None:
    code = f"""
import json, sys
from api.app import create_app
create_app(lambda: None)
print(json.dumps([m for m in {HEAVY} if m in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout) == []


def test_all_modules_name_what_is_public() -> None:
    for module in pkgutil.walk_packages(api.__path__, "api."):
        if not module.ispkg:
            loaded = importlib.import_module(module.name)
            assert set(loaded.__all__) <= set(vars(loaded)), module.name


@pytest.mark.parametrize("file", sorted(p for p in STATIC.rglob("*") if p.is_file()), ids=str)
def test_the_page_names_no_other_host(file: Path) -> None:
    assert ELSEWHERE.findall(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_load_only_what_this_server_has(path: str) -> None:
    served = client()
    page = served.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert ELSEWHERE.findall(page.text) == []
    links = re.findall(r'(?:src|href)="(/[^"#]+)"', page.text)
    assert len(links) >= 3
    for link in links:
        assert served.get(link).status_code == 200, link


def test_modules_of_the_page_are_all_served() -> None:
    served = client()
    for file in STATIC.rglob("*.js"):
        for name in re.findall(r'from "(\.[^"]+)"', file.read_text(encoding="utf-8")):
            target = (file.parent / name).resolve().relative_to(STATIC)
            response = served.get(f"/static/{target}")
            assert "javascript" in response.headers["content-type"], target


def test_security_headers_are_on_every_answer() -> None:
    for path in ("/", "/docs", "/v1/build", "/static/app.js", "/nothing"):
        headers = client().get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
    assert client().get("/v1/users/ann").headers["cache-control"] == "no-store"


def test_large_answers_are_compressed_and_small_ones_not() -> None:
    served = client(gzip_bytes=500)
    assert served.get("/v1/segments").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in served.get("/health/live").headers


def test_the_favicon_is_served() -> None:
    assert client().get("/favicon.ico").headers["content-type"] == "image/svg+xml"
