"""The server's socket."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli import start
from cli.plan import listening
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
