"""What all routes share: the snapshot's service, path and query parameters, the answer.

Routes that look things up run on the event loop (``async def``): handing such a call to a thread
costs about 0.2 ms, as much as all the rest. Those that scan or wait (searches, Cypher, CSV) run in
threads (``def``).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.access.check import Needs
from api.live import LiveParts
from api.service import Service
from api.settings import ApiSettings
from api.trials import Trials
from loaders.errors import EventQueueUnavailable

__all__ = [
    "ADMIN",
    "ANALYST",
    "ANY_KEY",
    "INSIDERS",
    "MARKETER",
    "METRICS",
    "SEGMENTS",
    "STOREFRONT",
    "TRIED",
    "TRYING",
    "WRITING",
    "Current",
    "Cursor",
    "Intake",
    "ListLength",
    "Parts",
    "ProductId",
    "Search",
    "SegmentId",
    "Settings",
    "Tried",
    "UserId",
    "answer",
    "store_answers",
]


async def _current(request: Request) -> Service:
    service: Service = request.app.state.current()
    return service


async def _settings(request: Request) -> ApiSettings:
    settings: ApiSettings = request.app.state.settings
    return settings


async def _parts(request: Request) -> LiveParts | None:
    live: LiveParts | None = request.app.state.live
    return live


async def _intake(request: Request) -> LiveParts:
    live: LiveParts | None = request.app.state.live
    if live is None:
        raise EventQueueUnavailable("this server takes no events: it was started without a queue")
    return live


async def store_answers(request: Request) -> None:
    """Refuse a request that asks the store while the store is known to be away."""
    live: LiveParts | None = request.app.state.live
    if live is not None:
        live.check_store()


async def _trials(request: Request) -> Trials | None:
    trials: Trials | None = request.app.state.trials
    return trials


Current = Annotated[Service, Depends(_current)]
"""The service of the snapshot published as the request came in."""
Settings = Annotated[ApiSettings, Depends(_settings)]
Parts = Annotated[LiveParts | None, Depends(_parts)]
"""The parts of the server beside the snapshot, where it has any."""
Intake = Annotated[LiveParts, Depends(_intake)]
"""The same, for a request that needs them."""

Tried = Annotated[Trials | None, Depends(_trials)]
"""The experiments of the server, where it has any."""

STOREFRONT = [Depends(Needs("storefront"))]
"""Dependencies of a route that shop pages call, which may show their key to anybody."""
MARKETER = [Depends(Needs("marketer", audited=True))]
"""Of a route that tells of customers one by one."""
SEGMENTS = [Depends(Needs("marketer"))]
"""Of a route that tells of customers in groups."""
ANALYST = [Depends(Needs("analyst", audited=True))]
"""Of a route that asks the graph."""
ADMIN = [Depends(Needs("admin", audited=True))]
"""Of a route that changes what is served."""
TRIED = [Depends(Needs("marketer", "analyst", "admin"))]
"""Of a route that tells what came of experiments and campaigns."""
TRYING = [Depends(Needs("marketer", "admin", audited=True))]
"""Of a route that changes experiments."""
WRITING = [Depends(Needs("marketer", "admin", audited=True))]
"""Of a route that changes customers or products."""
METRICS = [Depends(Needs("metrics", "admin"))]
"""Of a route that tells how the server does."""
INSIDERS = [Depends(Needs("marketer", "analyst", "admin"))]
"""Of a route that tells how builds do."""
ANY_KEY = [Depends(Needs())]
"""Of a route that tells what any client of the shop may know."""

UserId = Annotated[str, Path(description="The shop's own id of the customer.", examples=["1228"])]
ProductId = Annotated[str, Path(description="The shop's own id.", examples=["1029743"])]
SegmentId = Annotated[str, Path(description="Id of the segment.", examples=["segment-3"])]
ListLength = Annotated[int, Query(ge=1, le=100, description="How many products at most.")]
Cursor = Annotated[str | None, Query(max_length=500, description="next_cursor of the page before.")]
Search = Annotated[str, Query(max_length=200, description="Part of an id or title; may be empty.")]


def answer(model: BaseModel) -> Response:
    """A model as JSON, written once and not checked again: it was checked when it was made."""
    # What a query finds may be of any type; one that JSON lacks is written as text.
    body = model.__pydantic_serializer__.to_json(model, fallback=str)
    return Response(body, media_type="application/json")
