"""The process that runs guarded queries: ``python -m graph.worker``.

A process of its own, because the engine's timeout comes late in some queries, one that crashes
the engine or fills memory must not take a server along, and a process can be ended. It ends when
whoever asked is gone. An embedded store is opened for one query; the connection to a Neo4j server
stays for the next.
"""

from __future__ import annotations

import math
import os
import pickle
import queue
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from graph.describe import describe
from graph.embedded import EmbeddedStore
from graph.neo4j_address import is_address
from graph.store import GraphStore, JudgingStore
from graph.wire import BATCH, ENDING, RESULT, Ending, Request, SchemaRequest, packed, send
from loaders.errors import CoterieError, QueryError

__all__ = ["GRACE_SECONDS", "QUERY_POOL_MB", "Desk", "main"]

GRACE_SECONDS = 2
"""How long after its limit a query may take to notice."""

QUERY_POOL_MB = 512
"""Memory a query may use in the engine's pool, and as much again outside it."""

TOO_LARGE: Final = "the query needs more memory than it may use; start from fewer nodes"
_BATCH_BYTES: Final = 1_000_000
_BATCH_ROWS: Final = 2_000


class Desk:
    """Answers requests, one after the other, as frames on ``out``."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._server: GraphStore | None = None
        self._cap: int | None = None

    def answer(self, request: Request | SchemaRequest) -> bool:
        """Answer ``request``; whether another one may follow."""
        error: CoterieError | None = None
        memory = False
        try:
            self._carry_out(request)
        except CoterieError as met:
            error = met
        except MemoryError:
            memory, error = True, QueryError(TOO_LARGE)
        finally:
            signal.alarm(0)
        stays = self._server is not None and not memory and not self._is_filled()
        send(self._out, ENDING, pickle.dumps(Ending.of(error, stays)))
        return stays

    def _carry_out(self, request: Request | SchemaRequest) -> None:
        if is_address(request.store):
            store = self._connected(request.store)
            self._limit(request.seconds)
        else:
            store = EmbeddedStore(request.store, read_only=True, buffer_pool_mb=QUERY_POOL_MB)
        if isinstance(request, SchemaRequest):
            send(self._out, RESULT, pickle.dumps(describe(store)))
        else:
            self._send(self._found(store, request))

    def _connected(self, address: str) -> GraphStore:
        if self._server is None:
            from graph.open import open_store

            self._server = open_store(address, read_only=True)
        return self._server

    def _found(self, store: GraphStore, request: Request) -> pa.Table:
        if isinstance(store, JudgingStore):
            return store.read_query(request.cypher, request.parameters, request.limits)
        with store.transaction():
            self._limit(request.seconds)
            return store.query(request.cypher, request.parameters, request.limits)

    def _send(self, table: pa.Table) -> None:
        """The columns, then the rows; the store is not needed for it any more."""
        send(self._out, BATCH, packed(table.slice(0, 0)))
        rows = _BATCH_BYTES * table.num_rows // max(table.nbytes, 1)
        for batch in table.combine_chunks().to_batches(max(1, min(rows, _BATCH_ROWS))):
            send(self._out, BATCH, packed(pa.Table.from_batches([batch])))

    def _limit(self, seconds: float) -> None:
        """Let an alarm end the process where nothing else notices that time is up; cap memory.

        The engine reserves terabytes of addresses when it opens, so the cap counts from now.
        """
        signal.alarm(math.ceil(seconds) + GRACE_SECONDS)
        if self._cap is None and _reserved() is not None:
            self._cap = (_reserved() or 0) + QUERY_POOL_MB * 1024 * 1024
            resource.setrlimit(resource.RLIMIT_DATA, (self._cap, self._cap))

    def _is_filled(self) -> bool:
        """Whether what earlier queries left behind would get in the way of the next."""
        reserved = _reserved()
        if self._cap is None or reserved is None:
            return False
        return self._cap - reserved < QUERY_POOL_MB * 1024 * 1024 // 2


def _reserved() -> int | None:
    """Bytes of data this process has reserved; only Linux tells, elsewhere there is no cap."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    return int(statm.read_text().split()[5]) * resource.getpagesize()


def _requests(stream: IO[bytes]) -> Iterator[Any]:
    """Requests as they come in; the process ends with whoever sends them, be it amid a query."""
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def listen() -> None:
        while True:
            try:
                waiting.put(pickle.load(stream))
            except EOFError:
                os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield waiting.get()


def main() -> None:
    """Answer the requests on standard input."""
    out = os.fdopen(os.dup(1), "wb")
    # What a library prints must not get among the frames.
    os.dup2(2, 1)
    desk = Desk(out)
    for request in _requests(sys.stdin.buffer):
        if not desk.answer(request):
            return


if __name__ == "__main__":
    main()
