"""A server beside builds: it changes over by itself, and no request ever fails."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shops import SMALL, coterie, process

from pipeline.home import Home


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Server:
    """A ``coterie serve``, or another command that ends in serving, in a process of its own."""

    def __init__(self, home: Home, *command: str) -> None:
        self.port = free_port()
        asked = command or ("serve",)
        self.process = process([*asked, "--port", str(self.port), "--home", home.path])
        self.until(lambda: self.get("/health/ready") is not None)

    def get(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.load(answer)

    def until(self, done: Any, seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                if done():
                    return
            except OSError:
                assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            _, self.said = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, self.said = self.process.communicate()
        return self.process.returncode


@pytest.fixture
def server(own: Home) -> Iterator[Server]:
    running = Server(own)
    yield running
    running.stop()


class Visitor(threading.Thread):
    """Asks for recommendations without a pause, and keeps what it saw."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server, self.ended = server, threading.Event()
        self.builds: list[str] = []
        self.failed: list[str] = []

    def run(self) -> None:
        n = 0
        while not self.ended.is_set():
            n += 1
            try:
                answer = self.server.get(f"/v1/users/user-{n % 200}/recommendations?k=5")
                assert len(answer["items"]) == 5
                self.builds.append(answer["build"])
            except (OSError, AssertionError) as error:
                self.failed.append(repr(error))


def test_a_build_beside_a_server_is_served_and_taken_back(own: Home, server: Server) -> None:
    first = own.current()
    assert server.get("/v1/build")["build"] == first
    visitor = Visitor(server)
    visitor.start()
    built = coterie("build", "--home", own.path, "--json")
    assert built.code == 0, built.err
    second = built.json["build"]
    server.until(lambda: server.get("/v1/build")["build"] == second)
    asked = {"query": "MATCH ()-[e:MAY_LIKE]->() RETURN DISTINCT e.build"}
    assert server.get("/v1/cypher", asked)["rows"] == [[second]]
    assert coterie("snapshots", "rollback", "--home", own.path).code == 0
    server.until(lambda: server.get("/v1/build")["build"] == first)
    visitor.ended.set()
    visitor.join()
    assert visitor.failed == [] and len(visitor.builds) > 20
    changes = [b for i, b in enumerate(visitor.builds) if i == 0 or visitor.builds[i - 1] != b]
    assert changes in ([first, second], [first, second, first])


def test_a_load_beside_a_server_is_seen_by_queries(own: Home, server: Server) -> None:
    asked = {"query": "MATCH (u:User) RETURN count(u)"}
    assert server.get("/v1/cypher", asked)["rows"] == [[200]]
    assert coterie("load", "synthetic:230", "--home", own.path).code == 0
    assert server.get("/v1/cypher", asked)["rows"] == [[230]]


def test_the_next_list_feels_what_was_just_bought(server: Server) -> None:
    address = "/v1/users/user-3/recommendations?mode=discover&k=10"

    def listed() -> list[str]:
        return [i["product"]["product_id"] for i in server.get(address)["items"]]

    bought = listed()[0]
    event = {"event": "purchase", "user_id": "user-3", "product_id": bought}
    assert len(server.get("/v1/events", {"events": [event]})["accepted"]) == 1
    server.until(lambda: bought not in listed(), seconds=20)


def test_a_demo_ends_as_a_server_without_what_it_trained_with(tmp_path: Path) -> None:
    (tmp_path / "coterie.toml").write_text(SMALL)
    running = Server(Home(tmp_path), "demo", "--source", "synthetic:60")
    maps = Path(f"/proc/{running.process.pid}/maps")
    mapped = maps.read_text() if maps.exists() else ""
    assert running.get("/v1/build")["counts"]["users"] == 60
    assert running.stop() == 0
    assert "libtorch" not in mapped


def test_ctrl_c_ends_a_server_quietly(own: Home) -> None:
    running = Server(own)
    assert running.stop() == 0
    assert "Traceback" not in running.said and "serving" in running.said
