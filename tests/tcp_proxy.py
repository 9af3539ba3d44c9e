"""A TCP proxy that makes a server slow, silent or short of words."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any

__all__ = ["Proxy"]


class Proxy:
    """Forwards a loopback port to another.

    Attributes:
        delay: seconds that each piece of an answer waits.
        most: bytes of answers that a connection may carry before it is cut off.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.delay, self.most = 0.0, float("inf")
        self._flowing = threading.Event()
        self._flowing.set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._links: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Keep connections open and pass on nothing."""
        self._flowing.clear()

    def flow(self) -> None:
        """Undo ``stall``."""
        self._flowing.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    client.close()
                    continue
                self._links += [client, server]
                for pump, ends in ((self._ask, (client, server)), (self._answer, (server, client))):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(65_536):
                self._flowing.wait()
                server.sendall(piece)
        _end(client, server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while piece := server.recv(65_536):
                self._flowing.wait()
                time.sleep(self.delay)
                passed += len(piece)
                if passed > self.most:
                    break
                client.sendall(piece)
        _end(client, server)

    def close(self) -> None:
        """End it and all connections."""
        self._flowing.set()
        self._listening.close()
        _end(*self._links)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _end(*links: socket.socket) -> None:
    for link in links:
        with suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
        link.close()
