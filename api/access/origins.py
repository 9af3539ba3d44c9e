"""``Origins``: which pages of other sites may read answers (CORS), key by key.

A browser asks first without the key (preflight), so any origin of any key is let ask; the answer
itself is readable only where the request's own key is for that origin.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.keys import KeyFile

__all__ = ["Origins"]

MAX_AGE: Final = "600"
METHODS: Final = "GET, POST, PUT, DELETE"
HEADERS: Final = "authorization, content-type, accept-language"
READABLE: Final = "content-language, retry-after, x-request-id"


class Origins:
    """Answers preflights, and names the origin in answers to it.

    Args:
        app: what answers.
        keys: the shop's keys.
    """

    def __init__(self, app: ASGIApp, keys: KeyFile) -> None:
        self.app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it where it is a preflight."""
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        if origin is None or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        known = any(origin.lower() in key.origins for key in self._keys.all())
        asks = "access-control-request-method" in Headers(scope=scope)
        if scope["method"] == "OPTIONS" and asks:
            await _preflight(send, origin if known else None)
            return

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                _allow(MutableHeaders(scope=message), origin if known else None)
            await send(message)

        await self.app(scope, receive, send_with_origin)


def _allow(headers: MutableHeaders, origin: str | None) -> None:
    headers.add_vary_header("Origin")
    if origin is not None:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = READABLE


async def _preflight(send: Send, origin: str | None) -> None:
    message: Message = {
        "type": "http.response.start",
        "status": 204 if origin else 403,
        "headers": [],
    }
    headers = MutableHeaders(scope=message)
    _allow(headers, origin)
    if origin:
        headers["Access-Control-Allow-Methods"] = METHODS
        headers["Access-Control-Allow-Headers"] = HEADERS
        headers["Access-Control-Max-Age"] = MAX_AGE
    await send(message)
    await send({"type": "http.response.body", "body": b""})
