"""What a server is to do, and its socket; all that a process needs that only starts others."""

from __future__ import annotations

import socket
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from api.observe.logs import AccessLog, LogForm
from loaders.errors import ConfigError

__all__ = ["Plan", "listening"]


class Plan(BaseModel):
    """What a process is to serve, and how it tells of it.

    Attributes:
        home: folder of the shop.
        host: address that the socket listens at.
        port: and its port.
        log: form of its log.
        access_log: what the log says of requests.
        socket: descriptor of the socket, where another process opened it.
        lifeline: descriptor of a pipe that ends when the process that opened it does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    host: str
    port: int
    log: LogForm = "text"
    access_log: AccessLog = "off"
    socket: int | None = None
    lifeline: int | None = None


def listening(host: str, port: int) -> socket.socket:
    """A socket at the address, taken before anything else is begun.

    Raises:
        ConfigError: the port is taken, or the address is none of this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        taken = socket.create_server(found[0][4][:2], family=found[0][0], backlog=2048)
        # Connections inherit it. asyncio sets it only where the protocol is named, which is not so
        # here, and an answer's second packet then waits 40 ms for the first to be acknowledged.
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return taken
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {host}:{port}: {error.strerror}; choose another --port or --host"
        ) from error
