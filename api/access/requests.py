"""Request ids: each answer carries one, the client's own where it sent a fitting one."""

from __future__ import annotations

import re
import secrets
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RequestIds"]

NAME: Final = "X-Request-Id"
FITTING: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class RequestIds:
    """Puts the id in ``scope["request_id"]`` and in the answer's header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(NAME, "")
        name = given if FITTING.fullmatch(given) else secrets.token_hex(8)
        scope["request_id"] = name

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[NAME] = name
            await send(message)

        await self.app(scope, receive, send_with_id)
