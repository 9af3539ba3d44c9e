"""Members sent to a webhook that listens: signed, in batches, tried again, taken once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import polars as pl
import pytest

from audiences.webhook import Hook, Sent, send, signature
from loaders.errors import ConfigError, StoreUnavailable

SECRET = "a secret of 23 letters."


class Receiver(ThreadingHTTPServer):
    """Answers with the next of ``answers``, then 200, and keeps what it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/in"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers.items()), body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def members(n: int) -> pl.DataFrame:
    return pl.DataFrame({"user_id": [f"u{i}" for i in range(n)], "spend": [1.5] * n})


def test_the_signature_is_that_of_a_worked_example() -> None:
    # printf '1712745600.{}' | openssl dgst -sha256 -hmac 'a secret of 23 letters.'
    expected = "8c2ee8aee3adc2be953092f2e1f7ba7ae25d0a65ed6037d91849bf853fcf6549"
    assert signature(SECRET, 1_712_745_600, b"{}") == f"v1={expected}"


def test_batches_are_signed_numbered_and_tried_again(receiver: Receiver) -> None:
    receiver.answers = [200, 503, 429]
    waits: list[float] = []
    sent = send(Hook(receiver.url, SECRET), members(2_001), {"audience": "a"}, waits.append)
    assert sent == Sent(batches=3, rows=2_001, retries=2)
    assert waits == [1.0, 2.0]
    bodies = [json.loads(body) for _, body in receiver.got]
    assert [(b["batch"], b["batches"], len(b["members"])) for b in bodies] == [
        *[(1, 3, 1_000), (2, 3, 1_000), (2, 3, 1_000), (2, 3, 1_000), (3, 3, 1)]
    ]
    assert bodies[0]["audience"] == "a"
    assert bodies[0]["members"][0] == {"user_id": "u0", "spend": 1.5}
    for headers, body in receiver.got:
        stamp = int(headers["X-Coterie-Timestamp"])
        assert headers["X-Coterie-Signature"] == signature(SECRET, stamp, body)
    keys = [headers["Idempotency-Key"] for headers, _ in receiver.got]
    assert keys[1] == keys[2] == keys[3] and len(set(keys)) == 3


def test_a_refusal_is_final(receiver: Receiver) -> None:
    receiver.answers = [403]
    with pytest.raises(ConfigError, match="refused batch 1 of 1 with status 403"):
        send(Hook(receiver.url, SECRET), members(1), {})
    assert len(receiver.got) == 1


def test_no_redirect_is_followed(receiver: Receiver) -> None:
    receiver.answers = [302]
    with pytest.raises(ConfigError, match="status 302"):
        send(Hook(receiver.url, SECRET), members(1), {})


def test_who_never_answers_is_given_up_on(receiver: Receiver) -> None:
    receiver.answers = [500] * 9
    waits: list[float] = []
    with pytest.raises(StoreUnavailable, match=r"did not take batch 1 of 1: status 500"):
        send(Hook(receiver.url, SECRET, attempts=4), members(1), {}, waits.append)
    assert waits == [1.0, 2.0, 4.0] and len(receiver.got) == 4


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://example.com/in", SECRET),
        ("ftp://localhost/in", SECRET),
        ("https:///in", SECRET),
        ("file:///etc/hosts", SECRET),
        ("https://example.com", "short"),
    ],
)
def test_customers_do_not_leave_in_the_open(url: str, secret: str) -> None:
    with pytest.raises(ConfigError):
        Hook(url, secret)
