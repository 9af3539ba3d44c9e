"""The server's socket."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli import start
from cli.server import listening, reserved, sharing
from loaders.errors import ConfigError

ROOT = Path(__file__).parent.parent


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


def test_processes_share_a_port_and_nobody_else_does() -> None:
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with (
        reserved("127.0.0.1", port),
        sharing("127.0.0.1", port) as one,
        sharing("127.0.0.1", port) as other,
    ):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        one.listen()
        for take in (listening, reserved):
            with pytest.raises(ConfigError, match="choose another --port"):
                take("127.0.0.1", port)
        other.listen()
        callers = [socket.create_connection(("127.0.0.1", port)) for _ in range(64)]
        taken = {one: 0, other: 0}
        for shared in taken:
            shared.setblocking(False)
            while (connection := _accepted(shared)) is not None:
                connection.close()
                taken[shared] += 1
        for caller in callers:
            caller.close()
    assert sum(taken.values()) == 64
    if sys.platform == "linux":
        assert min(taken.values()) > 0  # all at one have a chance of 2 in 2^64


def _accepted(taken: socket.socket) -> socket.socket | None:
    try:
        return taken.accept()[0]
    except BlockingIOError:
        return None


@pytest.mark.parametrize(
    ("arguments", "shown"), [(["serve", "--help"], "--workers"), (["--help"], "recommend")]
)
def test_the_program_finds_its_commands(
    arguments: list[str],
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["coterie", *arguments])
    with pytest.raises(SystemExit) as done:
        start.main()
    assert done.value.code == 0 and shown in capsys.readouterr().out


def test_a_server_loads_nothing_that_only_building_needs() -> None:
    code = "import sys, cli.serve; print([m for m in ('sklearn', 'networkx') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
