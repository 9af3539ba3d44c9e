"""What can go wrong, grouped by what the caller can do about it."""

from __future__ import annotations

from typing import Any

import httpx

__all__ = [
    "CoterieError",
    "InvalidRequest",
    "NotFound",
    "Problem",
    "Refused",
    "TooManyRequests",
    "Unavailable",
    "Unreachable",
    "problem_of",
]


class CoterieError(Exception):
    """Anything that a client raises."""


class Unreachable(CoterieError):
    """The server did not answer, or its answer broke off."""


class Problem(CoterieError):
    """The server's own account of why it did not do as asked.

    Attributes:
        status: of HTTP.
        kind: such as ``unknown-product``; stable.
        detail: what is wrong and what to do.
        retryable: the same request may succeed later.
        retry_after: in how many seconds, where the server says so.
        errors: what is wrong with each field: ``field`` and ``message``.
        request_id: under which the server's log has the request.
    """

    def __init__(self, response: httpx.Response) -> None:
        body = _body(response)
        self.status = response.status_code
        self.kind = str(body.get("type", "")).rpartition(":")[2] or f"http-{self.status}"
        self.detail = str(body.get("detail") or f"the server answered {self.status}")
        self.retryable = bool(body.get("retryable", self.status in (429, 502, 503, 504)))
        self.retry_after = _seconds(response.headers.get("retry-after"))
        self.errors: list[dict[str, str]] = list(body.get("errors") or [])
        self.request_id: str | None = response.headers.get("x-request-id")
        super().__init__(f"{self.kind}: {self.detail}")


class NotFound(Problem):
    """Nothing has this id."""


class InvalidRequest(Problem):
    """The request cannot be used; ``errors`` says which of its fields."""


class Refused(Problem):
    """The key is missing, or not for this."""


class TooManyRequests(Problem):
    """The key has used up its requests for now."""


class Unavailable(Problem):
    """The server cannot do it now."""


def problem_of(response: httpx.Response) -> Problem:
    """The error that an answer stands for; its body must have been read."""
    kinds: dict[int, type[Problem]] = {
        400: InvalidRequest,
        401: Refused,
        403: Refused,
        404: NotFound,
        413: InvalidRequest,
        422: InvalidRequest,
        429: TooManyRequests,
        502: Unavailable,
        503: Unavailable,
        504: Unavailable,
    }
    return kinds.get(response.status_code, Problem)(response)


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:  # a proxy's page
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None
