"""``Audit``: who took what about customers out of the service, one JSON line each."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loaders.errors import StoreUnavailable

__all__ = ["Audit", "audit_file"]

_log = logging.getLogger("coterie.api")


def audit_file(home: Path) -> Path:
    """The log of the shop that lives in ``home``."""
    return home / "audit.jsonl"


class Audit:
    """Appends to a file; lines of several processes never mix.

    Args:
        path: the file; made on the first line, readable by its owner only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, **what: Any) -> None:
        """Write a line, with the time.

        Raises:
            StoreUnavailable: it cannot be written; what is not noted is not handed out.
        """
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **what})
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreUnavailable(f"the audit log {self._path} cannot be written") from error

    def lines(self) -> Iterator[dict[str, Any]]:
        """All lines, oldest first; one that a crash cut short is left out."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    _log.warning("a damaged line in %s is left out", self._path)
