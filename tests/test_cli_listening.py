"""The server's socket."""

from __future__ import annotations

import socket

import pytest

from cli.server import listening
from loaders.errors import ConfigError


def test_an_answer_in_two_packets_does_not_wait_for_an_acknowledgement() -> None:
    with (
        listening("127.0.0.1", 0) as taken,
        socket.create_connection(taken.getsockname()),
        taken.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_taken_port_is_told() -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="choose another --port"):
            listening("127.0.0.1", port)
