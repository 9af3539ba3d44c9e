"""What passes between a program and the processes that run its queries.

Requests are pickled, one after the other. An answer is a sequence of frames: a letter, a length,
a payload; the last says how it ended and whether the process takes another request.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import IO, Any, Final

import pyarrow as pa

from graph.store import QueryLimits
from loaders.errors import ConfigError, CoterieError, QueryError, StoreUnavailable

__all__ = [
    "BATCH",
    "ENDING",
    "RESULT",
    "Ending",
    "Request",
    "SchemaRequest",
    "ended",
    "packed",
    "receive",
    "send",
    "unpacked",
]

BATCH: Final = b"B"
"""Rows as an Arrow stream; the first such frame has none and gives the columns."""
RESULT: Final = b"R"
"""A pickled object."""
ENDING: Final = b"E"
"""A pickled ``Ending``."""
_HEAD: Final = 9


@dataclass(frozen=True)
class Request:
    """One query on ``store``, a path or an address; its text has passed the guard."""

    store: str
    cypher: str
    parameters: dict[str, Any]
    limits: QueryLimits

    @property
    def seconds(self) -> float:
        """Longest time the answer may take."""
        return self.limits.seconds


@dataclass(frozen=True)
class SchemaRequest:
    """What is in ``store``, described."""

    store: str
    seconds: float = 60.0


@dataclass(frozen=True)
class Ending:
    """How an answer ended.

    Attributes:
        error: class and message of what went wrong, if anything did.
        stays: whether the process takes another request.
    """

    error: tuple[str, str] | None
    stays: bool

    @classmethod
    def of(cls, error: CoterieError | None, stays: bool) -> Ending:
        """The ending by ``error``."""
        return cls((type(error).__name__, str(error)) if error else None, stays)

    def check(self) -> None:
        """Raise what went wrong, if anything did."""
        if self.error is not None:
            name, message = self.error
            kinds = {kind.__name__: kind for kind in (ConfigError, StoreUnavailable)}
            raise kinds.get(name, QueryError)(message)


def send(stream: IO[bytes], kind: bytes, payload: bytes) -> None:
    """Write one frame."""
    stream.write(kind + len(payload).to_bytes(_HEAD - 1, "big"))
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[bytes, bytes]:
    """The next frame: its letter and payload.

    Raises:
        EOFError: the other side ended.
    """
    head = stream.read(_HEAD)
    size = int.from_bytes(head[1:], "big")
    payload = stream.read(size) if len(head) == _HEAD else b""
    if len(head) < _HEAD or len(payload) < size:
        raise EOFError
    return head[:1], payload


def packed(table: pa.Table) -> bytes:
    """``table`` as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def unpacked(payload: bytes) -> pa.Table:
    """The table of an Arrow stream."""
    return pa.ipc.open_stream(payload).read_all()


def ended(payload: bytes) -> Ending:
    """The ending a frame holds."""
    ending = pickle.loads(payload)
    assert isinstance(ending, Ending)
    return ending
