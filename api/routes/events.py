"""Live events: kept on disk before they are acknowledged, delivered to the graph afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
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
    ListView,
    RefusedEvent,
)
from api.problems import responses
from api.routes.common import INSIDERS, STOREFRONT, Intake, Settings, Tried, answer
from api.routes.judging import detail_of, fields_of, refusal, text
from api.trials import Trials
from events.event import ShopEvent
from experiments.ledger import Touch

__all__ = ["router"]

router = APIRouter(tags=["events"])


@router.post(
    "/events", response_model=EventsAnswer, responses=responses(400, 413), dependencies=STOREFRONT
)
def send_events(
    request: Request, live: Intake, trials: Tried, settings: Settings, body: EventsRequest
) -> Response:
    """Take events, or one by itself; the answer comes when what it accepts is on disk.

    Each is judged alone: those in order are kept, the others told, and where none is in order the
    answer is a problem. Accepted events reach the graph within about a second, or when it is back
    if it is away. The next recommendations of the customer and of the session feel them. Shown
    lists and clicks of experiments are counted there, and shown lists go nowhere else.
    """
    if len(body.events) > settings.event_batch:
        return refusal(
            request, "body.events", [("", f"expected at most {settings.event_batch} events")]
        )
    kept, refused = _judged(body.events, trials)
    if not kept:
        wrong = [(f".{r.index}.{e.field}", e.message) for r in refused for e in r.errors]
        return refusal(request, "body.events", wrong)
    if trials and (touches := [one.touch for one in kept if one.touch]):
        trials.note(touches)
    if acts := [one.act for one in kept if one.act]:
        live.take(acts)
    accepted = [AcceptedEvent(index=one.index, event_id=one.event_id) for one in kept]
    return answer(EventsAnswer(accepted=accepted, refused=refused))


@router.get("/events/flow", response_model=EventFlow, dependencies=INSIDERS)
def event_flow(
    live: Intake,
    minutes: Annotated[int, Query(ge=1, le=1_440, description="How far to look back.")] = 60,
) -> Response:
    """How many events came in, minute by minute and by kind."""
    counts = [FlowCount(minutes_ago=m, event=e, events=n) for m, e, n in live.flow(minutes)]
    waiting = sum(part.waiting or 0 for part in live.parts())
    total = sum(count.events for count in counts)
    return answer(EventFlow(minutes=minutes, total=total, waiting=waiting, counts=counts))


@dataclass(frozen=True)
class _Kept:
    """An event in order: its place and id, what it is to the shop and to an experiment."""

    index: int
    event_id: str
    act: ShopEvent | None
    touch: Touch | None


def _judged(raw: Sequence[Any], trials: Trials | None) -> tuple[list[_Kept], list[RefusedEvent]]:
    """Events in order, and why the others are not."""
    kept: list[_Kept] = []
    refused: list[RefusedEvent] = []
    now = datetime.now(UTC)
    for index, value in enumerate(raw):
        shown = isinstance(value, dict) and value.get("event") == "view_item_list"
        model: type[ListView | Event] = ListView if shown else Event
        try:
            event = model.model_validate(value)
        except ValidationError as error:
            refused.append(_refused(index, error))
            continue
        event_id = event.event_id or uuid.uuid4().hex
        touch, wrong = _touch(event, event_id, now, trials)
        if isinstance(event, Event):
            # What was done counts, whatever became of the experiment it is said to belong to.
            kept.append(_Kept(index, event_id, event.kept(event_id, now), touch))
        elif wrong:
            fields = [EventField(field="experiment", message=text(wrong))]
            refused.append(RefusedEvent(index=index, detail=text(wrong), errors=fields))
        else:
            kept.append(_Kept(index, event_id, None, touch))
    return kept, refused


def _touch(
    event: Event | ListView, event_id: str, now: datetime, trials: Trials | None
) -> tuple[Touch | None, str | None]:
    """What an event says of an experiment, or why it says nothing that counts."""
    of = event.experiment
    if of is None:
        return None, None
    if trials is None:
        return None, "this server runs no experiments"
    if wrong := trials.judge(of.id, of.variant, event.unit):
        return None, wrong
    click = event_id if isinstance(event, Event) else None
    # By the server's clock nothing was shown later than now, however far ahead a visitor's is.
    at = min(event.microseconds(now), int(now.timestamp() * 1e6))
    return Touch(of.id, of.variant, event.unit, at, click), None


def _refused(index: int, error: ValidationError) -> RefusedEvent:
    fields = fields_of(error, "event")
    return RefusedEvent(index=index, detail=detail_of(fields), errors=fields)
