"""A server in processes of its own, for benchmarks that load it: its start, its CPU, its memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Self

__all__ = ["Server", "cpu_seconds", "megabytes", "peers", "until_stopped"]

PATIENCE_SECONDS = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """``coterie serve`` of a home; use it in a ``with`` block.

    Attributes:
        url: where it answers.
        seconds: from its start to its first answer that it is ready.
    """

    def __init__(self, home: Path, workers: int, *arguments: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "cli.start", "serve", "--home", str(home)]
        command += ["--port", str(port), "--workers", str(workers), *arguments]
        began = time.perf_counter()
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.until_ready()
        self.seconds = time.perf_counter() - began
        self._several = workers > 1

    def until_ready(self) -> None:
        """Wait until it answers that it is ready."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/health/ready", timeout=5):
                    return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("the server does not get ready")

    @property
    def workers(self) -> list[int]:
        """Process ids of those that answer."""
        parent = self._process.pid
        if not self._several:
            return [parent]
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return [int(pid) for pid in text.split()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)


def cpu_seconds(pid: int) -> float:
    """CPU time a process used so far, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def megabytes(pid: int) -> dict[str, float]:
    """Memory of a process, in MB: resident, its share of it (PSS), and what is its alone."""
    found = {"Rss": 0.0, "Pss": 0.0, "Private_Clean": 0.0, "Private_Dirty": 0.0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        if (key := name.rstrip(":")) in found:
            found[key] = int(value) / 1024
    return {
        "resident": round(found["Rss"]),
        "share": round(found["Pss"]),
        "own": round(found["Private_Clean"] + found["Private_Dirty"]),
    }


def until_stopped(pid: int) -> None:
    """Wait until a process that was sent SIGSTOP does nothing any more."""
    status = Path(f"/proc/{pid}/stat")
    while status.read_text().rpartition(")")[2].split()[0] not in "TtZ":
        time.sleep(0.001)


def peers(pid: int) -> set[int]:
    """Ports at the other end of the TCP connections over IPv4 that a process holds."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            held.add(os.readlink(descriptor))
    found = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if f"socket:[{fields[9]}]" in held:
            found.add(int(fields[2].partition(":")[2], 16))
    return found - {0}
