"""A real HTTP server over a store, and the worker processes of this one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from api_fixture import TinyService

from api.app import create_app
from api.models.graph import GraphSchema
from api.settings import ApiSettings
from graph.answer import Answer
from graph.query import open_answer
from graph.store import QueryLimits
from graph.workers import Stop, Workers

HEAVY = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN sum(a * b) AS n"
"""Minutes of work in little memory, on either engine."""


@dataclass
class StoreService(TinyService):
    """The hand-made shop, with Cypher asked of a real store."""

    workers: Workers | None = None

    def schema(self, stop: Stop) -> GraphSchema:
        assert self.workers is not None
        self.workers.describe(stop)
        return super().schema(stop)

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any],
        limits: QueryLimits,
        stop: Stop | None = None,
    ) -> Answer:
        assert self.workers is not None
        return open_answer(self.workers, cypher, parameters, limits, stop)


@contextmanager
def serving(store: Path | str, **settings: Any) -> Iterator[int]:
    """A server's port, for as long as the block runs."""
    with Workers(store) as workers:
        service = StoreService(workers=workers)
        app = create_app(lambda: service, ApiSettings(**settings))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
        thread = threading.Thread(target=server.run)
        thread.start()
        until(lambda: server.started)
        try:
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def worker_processes(parent: int) -> list[int]:
    """Processes that run queries for the process ``parent``."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(
                line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line
            )
            command = (status.parent / "cmdline").read_text()
        except OSError:  # it ended meanwhile
            continue
        if int(lines["PPid"]) == parent and "graph.worker" in command and "Z" not in lines["State"]:
            found.append(int(status.parent.name))
    return found


def until(done: Callable[[], Any], seconds: float = 40.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
