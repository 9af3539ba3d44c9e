"""What the events route takes, refuses, and says of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from api_client import client
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.live import Live
from api.models.events import EventName
from events.config import EventsConfig
from events.event import ShopEvent
from events.queue import EventQueue, queue_file
from loaders.schema import EVENT_NAMES

VIEW = {"event": "view_item", "user_id": "ann", "product_id": "jam", "event_id": "e1"}
NOON = "2024-03-01T12:00:00Z"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def served(home: Path) -> TestClient:
    return client(live=Live(home, home / "none.lbug", EventsConfig()), event_batch=3)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    home = tmp_path_factory.mktemp("fuzzed")
    return client(live=Live(home, home / "none.lbug", EventsConfig()))


def kept(home: Path) -> list[ShopEvent]:
    with EventQueue(queue_file(home)) as queue:
        return [event for _, event in queue.waiting(1000)]


def test_one_event_by_itself(served: TestClient, home: Path) -> None:
    response = served.post("/v1/events", json={**VIEW, "at": NOON, "value": 2})
    assert response.status_code == 200
    assert response.json() == {"accepted": [{"index": 0, "event_id": "e1"}], "refused": []}
    at = int(datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp() * 1e6)
    assert kept(home) == [ShopEvent("e1", "view_item", "ann", "jam", at, 1.0, 2.0)]


def test_good_events_are_kept_beside_bad_ones(served: TestClient, home: Path) -> None:
    bad = {"event": "purchase", "user_id": "ann", "quantity": -1}
    good = {"event": "rate", "session_id": "s", "product_id": "jam", "rating": 4}
    body = served.post("/v1/events", json={"events": [VIEW, bad, good]}).json()
    assert [a["index"] for a in body["accepted"]] == [0, 2]
    assert [(r["index"], r["type"]) for r in body["refused"]] == [
        (1, "urn:coterie:problem:invalid-event")
    ]
    assert body["refused"][0]["errors"] == [
        {"field": "product_id", "message": "Field required"},
        {"field": "quantity", "message": "Input should be greater than 0"},
    ]
    events = kept(home)
    assert [e.event_id for e in events] == [a["event_id"] for a in body["accepted"]]
    assert (events[1].user_id, events[1].session_id, events[1].rating) == ("anonymous/s", "s", 4.0)
    assert len(events[1].event_id) == 32


def test_sent_again_an_event_is_acknowledged_and_there_once(served: TestClient, home: Path) -> None:
    for _ in range(2):
        assert served.post("/v1/events", json=VIEW).json()["accepted"][0]["event_id"] == "e1"
    assert len(kept(home)) == 1


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"event": "refund"}, "event", "Input should be 'purchase', 'view_item'"),
        ({"user_id": None}, "event", "expected user_id, or session_id"),
        ({"user_id": " "}, "user_id", "at least 1 character"),
        ({"user_id": "a\x00b"}, "user_id", "should match pattern"),
        ({"product_id": "x" * 201}, "product_id", "at most 200 characters"),
        ({"product_id": "\ud800"}, "product_id", "valid string"),
        ({"at": "2999-01-01T00:00:00Z"}, "at", "between 1970 and now"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at", "between 1970 and now"),
        ({"at": "9999-12-31T23:59:59-14:00"}, "at", "between 1970 and now"),
        ({"at": "soon"}, "at", "valid datetime"),
        ({"rating": 3}, "event", "expected a rating with rate"),
        ({"event": "rate"}, "event", "expected a rating with rate"),
        ({"price": 3}, "price", "Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_is_told(
    served: TestClient, home: Path, change: dict[str, Any], field: str, message: str
) -> None:
    raw = json.dumps({"events": [{**VIEW, **change}]})
    response = served.post("/v1/events", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code == 422, response.text
    assert response.json()["type"] == "urn:coterie:problem:invalid-request"
    error = response.json()["errors"][0]
    assert error["field"] == f"body.events.0.{field}" and message in error["message"]
    assert kept(home) == []


def test_a_key_that_is_no_text_is_told(served: TestClient) -> None:
    raw = json.dumps({**VIEW, "\ud800": 3})
    response = served.post("/v1/events", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code == 422 and len(response.json()["errors"]) == 1


@pytest.mark.parametrize("body", [{"events": []}, {"events": 3}, [], {"events": [VIEW], "x": 1}])
def test_a_body_of_another_shape_is_a_problem(served: TestClient, body: Any) -> None:
    assert served.post("/v1/events", json=body).status_code == 422


def test_more_than_a_request_may_bring_is_refused_as_a_whole(
    served: TestClient, home: Path
) -> None:
    several = [{**VIEW, "event_id": f"e{i}"} for i in range(4)]
    response = served.post("/v1/events", json={"events": several})
    assert response.status_code == 422
    assert response.json()["detail"] == "body.events: expected at most 3 events"
    assert kept(home) == []


def test_where_nothing_can_be_kept_nothing_is_acknowledged(home: Path) -> None:
    scarce = Live(home, home / "none.lbug", EventsConfig(reserve_mb=1e12))
    served = client(live=scarce)
    response = served.post("/v1/events", json=VIEW)
    assert response.status_code == 503
    assert response.json()["type"] == "urn:coterie:problem:event-queue-unavailable"
    assert response.json()["retryable"] and response.headers["retry-after"] == "5"
    ready = served.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert {p["name"]: p["state"] for p in ready.json()["parts"]}["disk"] == "degraded"


def test_a_server_without_a_queue_says_so() -> None:
    response = client().post("/v1/events", json=VIEW)
    assert (response.status_code, response.json()["retryable"]) == (503, True)


def test_names_of_events_are_those_of_the_contract() -> None:
    assert get_args(EventName) == EVENT_NAMES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("event", "product_id", "user_id", "session_id", "event_id", "at", "quantity", "value")
LIKELY = st.fixed_dictionaries(
    {},
    optional={name: JSON | st.sampled_from([*EVENT_NAMES, "a", "1", NOON, 1]) for name in FIELDS},
)


@given(st.lists(LIKELY | JSON, min_size=1, max_size=4))
def test_whatever_comes_is_judged(fuzzed: TestClient, several: list[Any]) -> None:
    raw = json.dumps({"events": several})
    response = fuzzed.post("/v1/events", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code in (200, 422), response.text
    if response.status_code == 200:
        body = response.json()
        places = [e["index"] for e in (*body["accepted"], *body["refused"])]
        assert sorted(places) == list(range(len(several)))
