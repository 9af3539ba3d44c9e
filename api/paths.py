"""Ids in paths: they are the shop's own strings and may hold slashes, spaces and any letters.

``anonymous/123`` can be asked for as it is or with its slash as ``%2F``. Servers decode a path
before it is routed, so an id that ends in ``/similar`` would look like the route of that name;
an escaped slash is therefore kept apart from a plain one until the route is found.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["CUSTOMER", "ONE_PRODUCT", "ONE_USER", "PRODUCT", "SEGMENT", "USER", "EscapedSlashes"]

MARK: Final = "\uffff"
"""Stands for an escaped slash while a route is chosen; Unicode sets it apart as no character."""
_ESCAPED: Final = re.compile(rb"%2f", re.IGNORECASE)


class _Id(Convertor[str]):
    regex = ".+"

    def convert(self, value: str) -> str:
        return value.replace(MARK, "/")

    def to_string(self, value: str) -> str:
        return value


class _Whole(_Id):
    """An id whose slashes are all escaped."""

    regex = "[^/]+"


register_url_convertor("id", _Id())
register_url_convertor("whole", _Whole())
USER: Final = "/users/{user_id:id}"
CUSTOMER: Final = "/customers/{user_id:id}"
PRODUCT: Final = "/products/{product_id:id}"
SEGMENT: Final = "/segments/{segment_id:id}"
"""Paths of one thing; what hangs below it must be routed first, since an id may hold slashes."""
ONE_USER: Final = "/users/{user_id:whole}"
ONE_PRODUCT: Final = "/products/{product_id:whole}"
"""Paths to write to: there a mistyped path must not make a thing whose id is that path."""


class EscapedSlashes:
    """Marks escaped slashes of the path, so that only plain ones part it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its path marked where it holds an escaped slash."""
        raw = scope.get("raw_path") if scope["type"] == "http" else None
        if raw and _ESCAPED.search(raw):
            marked = _ESCAPED.sub(MARK.encode(), raw.partition(b"?")[0])
            scope["path"] = unquote(marked.decode("utf-8", "replace"))
        await self.app(scope, receive, send)
