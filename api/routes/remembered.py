"""Parameters of a query, parsed once: a shop's pages ask the same few queries for all customers.

FastAPI takes 0.4 ms for the parameters of a list, as much as finding the list. A route whose
parameters depend on the query and on ``Accept-Language`` alone may keep what it was given for
these, and is given it again. The snapshot, the customer and the key are looked at each time.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.access.check import BEARER, Needs

__all__ = ["RememberingRoute", "remember"]

MOST: Final = 1_000
LONGEST: Final = 500
"""Bytes; longer queries are parsed each time."""
OWN: Final = {"service", "user_id", "request"}
_KEPT: Final = "coterie.parameters"
Handler = Callable[[Request], Awaitable[Response]]


def remember(request: Request, **parameters: Any) -> None:
    """Keep what the query of a request came to, for a route that is a ``RememberingRoute``.

    All its parameters must be given, but for ``service``, ``user_id`` and ``request``; else nothing
    is kept. One that rests on anything but the query and ``Accept-Language`` must not be.
    """
    request.scope[_KEPT] = parameters


class RememberingRoute(APIRoute):
    """A route that may be asked the same queries again and again."""

    def get_route_handler(self) -> Any:
        """What answers a request: FastAPI's own handler for queries that are new."""
        whole: Handler = super().get_route_handler()
        needs = next(d.dependency for d in self.dependencies if isinstance(d.dependency, Needs))
        names = inspect.signature(self.endpoint).parameters.keys() - OWN
        known: OrderedDict[tuple[bytes, str], dict[str, Any]] = OrderedDict()

        async def handle(request: Request) -> Response:
            key = request.scope["query_string"], request.headers.get("accept-language", "")
            parameters = known.get(key)
            if parameters is None:
                reply = await whole(request)
                found = request.scope.get(_KEPT, {})
                if found.keys() == names:
                    _keep(known, key, found)
                return reply
            await needs(request, await BEARER(request))
            reply = await self.endpoint(
                service=request.app.state.current(),
                user_id=request.path_params["user_id"],
                request=request,
                **parameters,
            )
            return reply  # type: ignore[no-any-return]

        return handle


def _keep(
    known: OrderedDict[tuple[bytes, str], dict[str, Any]],
    key: tuple[bytes, str],
    parameters: dict[str, Any],
) -> None:
    if len(key[0]) + len(key[1]) > LONGEST:
        return
    known[key] = parameters
    if len(known) > MOST:
        known.popitem(last=False)
