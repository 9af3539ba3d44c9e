"""Answers that a client may keep and ask about again, which costs a 304 while nothing changed.

They are the caller's own (``private``), and asked about each time (``no-cache``), so that a new
build, a rollback or a revoked key shows at once.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from api.routes.common import answer

__all__ = ["UNCHANGED", "kept_by_body", "kept_by_build"]

UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Nothing changed since the answer whose ETag is in If-None-Match."}
}
"""OpenAPI entry of routes whose answers may be kept."""
_PRIVATE: Final = "private, no-cache"


def kept_by_build(request: Request, model: BaseModel, build: str) -> Response:
    """An answer that only another build, or another version of Coterie, would change.

    Where the client has it, it is not even written.
    """
    return _kept(request, f'W/"{build}.{request.app.version}"', lambda: answer(model))


def kept_by_body(request: Request, reply: Response) -> Response:
    """An answer that may change at any time, compared as a whole."""
    digest = hashlib.blake2b(bytes(reply.body), digest_size=12).hexdigest()
    return _kept(request, f'W/"{digest}"', lambda: reply)


def _kept(request: Request, tag: str, made: Any) -> Response:
    reply: Response = Response(status_code=304) if _has(request, tag) else made()
    reply.headers["ETag"] = tag
    reply.headers["Cache-Control"] = _PRIVATE
    return reply


def _has(request: Request, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag; see RFC 9110, section 13.1.2."""
    named = {part.strip() for part in request.headers.get("if-none-match", "").split(",")}
    return "*" in named or tag in named or tag.removeprefix("W/") in named
