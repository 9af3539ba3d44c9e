"""Work that ends when nobody waits for it any more, and answers sent as they are read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from graph.workers import Stop
from loaders.errors import CoterieError, QueryError

__all__ = ["Streamed", "while_connected"]

T = TypeVar("T")

_log = logging.getLogger("coterie.api")


async def while_connected(receive: Receive, stop: Stop, work: Callable[[], T]) -> T:
    """The result of ``work``, done in a thread; ``stop`` is called if the client goes away."""
    watch = asyncio.create_task(_watch(receive, stop))
    done = False
    try:
        result = await to_thread.run_sync(work, abandon_on_cancel=True)
        done = True
        return result
    finally:
        watch.cancel()
        if not done:
            stop()


async def _watch(receive: Receive, stop: Stop) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    stop()


class Streamed(Response):
    """A body of pieces that are made in a thread, each as the one before is sent.

    One that breaks off is never ended in order, so that no client takes a part for the whole.

    Args:
        chunks: the body; closed at the end, or when the client goes away.
        stop: ends the work behind ``chunks``.
        seconds: how long sending may take.
        media_type: of the body.
        headers: further headers.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        stop: Stop,
        *,
        seconds: float,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        super().__init__(media_type=media_type, headers=headers)
        del self.headers["content-length"]
        self._chunks, self._stop, self._seconds = chunks, stop, seconds
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces, the first together with the last where there is one only."""
        watch = asyncio.create_task(_watch(receive, self._stop))
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(send)
        except (CoterieError, TimeoutError) as error:
            if not self._started:
                if isinstance(error, TimeoutError):
                    raise QueryError(
                        f"no answer within {self._seconds:g} seconds; allow more, or ask for less"
                    ) from None
                raise
            if not self._stop.asked:
                _log.warning("%s broke off: %s", Request(scope).url.path, error or "too slow")
        finally:
            watch.cancel()
            self._stop()
            # One that still works in its thread cannot be closed; what was stopped ends by itself.
            with suppress(ValueError):
                getattr(self._chunks, "close", lambda: None)()

    async def _send(self, send: Send) -> None:
        held = await self._next()
        self._started = True
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        while held is not None:
            following = await self._next()
            more = following is not None
            await send({"type": "http.response.body", "body": held, "more_body": more})
            held = following

    async def _next(self) -> bytes | None:
        return await to_thread.run_sync(next, self._chunks, None, abandon_on_cancel=True)
