"""``AsyncClient``: sends the calls of ``coterie_client.calls`` in asyncio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from coterie_client import calls
from coterie_client.calls import NDJSON, Call
from coterie_client.errors import CoterieError, InvalidRequest, Unreachable, problem_of
from coterie_client.events import EventsResult, batches
from coterie_client.retries import Retries

__all__ = ["AsyncClient"]

T = TypeVar("T")


class AsyncClient:
    """Talks to one server; use it in an ``async with`` block.

    Args:
        url: of the server.
        key: the shop's key, where one is needed.
        timeout: seconds for each try.
        retries: how often what may be repeated is tried again.
        transport: instead of the network, for tests.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 10.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=timeout, transport=transport
        )
        self._retries = retries or Retries()

    async def send(self, call: Call[T]) -> T:
        """The answer to a call; errors as in ``Client.send``."""
        tried = 0
        while True:
            tried += 1
            try:
                found: T = (await self._once(call)).json()
                return found
            except CoterieError as error:
                wait = self._retries.wait(call, error, tried)
                if wait is None:
                    raise
                await asyncio.sleep(wait)

    async def _once(self, call: Call[Any]) -> httpx.Response:
        try:
            reply = await self._http.send(self._request(call, call.accept))
        except httpx.TransportError as error:
            raise Unreachable(f"{call.method} {call.path}: {error!r}") from error
        if not reply.is_success:
            raise problem_of(reply)
        return reply

    def _request(self, call: Call[Any], accept: str) -> httpx.Request:
        query = call.query or None
        headers = {"Accept": accept}
        return self._http.build_request(
            call.method, call.path, params=query, json=call.json, headers=headers
        )

    async def lines(self, call: Call[Any]) -> AsyncIterator[dict[str, Any]]:
        """The answer to a call as NDJSON; errors as in ``Client.lines``."""
        try:
            reply = await self._http.send(self._request(call, NDJSON), stream=True)
            try:
                if not reply.is_success:
                    await reply.aread()
                    raise problem_of(reply)
                async for line in reply.aiter_lines():
                    if line:
                        yield json.loads(line)
            finally:
                await reply.aclose()
        except httpx.TransportError as error:
            raise Unreachable(f"{call.path} broke off: {error!r}") from error

    async def send_events(self, events: Iterable[Mapping[str, Any]]) -> EventsResult:
        """Keep events; as ``Client.send_events``."""
        result = EventsResult()
        for batch in batches(events):
            try:
                result.add(batch, await self.send(calls.events(batch)))
            except InvalidRequest as problem:
                result.add_refusal(batch, problem)
        return result

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
