"""``Caller``: one connection to a server, kept open, for benchmarks that must know which broke."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

__all__ = ["Answered", "Broken", "Caller"]

PATIENCE_SECONDS = 60.0
JSON = {"Content-Type": "application/json"}


class Answered(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: bytes

    @property
    def document(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Broken(Exception):
    """The connection ended before the answer did.

    Attributes:
        port: of this end of the connection.
    """

    def __init__(self, port: int, why: str) -> None:
        super().__init__(why)
        self.port = port


class Caller:
    """Asks one request after the other on one connection, and opens another where it broke.

    Use it in a ``with`` block.
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = HTTPConnection(
            str(address.hostname), address.port, timeout=PATIENCE_SECONDS
        )

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answered:
        """One request.

        Raises:
            Broken: no whole answer came; whether the request was worked on is not known.
        """
        port = 0
        try:
            if self._connection.sock is None:
                self._connection.connect()
            port = self._connection.sock.getsockname()[1]
            self._connection.request(method, path, body, JSON if body is not None else {})
            answer = self._connection.getresponse()
            return Answered(answer.status, answer.read())
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise Broken(port, repr(error)) from error

    def get(self, path: str) -> Answered:
        """Ask by GET."""
        return self.ask("GET", path)

    def post(self, path: str, document: Any) -> Answered:
        """Send a document as JSON."""
        return self.ask("POST", path, json.dumps(document).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
