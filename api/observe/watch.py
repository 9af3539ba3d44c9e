"""``Observed``: times each request, counts it, and writes its line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.observe.logs import ACCESS, FACTS, AccessLog
from api.observe.metrics import Metrics
from api.observe.told import OTHER, Told, told_of
from api.observe.traces import Traces

__all__ = ["Observed", "Templates"]

Templates = Callable[[], Mapping[Any, str]]
"""Gives the path template of each endpoint function."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


class Observed:
    """Notes what each request was and took.

    Args:
        app: what answers.
        metrics: counts.
        templates: asked at the first request.
        access: whether requests are logged.
        traces: makes a span of each request, where somebody wants that.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        templates: Templates,
        access: AccessLog = "off",
        traces: Traces | None = None,
    ) -> None:
        self.app, self._metrics, self._access = app, metrics, access
        self._templates, self._traces = templates, traces
        self._known: Mapping[Any, str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and the answer back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, told = perf_counter(), 500, told_of(scope)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        entered = self._traces.enter(scope, method) if self._traces else None

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = self._route(scope)
            self._note(scope, method, route, status, perf_counter() - began, told)
            if entered is not None and self._traces is not None:
                self._traces.leave(entered, method, route, status)

    def _note(
        self, scope: Scope, method: str, route: str, status: int, seconds: float, told: Told
    ) -> None:
        self._metrics.count(method, route, status, seconds, told)
        if self._access == "off":
            return
        facts = {
            "request_id": scope.get("request_id"),
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "key": told.key,
            "source": told.source or None,
        }
        if self._access == "paths":
            facts["path"] = (scope.get("raw_path") or b"").decode("latin-1")
            facts["query"] = scope["query_string"].decode("latin-1")
        _write(facts)

    def _route(self, scope: Scope) -> str:
        if self._known is None:
            self._known = self._templates()
        return self._known.get(scope.get("endpoint"), OTHER)


def _write(facts: dict[str, Any]) -> None:
    if ACCESS.isEnabledFor(logging.INFO):
        ACCESS.info("request", extra={FACTS: facts})
