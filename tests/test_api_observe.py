"""What a server tells of itself: its metrics, its log, and which products it lists."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from api_fixture import TinyService
from starlette.testclient import TestClient

from api.app import create_app
from api.live import Live
from api.observe.logs import ACCESS, AccessLog, JsonLines
from api.observe.metrics import Metrics
from api.observe.shown import Marks, Shown
from api.settings import ApiSettings
from events.config import EventsConfig
from events.event import ShopEvent
from events.queue import EventQueue, queue_file
from loaders.errors import SnapshotMissing

ROOT = Path(__file__).parent.parent
LISTS = "/v1/users/{user_id}/recommendations"


def served(access: AccessLog = "off", **parts: Any) -> TestClient:
    service = TinyService()
    app = create_app(lambda: service, ApiSettings(access_log=access), **parts)
    return TestClient(app, raise_server_exceptions=False)


def figures(client: TestClient) -> dict[str, float]:
    """Names with labels, in order of the labels, and what they are."""
    page = client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in page.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_requests_are_counted_by_route_and_status_whatever_their_ids() -> None:
    client = served()
    for user in ("ann", "nobody", "with%2Fslash", "with/slash"):
        assert client.get(f"/v1/users/{user}/recommendations").status_code == 200
    client.get("/v1/users/nobody")
    client.get("/v1/users/ann/recommendations?k=0")
    client.get("/nothing/at/all")
    found = figures(client)
    counts = {
        name: found[f"coterie_request_seconds_count{{{labels}}}"]
        for name, labels in {
            "lists": f'method="GET",route="{LISTS}",status="200"',
            "refused": f'method="GET",route="{LISTS}",status="422"',
            "unknown": 'method="GET",route="/v1/users/{user_id}",status="404"',
            "nowhere": 'method="GET",route="other",status="404"',
        }.items()
    }
    assert counts == {"lists": 4, "refused": 1, "unknown": 1, "nowhere": 1}
    assert not any("slash" in name or "nobody" in name for name in found)


def test_lists_are_counted_by_what_they_rest_on() -> None:
    client = served()
    client.post("/v1/session/recommendations", json={"events": [{"product_id": "jam"}]})
    client.post("/v1/session/recommendations", json={})
    client.post("/v1/basket/recommendations", json={"product_ids": ["none such"]})
    client.get("/v1/users/nobody/recommendations")
    found = figures(client)
    lists = {
        tuple(re.findall(r'"(.*?)"', name)): value
        for name, value in found.items()
        if name.startswith("coterie_lists_total")
    }
    assert lists == {
        ("no", "session", "session"): 1,
        ("no", "session", "popularity"): 1,
        ("yes", "basket", "basket"): 1,
        ("yes", "customer", "history"): 1,  # the hand-made service says so of all customers
    }


def test_events_that_wait_are_told(tmp_path: Path) -> None:
    live = Live(tmp_path, tmp_path / "none.lbug", EventsConfig())
    with EventQueue(queue_file(tmp_path)) as queue:
        queue.append([ShopEvent(f"e{i}", "view_item", "ann", "jam", 0) for i in range(3)])
        queue.set_aside(queue.waiting(1)[0][0], "for a test")
    found = figures(served(live=live))
    assert found["coterie_events_waiting"] == 2 and found["coterie_events_refused"] == 1
    assert found["coterie_events_oldest_seconds"] >= 0
    assert found['coterie_part_ok{part="events"}'] == 1


def test_the_snapshot_and_what_of_it_is_listed() -> None:
    shown = Shown()
    shown.begin("build-1", 8).mark(np.array([1, 5, 5, -1]))
    found = figures(served(counted=Metrics(shown, "9.9")))
    assert found['coterie_build_info{build="build-1",version="9.9"}'] == 1
    assert found["coterie_snapshot_age_seconds"] > 0
    assert (found["coterie_products"], found["coterie_products_listed_lately"]) == (8, 2)
    assert found["coterie_products_listed_share"] == 0.25


def test_before_anything_is_published() -> None:
    def nothing() -> TinyService:
        raise SnapshotMissing("nothing is published yet")

    found = figures(TestClient(create_app(nothing)))
    assert "coterie_snapshot_age_seconds" not in found


def test_marks_by_hand() -> None:
    now = 6_000_000.0
    marks = Marks(np.zeros(4, np.uint32), lambda: now)
    marks.mark(np.array([0, 2, -1]))
    assert marks.listed(hours=1) == 2
    now += 3_600
    marks.mark(np.array([3]))
    assert (marks.listed(hours=1), marks.listed(hours=2)) == (1, 3)


def test_marks_are_shared_by_processes_and_outlive_them(tmp_path: Path) -> None:
    one, other = Shown(tmp_path), Shown(tmp_path)
    one.begin("b", 4).mark(np.array([0, 1]))
    marks = other.begin("b", 4)
    marks.mark(np.array([1, 2]))
    assert one.current is not None
    assert one.current.listed(1) == marks.listed(1) == 3
    assert other.begin("c", 4).listed(1) == 0


def test_counts_of_processes_are_added_up(tmp_path: Path) -> None:
    code = """
from api.observe.metrics import Metrics
from api.observe.told import Told
metrics = Metrics()
metrics.count("GET", "/v1/build", 200, 0.002, Told())
page = metrics.page(None, []).decode()
print([line for line in page.splitlines() if line.startswith("coterie_request_seconds_count")])
"""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT, env=environment, capture_output=True, check=True, text=True,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert [text.rpartition(" ")[2].strip("]'\n") for text in said] == ["1.0", "2.0"]


def records(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [JsonLines().format(r) for r in caplog.records if r.name == ACCESS.name]
    return [json.loads(line) for line in lines]


def test_a_request_is_a_line_without_ids_of_customers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client = served("routes")
    client.get("/v1/users/ann/recommendations?exclude=jam", headers={"X-Request-Id": "r-1"})
    client.get("/v1/users/nobody")
    one, other = records(caplog)
    assert one.pop("ms") > 0 and one.pop("at").endswith("+00:00")
    assert one == {
        "level": "info",
        "logger": "coterie.access",
        "request_id": "r-1",
        "method": "GET",
        "route": LISTS,
        "status": 200,
        "key": None,
        "source": "history",
    }
    assert (other["route"], other["status"]) == ("/v1/users/{user_id}", 404)
    assert not {"ann", "jam", "nobody"} & set(re.findall(r"\w+", json.dumps([one, other])))


def test_paths_are_logged_where_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    served("paths").get("/v1/users/ann%2Fa/recommendations?k=2")
    (one,) = records(caplog)
    assert (one["path"], one["query"]) == ("/v1/users/ann%2Fa/recommendations", "k=2")
    served("off").get("/v1/build")
    assert len(records(caplog)) == 1


def test_a_failure_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def broken() -> TinyService:
        raise RuntimeError("of a test")

    app = create_app(broken, ApiSettings(access_log="routes"))
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/v1/build").status_code == 500
    assert records(caplog)[0]["status"] == 500
    lines = [json.loads(JsonLines().format(r)) for r in caplog.records]
    assert any("of a test" in line.get("traceback", "") for line in lines)


def test_lines_for_people_and_for_machines() -> None:
    code = """
import logging, sys
from api.observe.logs import configure
configure(sys.argv[1])
logging.getLogger("coterie.api").warning("a %s", "b")
logging.getLogger("coterie.access").info("request", extra={"facts": {"status": 200, "key": None}})
"""
    said = {
        form: subprocess.run(
            [sys.executable, "-c", code, form], cwd=ROOT, capture_output=True, check=True, text=True
        ).stderr.splitlines()
        for form in ("text", "json")
    }
    assert said["text"] == ["a b", "status=200"]
    assert [json.loads(line).get("message") for line in said["json"]] == ["a b", None]
