"""The process that runs one guarded query: ``python -m graph.worker``.

A process of its own, because the engine's timeout comes late in some queries, and a query that
crashes the engine must not take a server along. Takes a pickled request of its parent on standard
input, gives an Arrow stream or a message on standard output.
"""

from __future__ import annotations

import math
import pickle
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from graph.embedded import EmbeddedStore
from graph.store import QueryLimits
from loaders.errors import CoterieError

__all__ = ["GRACE_SECONDS", "QUERY_POOL_MB", "Request", "answer", "main"]

GRACE_SECONDS = 2
"""How long after its limit a query may take to notice."""

QUERY_POOL_MB = 512
"""Memory a query may use in the engine's pool, and as much again outside it."""


@dataclass(frozen=True)
class Request:
    """One query on the store at ``path``; its text has passed the guard."""

    path: str
    cypher: str
    parameters: dict[str, Any]
    limits: QueryLimits


def answer(request: Request) -> bytes:
    """One byte, ``+`` or ``-``, then the result as an Arrow stream or the pickled error."""
    try:
        store = EmbeddedStore(request.path, read_only=True, buffer_pool_mb=QUERY_POOL_MB)
        with store.transaction():
            # The alarm ends the process where the engine does not notice that time is up.
            signal.alarm(math.ceil(request.limits.seconds) + GRACE_SECONDS)
            _cap_memory()
            table = store.query(request.cypher, request.parameters, request.limits)
    except CoterieError as error:
        return b"-" + pickle.dumps((type(error).__name__, str(error)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return b"+" + bytes(sink.getvalue())


def _cap_memory() -> None:
    """Allow the query ``QUERY_POOL_MB`` beside the engine's pool, which lists do not live in.

    Counted from here, because the engine reserves terabytes of addresses when it opens. Only
    Linux tells how much is reserved; elsewhere there is no such cap.
    """
    statm = Path("/proc/self/statm")
    if statm.exists():
        reserved = int(statm.read_text().split()[5]) * resource.getpagesize()
        limit = reserved + QUERY_POOL_MB * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main() -> None:
    """Answer the request on standard input."""
    sys.stdout.buffer.write(answer(pickle.load(sys.stdin.buffer)))


if __name__ == "__main__":
    main()
