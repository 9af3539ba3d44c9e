"""``Workers``: processes that run queries on one store, each with limits, each to be ended.

A process takes about a third of a second to start. The ones on a Neo4j server keep their connection
and take one query after the other; the ones on an embedded store take one, so that whatever the
engine left behind is gone with them.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa

from graph.answer import Answer
from graph.describe import GraphDescription
from graph.open import store_name
from graph.store import QueryLimits
from graph.wire import ENDING, Request, SchemaRequest, ended, receive, unpacked
from graph.worker import GRACE_SECONDS, TOO_LARGE
from loaders.errors import CoterieError, QueryError, StoreUnavailable

__all__ = ["AT_ONCE", "Stop", "Workers"]

AT_ONCE: Final = 8
"""Most queries that run at a time; each may use a gigabyte."""

_TURN_SECONDS = 10.0
_GATE_SECONDS = 130.0
"""How long a query may wait for a writer, beyond its own time."""


class Stop:
    """Ends a query from another thread.

    Attributes:
        asked: whether it was called.
    """

    def __init__(self) -> None:
        self.asked = False
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None

    def __call__(self) -> None:
        """End the query, now or as soon as it begins."""
        with self._lock:
            self.asked = True
            if self._end is not None:
                self._end()

    def by(self, end: Callable[[], None] | None) -> None:
        """Say what ends it; ``None`` once nothing has to be ended any more."""
        with self._lock:
            self._end = end
            if self.asked and end is not None:
                end()


class _Worker:
    """One process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "graph.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            # Ctrl-C in a terminal reaches whoever asked, who ends it in order.
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def ask(self, request: Request | SchemaRequest) -> None:
        """Hand over a request."""
        assert self._process.stdin is not None
        self._process.stdin.write(pickle.dumps(request))
        self._process.stdin.flush()

    def receive(self) -> tuple[bytes, bytes]:
        """The next frame of the answer."""
        assert self._process.stdout is not None
        return receive(self._process.stdout)

    def kill(self) -> None:
        """End it at once; any thread may ask for that."""
        self._process.kill()

    def end(self) -> int:
        """Let go of it; returns its status."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except OSError:  # it went away with something unsent
                continue
        return self._process.wait()


class _Timer(threading.Timer):
    """Calls ``kill`` when time is up, and remembers that it did."""

    def __init__(self, seconds: float, kill: Callable[[], None]) -> None:
        super().__init__(seconds, self._pass)
        self.daemon = True
        self.passed = False
        self._kill = kill

    def _pass(self) -> None:
        self.passed = True
        self._kill()


class _Batches:
    """The rows that frames hold; closing ends the work that makes them."""

    def __init__(self, frames: Generator[tuple[bytes, bytes]]) -> None:
        self._frames = frames

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pa.RecordBatch:
        _, payload = next(self._frames)
        return unpacked(payload).to_batches()[0]

    def close(self) -> None:
        """End the work."""
        try:
            self._frames.close()
        except ValueError:  # another thread waits for a frame; it cleans up when the process ends
            return


class Workers:
    """Answers queries on ``store``, several at a time; ``close`` ends what is left.

    Args:
        store: path of an embedded store or address of a Neo4j server.
    """

    def __init__(self, store: Path | str) -> None:
        self.store = store
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._closed = False

    def answer(
        self,
        cypher: str,
        parameters: dict[str, Any],
        limits: QueryLimits,
        stop: Stop | None = None,
    ) -> Answer:
        """Run a query that passed the guard; returns once its rows are ready.

        Raises:
            QueryError: it is wrong, too slow, too large, stopped, or ended by a crash.
            ConfigError: there is no store.
            StoreUnavailable: the store cannot be read just now, or too many queries run.
        """
        frames = self._frames(Request(str(self.store), cypher, parameters, limits), stop or Stop())
        _, columns = next(frames)
        return Answer(unpacked(columns).schema, _Batches(frames))

    def describe(self, stop: Stop | None = None) -> GraphDescription:
        """What is in the store.

        Raises:
            ConfigError: there is no store.
            StoreUnavailable: it cannot be read just now.
        """
        request = SchemaRequest(str(self.store))
        (described,) = (pickle.loads(p) for _, p in self._frames(request, stop or Stop()))
        assert isinstance(described, GraphDescription)
        return described

    def _frames(
        self, request: Request | SchemaRequest, stop: Stop
    ) -> Generator[tuple[bytes, bytes]]:
        """The frames of an answer but the last; however this ends, so does the process's work."""
        if not self._turns.acquire(timeout=_TURN_SECONDS):
            raise StoreUnavailable(f"{AT_ONCE} queries are running already; try again")
        worker = self._take()
        late = _Timer(request.seconds + GRACE_SECONDS + _GATE_SECONDS, worker.kill)
        stays = False
        try:
            late.start()
            stop.by(worker.kill)
            worker.ask(request)
            while (frame := worker.receive())[0] != ENDING:
                yield frame
            ending = ended(frame[1])
            stays = ending.stays
            ending.check()
        except (EOFError, OSError):
            raise self._why(worker.end(), request, stop, late) from None
        finally:
            late.cancel()
            stop.by(None)
            self._give_back(worker, stays=stays and not stop.asked)
            self._turns.release()

    def _why(
        self, status: int, request: Request | SchemaRequest, stop: Stop, late: _Timer
    ) -> CoterieError:
        """What it means that a process ended before its answer was complete."""
        if stop.asked:
            return QueryError("the query was ended before its answer was complete")
        if late.passed:
            return StoreUnavailable(f"the store {store_name(self.store)} stayed busy; try again")
        if status == -signal.SIGALRM:
            return QueryError(
                f"the query ran longer than {request.seconds:g} seconds and was ended"
            )
        return QueryError(f"the engine gave up on the query (status {status}); maybe {TOO_LARGE}")

    def _take(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                worker.end()
        return _Worker()

    def _give_back(self, worker: _Worker, *, stays: bool) -> None:
        with self._lock:
            if stays and not self._closed:
                self._idle.append(worker)
                return
        worker.end()

    def close(self) -> None:
        """End the processes that wait for a query; those that run one end with it."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
