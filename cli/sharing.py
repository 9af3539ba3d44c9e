"""``SharingServer``: one of several processes that take connections from one queue, each its share.

Whoever wakes first would take all connections that come at once, and with them all requests that
follow, while the others idle. So a process waits a little before it takes another connection, the
longer the more it holds: one that holds fewer comes first. What nobody has taken yet stays in the
queue, and outlives whoever dies.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from math import sqrt
from typing import Final

import uvicorn

__all__ = ["SharingServer"]

_log = logging.getLogger("coterie.serve")

PAUSE_SECONDS: Final = 0.001
"""With one connection held, with others times their square root; a process that sleeps wakes in
less."""
MOST_SECONDS: Final = 0.004
TROUBLE_SECONDS: Final = 1.0
"""Before another try, where the system has no descriptor left."""


class SharingServer(uvicorn.Server):
    """Serves what it takes from the sockets given to ``run``, which listen already."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections as soon as the application is ready."""
        await super().startup(sockets=[])
        self._coming = set[asyncio.Task[object]]()
        for queue in sockets or []:
            queue.setblocking(False)
            self._watch(queue)

    def _watch(self, queue: socket.socket) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(queue.fileno(), self._called, queue)

    def _called(self, queue: socket.socket) -> None:
        """Somebody waits in the queue."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(queue.fileno())
        held = len(self.server_state.connections) + len(self._coming)
        loop.call_later(min(PAUSE_SECONDS * sqrt(held), MOST_SECONDS), self._take, queue)

    def _take(self, queue: socket.socket) -> None:
        """Take one connection, unless another process has, and wait for the next."""
        loop = asyncio.get_running_loop()
        if self.should_exit:
            return
        try:
            connection, _ = queue.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            self._watch(queue)
        except OSError as error:
            _log.error("cannot take a connection: %s", error)
            loop.call_later(TROUBLE_SECONDS, self._watch, queue)
        else:
            connection.setblocking(False)
            task = loop.create_task(self._begin(connection))
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)
            self._watch(queue)

    async def _begin(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:  # who called has gone
            connection.close()

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave the queue to the others, then end in order."""
        for queue in sockets or []:
            asyncio.get_running_loop().remove_reader(queue.fileno())
        await super().shutdown(sockets)
