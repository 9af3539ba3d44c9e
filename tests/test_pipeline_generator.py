"""A text generator's names: what it is sent, what is taken of its answers, what stays."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from shops import config_of

from loaders.errors import ConfigError
from loaders.progress import silent
from pipeline.build import read_home
from pipeline.config import changed
from pipeline.generator import Worded, ask_service, word_segments
from pipeline.home import Home
from pipeline.learn import Learned
from pipeline.snapshot import Snapshot
from pipeline.text_config import TextConfig
from pipeline.wording import worded


class Service(HTTPServer):
    """Answers as an OpenAI-compatible service, with what ``says`` gives; keeps what it was sent."""

    def __init__(self, says: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.says, self.bodies, self.keys = says, list[Any](), list[Any]()

    @property
    def config(self) -> TextConfig:
        return TextConfig(base_url=f"http://127.0.0.1:{self.server_port}/v1", model="small")


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        service: Any = self.server
        assert self.path == "/v1/chat/completions"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service.bodies.append(body)
        service.keys.append(self.headers["Authorization"])
        said = service.says(len(service.bodies))
        status = 200 if isinstance(said, str) else said
        reply = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    """Gives each segment a name of its own."""
    words = ("Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta", "Iota", "Kappa")
    with Service(lambda n: _said(f"{words[n - 1]} people")) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _said(name: str, description: str = "They favour one aisle.") -> str:
    return f"Sure: {json.dumps({'name': name, 'description': description})}"


@pytest.fixture(scope="module")
def snapshot(built: Home) -> Snapshot:
    return Snapshot.load(built.snapshot())


def _worded(snapshot: Snapshot, says: Sequence[str], **known: Worded) -> tuple[Any, Any]:
    answers = iter(says)
    return word_segments(
        snapshot.segmentation,
        snapshot.people.claims,
        TextConfig(),
        known,
        lambda task, text: next(answers),
    )


def test_a_build_asks_for_each_segment_and_sends_no_customer(
    built: Home, snapshot: Snapshot, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COTERIE_TEXT_KEY", "secret")
    nothing: Any = None
    learned = Learned(
        **dict.fromkeys(Learned.__dataclass_fields__, nothing)
        | {
            "shop": read_home(built),
            "segmentation": snapshot.segmentation,
            "customers": type("Table", (), {"table": snapshot.customers}),
        }
    )
    on = changed(config_of(built), {"text": service.config.model_dump()})
    found, words = worded(learned, built, on, silent)
    names = [s.name for s in (*found.segmentation.segments, *found.segmentation.parts)]
    assert names[:2] == ["Alpha people", "Beta people"] and len(set(names)) == len(names)
    assert words[found.segmentation.segments[0].id].description == "They favour one aisle."
    assert set(service.keys) == {"Bearer secret"}
    sent = "".join(json.dumps(body) for body in service.bodies)
    assert "category:0" in sent and "Aisle" in sent
    assert "user-" not in sent and "order" not in json.dumps(service.bodies[0]["messages"][0])
    for body in service.bodies:
        text = json.loads(body["messages"][1]["content"])
        assert set(text) == {"name_by_rule", "names_taken", "claims"}
        for claim in text["claims"]:
            assert set(claim) == {"about", "what", "unit", "members", "all_customers", "times"}


def test_what_was_worded_stays(snapshot: Snapshot) -> None:
    first = snapshot.segmentation.segments[0].id
    others = [_said(f"{letter} people") for letter in "ABCDEFGHIJ"]
    found, words = _worded(snapshot, others, **{first: Worded("Old friends", "As before.")})
    assert found.segments[0].name == "Old friends" and words[first].description == "As before."
    assert found.segments[1].name == "A people"


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ("no JSON at all", "not the JSON"),
        (_said("x" * 61), "too long"),
        (_said(""), "too short"),
        (_said("Fans of 97 teas"), "invented numbers: 97"),
        (_said("Good", "They spend 12345.67 a day."), "invented numbers: 12345.67"),
        (_said("<b>Good</b>"), "no plain text"),
        (_said("Good", "See https://example.org"), "no plain text"),
    ],
)
def test_what_cannot_be_used_leaves_the_name_of_the_profile(
    snapshot: Snapshot, answer: str, note: str
) -> None:
    found, words = _worded(snapshot, [answer] * 20)
    assert [s.name for s in found.segments] == [s.name for s in snapshot.segmentation.segments]
    assert all(note in w.note and w.name is None for w in words.values())


def test_no_two_names_are_alike(snapshot: Snapshot) -> None:
    found, words = _worded(snapshot, [_said("Same")] * 20)
    assert [s.name for s in found.segments].count("Same") == 1
    assert sum("taken" in w.note for w in words.values()) == len(words) - 1


def test_a_service_that_fails_is_asked_once(snapshot: Snapshot, service: Service) -> None:
    service.says = lambda n: 500
    told: list[str] = []
    found, words = word_segments(
        snapshot.segmentation,
        snapshot.people.claims,
        service.config,
        {},
        ask_service(service.config),
        lambda stage, done, total: told.append(stage),
    )
    assert found.segments == snapshot.segmentation.segments
    assert len(service.bodies) == 1 and "status 500" in told[-1]
    assert all("did not answer" in w.note for w in words.values())


def test_an_address_that_others_could_read_is_refused() -> None:
    with pytest.raises(ConfigError, match="https"):
        ask_service(TextConfig(base_url="http://example.org/v1", model="m"))
    with pytest.raises(ConfigError, match=r"text\.model"):
        ask_service(TextConfig(base_url="https://example.org/v1"))
