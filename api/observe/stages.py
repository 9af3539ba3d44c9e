"""``stage``: an inner part of a request, timed as a part of its trace where it has one.

Where it has none, which is nearly always, it costs a look at a variable. Nothing here needs
OpenTelemetry, so whatever answers may name its stages.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

__all__ = ["CURRENT", "Traced", "stage", "trace_id"]

_NOTHING: Final = nullcontext()


@dataclass(frozen=True, slots=True)
class Traced:
    """The trace that a request is part of.

    Attributes:
        trace_id: 32 hexadecimal digits.
        open: begins a part of the request's span; none where nobody records it.
    """

    trace_id: str
    open: Callable[[str], AbstractContextManager[object]] | None


CURRENT: Final[ContextVar[Traced | None]] = ContextVar("coterie.traced", default=None)
"""The trace of the request that is answered here and now, in its threads too."""


def stage(name: str) -> AbstractContextManager[object]:
    """Time what is done inside, under this name, which must say nothing of who is asked about."""
    traced = CURRENT.get()
    return _NOTHING if traced is None or traced.open is None else traced.open(name)


def trace_id() -> str | None:
    """The trace of the request, where it is part of one."""
    traced = CURRENT.get()
    return None if traced is None else traced.trace_id
