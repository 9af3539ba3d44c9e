"""Cursors of paged answers: opaque to callers, and bound to the snapshot they count in."""

from __future__ import annotations

import base64
import json

from fastapi.exceptions import RequestValidationError

from api.problems import SnapshotChanged

__all__ = ["decode", "encode", "following"]

LIMIT = 2**53
"""Offsets are below this, so that they fit whatever counts them."""


def encode(build: str, offset: int) -> str:
    """The cursor of the page that starts at ``offset`` in ``build``."""
    text = json.dumps([build, offset], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def following(build: str, offset: int, limit: int, found: int) -> str | None:
    """The cursor behind a page of ``limit``, where one more than that was looked for and found."""
    return encode(build, offset + limit) if found > limit else None


def decode(cursor: str | None, build: str) -> int:
    """The offset a cursor stands for; 0 for none.

    Raises:
        SnapshotChanged: another snapshot has been published since the cursor was given.
        RequestValidationError: this is no cursor.
    """
    if cursor is None:
        return 0
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        made_in, offset = json.loads(base64.urlsafe_b64decode(padded.encode()))
    except (ValueError, TypeError):
        raise _invalid() from None
    if not isinstance(offset, int) or isinstance(offset, bool) or not 0 <= offset < LIMIT:
        raise _invalid()
    if made_in != build:
        raise SnapshotChanged(
            "a newer snapshot was published meanwhile; start again at the first page"
        )
    return offset


def _invalid() -> RequestValidationError:
    message = "expected the next_cursor of an earlier page"
    return RequestValidationError([{"loc": ("query", "cursor"), "msg": message, "type": "cursor"}])
