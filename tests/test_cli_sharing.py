"""Servers that take connections from one queue."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from cli.plan import listening
from cli.sharing import SharingServer


def answering(name: str) -> Callable[..., Any]:
    """An application whose only answer is its name."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name.encode()})

    return app


@contextmanager
def serving(queue: socket.socket, name: str) -> Iterator[SharingServer]:
    """A server of its own thread at a queue, in order when left."""
    config = uvicorn.Config(answering(name), lifespan="off", log_config=None)
    server = SharingServer(config)
    thread = threading.Thread(target=server.run, args=([queue.dup()],))
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def asked(connection: http.client.HTTPConnection) -> str:
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


def connect(queue: socket.socket) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(*queue.getsockname()[:2], timeout=20)


def test_each_takes_its_share_of_connections_that_stay() -> None:
    with listening("127.0.0.1", 0) as queue, serving(queue, "a"), serving(queue, "b"):
        held = [connect(queue) for _ in range(40)]
        for connection in held:
            connection.connect()
        first = [asked(connection) for connection in held]
        assert [asked(connection) for connection in held] == first
        for connection in held:
            connection.close()
    assert min(Counter(first)[name] for name in "ab") >= 10


def test_what_comes_while_one_leaves_waits_for_the_next() -> None:
    with listening("127.0.0.1", 0) as queue:
        early = connect(queue)
        early.connect()  # nobody serves yet
        with serving(queue, "a"):
            assert asked(early) == "a"
            early.close()
        late = connect(queue)
        late.connect()
        with serving(queue, "b"):
            assert asked(late) == "b"
            late.close()


def test_a_caller_who_went_away_harms_nobody() -> None:
    with listening("127.0.0.1", 0) as queue:
        for _ in range(5):
            gone = connect(queue)
            gone.connect()
            gone.close()
        with serving(queue, "a") as server:
            caller = connect(queue)
            assert asked(caller) == "a"
            caller.close()
            assert not server.should_exit
