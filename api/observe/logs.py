"""Logs on stderr: lines for people, or one JSON object a line for machines.

A request is one line of the logger ``coterie.access``. It names the route, not the path, because
paths hold ids of customers; whoever wants those has to ask for them.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic_core import to_json

from api.observe.stages import trace_id

__all__ = ["ACCESS", "AccessLog", "JsonLines", "LogForm", "configure"]

LogForm = Literal["text", "json"]
AccessLog = Literal["off", "routes", "paths"]
"""Whether requests are logged: not at all, by their route, or with path and query, which name
customers."""
ACCESS: Final = logging.getLogger("coterie.access")
FACTS: Final = "facts"
"""Attribute of a log record that holds what is known of it beside its message."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON: ``at`` (UTC), ``level``, ``logger``, ``message``, its facts.

    Where it is part of a trace, that trace's id too.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter.format``."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        facts = getattr(record, FACTS, None)
        if facts is None:
            line["message"] = record.getMessage()
        else:
            line |= facts
        if trace := _trace(record):
            line["trace_id"] = trace
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return to_json(line, fallback=str).decode()


class _Text(logging.Formatter):
    """The message alone; of a request, its facts as ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, FACTS, None)
        if facts is not None:
            told = {**facts, "trace_id": _trace(record)}
            return " ".join(f"{k}={v}" for k, v in told.items() if v is not None)
        return super().format(record)


def _trace(record: logging.LogRecord) -> str | None:
    """The trace it is part of, also where it is told after the request has ended."""
    return getattr(record, "trace_id", None) or trace_id()


def configure(form: LogForm) -> None:
    """Send the logs of this process to stderr in this form."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else _Text("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
