"""Live events: kept on disk before they are acknowledged, delivered to the graph afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from api.models.events import (
    AcceptedEvent,
    Event,
    EventField,
    EventFlow,
    EventsAnswer,
    EventsRequest,
    FlowCount,
    RefusedEvent,
)
from api.problems import ProblemField, problem, responses
from api.routes.common import INSIDERS, STOREFRONT, Intake, Settings, answer
from events.event import ShopEvent

__all__ = ["router"]

router = APIRouter(tags=["events"])


@router.post(
    "/events", response_model=EventsAnswer, responses=responses(400, 413), dependencies=STOREFRONT
)
def events(request: Request, live: Intake, settings: Settings, body: EventsRequest) -> Response:
    """Take events, or one by itself; the answer comes when what it accepts is on disk.

    Each is judged alone: those in order are kept, the others told, and where none is in order the
    answer is a problem. Accepted events reach the graph within about a second, or when it is back
    if it is away. The next recommendations of the customer and of the session feel them.
    """
    if len(body.events) > settings.event_batch:
        return _refusal(request, [("", f"expected at most {settings.event_batch} events")])
    kept, refused = _judged(body.events)
    if not kept:
        wrong = [(f".{r.index}.{e.field}", e.message) for r in refused for e in r.errors]
        return _refusal(request, wrong)
    live.take([event for _, event in kept])
    accepted = [AcceptedEvent(index=i, event_id=event.event_id) for i, event in kept]
    return answer(EventsAnswer(accepted=accepted, refused=refused))


@router.get("/events/flow", response_model=EventFlow, dependencies=INSIDERS)
def flow(
    live: Intake,
    minutes: Annotated[int, Query(ge=1, le=1_440, description="How far to look back.")] = 60,
) -> Response:
    """How many events came in, minute by minute and by kind."""
    counts = [FlowCount(minutes_ago=m, event=e, events=n) for m, e, n in live.flow(minutes)]
    waiting = sum(part.waiting or 0 for part in live.parts())
    total = sum(count.events for count in counts)
    return answer(EventFlow(minutes=minutes, total=total, waiting=waiting, counts=counts))


def _refusal(request: Request, wrong: Sequence[tuple[str, str]]) -> Response:
    """A problem that names what is wrong at each place below ``body.events``."""
    fields = [ProblemField(field=f"body.events{place}", message=text) for place, text in wrong]
    detail = "; ".join(f"{f.field}: {f.message}" for f in fields[:3])
    return problem(request, 422, "invalid-request", detail, errors=fields)


def _judged(raw: Sequence[Any]) -> tuple[list[tuple[int, ShopEvent]], list[RefusedEvent]]:
    """Events in order, each with its place, and why the others are not."""
    kept: list[tuple[int, ShopEvent]] = []
    refused: list[RefusedEvent] = []
    now = datetime.now(UTC)
    for index, value in enumerate(raw):
        try:
            event = Event.model_validate(value)
            kept.append((index, event.kept(uuid.uuid4().hex, now)))
        except ValidationError as error:
            refused.append(_refused(index, error))
    return kept, refused


def _refused(index: int, error: ValidationError) -> RefusedEvent:
    fields = [
        EventField(field=_text(".".join(map(str, e["loc"])) or "event"), message=_text(e["msg"]))
        for e in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    detail = "; ".join(f"{f.field}: {f.message}" for f in fields[:3])
    return RefusedEvent(index=index, detail=detail, errors=fields)


def _text(value: str) -> str:
    """``value`` without the half surrogates that a key in JSON may spell."""
    return value.encode("utf-8", "replace").decode()[:200]
