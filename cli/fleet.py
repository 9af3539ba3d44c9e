"""``Fleet``: several processes at one socket; one that ends is replaced, the others go on.

The socket is opened once and handed to each, so connections that nobody has taken yet wait in one
queue of the system and outlive whoever dies.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from api.observe.metrics import FOLDER
from cli.plan import Plan

__all__ = ["Fleet", "run_fleet"]

_log = logging.getLogger("coterie.serve")

EVERY_SECONDS: Final = 0.1
HASTY_SECONDS: Final = 5.0
"""A process that lives shorter is not replaced at once."""
PATIENCE_SECONDS: Final = 15.0
"""How long processes have to end in order."""


class Fleet:
    """Keeps processes alive.

    Args:
        size: how many.
        start: starts one.
    """

    def __init__(self, size: int, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._size, self._start, self._ending = size, start, False
        self._running: list[tuple[float, subprocess.Popen[bytes]]] = []

    def run(self) -> None:
        """Until ``end`` is called, or until all processes end by themselves as they begin."""
        self._running = [self._one() for _ in range(self._size)]
        while not self._ending:
            time.sleep(EVERY_SECONDS)
            self._running = [self._kept(*one) for one in self._running]
        self._finish()

    def end(self) -> None:
        """Let ``run`` come to its end."""
        self._ending = True

    def _one(self) -> tuple[float, subprocess.Popen[bytes]]:
        return time.monotonic(), self._start()

    def _kept(
        self, began: float, process: subprocess.Popen[bytes]
    ) -> tuple[float, subprocess.Popen[bytes]]:
        code = process.poll()
        if code is None or self._ending:
            return began, process
        if time.monotonic() - began < HASTY_SECONDS:
            time.sleep(1.0)
        _log.warning("server process %d ended with %d; another takes its place", process.pid, code)
        return self._one()

    def _finish(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        for _, process in self._running:
            process.terminate()
        for _, process in self._running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run_fleet(taken: socket.socket, plan: Plan, store: str | None, size: int) -> None:
    """Serve a plan by ``size`` processes at a socket until interrupted.

    Args:
        taken: the socket, which listens.
        plan: what to serve.
        store: address of the graph's server, where the graph is not in the home.
        size: how many processes.
    """
    folder = tempfile.mkdtemp(prefix="coterie-")
    lifeline, held = os.pipe()
    given = plan.model_copy(update={"socket": taken.fileno(), "lifeline": lifeline})
    more = {FOLDER: folder, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    if store:
        more["COTERIE_STORE"] = store

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli.server", given.model_dump_json()],
            pass_fds=(taken.fileno(), lifeline),
            env={**os.environ, **more},
            start_new_session=True,  # Ctrl-C comes to them by way of this process
        )

    fleet = Fleet(size, start)

    def end(signal_number: int, frame: FrameType | None) -> None:
        fleet.end()

    before = {s: signal.signal(s, end) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with taken:
            fleet.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for descriptor in (lifeline, held):
            os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)
