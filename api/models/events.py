"""Live events as a storefront sends them, and what became of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    SkipValidation,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from api.models.base import Answer, example
from api.models.lists import ExperimentRef
from events.event import ShopEvent
from experiments.assign import unit_of

__all__ = [
    "AcceptedEvent",
    "Event",
    "EventFlow",
    "EventsAnswer",
    "EventsRequest",
    "FlowCount",
    "ListView",
    "RefusedEvent",
]

EventName = Literal["purchase", "view_item", "add_to_cart", "add_to_wishlist", "rate"]
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS: Final = timedelta(days=1)
"""How far the clock of a visitor's machine may be ahead."""

Id = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]
_VIEW: JsonDict = {
    "event": "view_item",
    "event_id": "3f0c9a52-8f1e",
    "user_id": "1228",
    "product_id": "1029743",
    "at": "2018-01-01T10:00:00Z",
}


class _Act(Answer):
    """Who did something, when, and in which experiment."""

    user_id: Id | None = Field(default=None, description="Who; a new customer is added.")
    session_id: Id | None = Field(
        default=None,
        description="The visit. Without `user_id` the event is that of the visitor "
        "`anonymous/<session_id>`.",
    )
    event_id: Id | None = Field(
        default=None,
        description="Unique: sent again, it changes nothing. Made up, and told, where missing.",
    )
    at: datetime | None = Field(
        default=None, description="When, UTC unless it says otherwise; now where missing."
    )

    @field_validator("at")
    @classmethod
    def _in_reach(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        # Judged before it is converted: the ends of the calendar have no equal in UTC.
        if not EARLIEST <= moment <= datetime.now(UTC) + CLOCKS:
            raise ValueError("expected a time between 1970 and now")
        return moment.astimezone(UTC)

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.user_id or self.session_id):
            raise ValueError("expected user_id, or session_id of a visitor without account")
        return self

    def microseconds(self, now: datetime) -> int:
        """When it happened, since 1970; ``now`` where it does not say."""
        return ((self.at or now) - EARLIEST) // timedelta(microseconds=1)

    @property
    def unit(self) -> str:
        """Who is in an experiment."""
        return unit_of(self.user_id, self.session_id) or ""


class ListView(_Act):
    """A list that is part of an experiment was shown to somebody."""

    event: Literal["view_item_list"] = Field(description="Name as in the GA4 e-commerce schema.")
    experiment: ExperimentRef = Field(description="As in the list's answer.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "event": "view_item_list",
                "user_id": "1228",
                "experiment": {"id": "home-discover", "variant": "control"},
            }
        )
    )


class Event(_Act):
    """One act of a customer, or of a visitor without account, on one product."""

    event: EventName = Field(description="Name as in the GA4 e-commerce schema, or `rate`.")
    product_id: Id = Field(description="On what; a product the graph lacks is added with its id.")
    quantity: float = Field(
        default=1.0, gt=0, le=1e9, allow_inf_nan=False, description="How many units."
    )
    value: float | None = Field(
        default=None,
        ge=0,
        le=1e12,
        allow_inf_nan=False,
        description="Amount of the line, shop's currency.",
    )
    order_id: Id | None = Field(default=None, description="The order or basket of the line.")
    experiment: ExperimentRef | None = Field(
        default=None, description="As in the answer of the list that was clicked in."
    )
    rating: float | None = Field(
        default=None, allow_inf_nan=False, ge=-1e6, le=1e6, description="Only, and always, of rate."
    )

    model_config = ConfigDict(json_schema_extra=example(_VIEW))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.rating is not None) != (self.event == "rate"):
            raise ValueError("expected a rating with rate, and with no other event")
        return self

    def kept(self, event_id: str, now: datetime) -> ShopEvent:
        """The event as it waits for the store; ``event_id`` and ``now`` where it has none."""
        return ShopEvent(
            event_id=self.event_id or event_id,
            event=self.event,
            user_id=self.unit,
            product_id=self.product_id,
            at=self.microseconds(now),
            quantity=self.quantity,
            value=self.value,
            order_id=self.order_id,
            session_id=self.session_id,
            rating=self.rating,
        )


def _one_or_several(schema: JsonDict) -> None:
    """Tell in the OpenAPI document that one event may come by itself."""
    properties = schema.pop("properties")
    assert isinstance(properties, dict)
    listed = properties["events"]
    assert isinstance(listed, dict)
    batch: JsonDict = {"type": "object", "properties": properties, "required": ["events"]}
    batch["title"] = "EventBatch"  # names its class in generated clients
    schema.pop("required"), schema.pop("type"), schema.pop("additionalProperties", None)
    schema["anyOf"] = [{**batch, "additionalProperties": False}, listed["items"]]
    schema["examples"] = [{"events": [_VIEW]}, _VIEW]


class EventsRequest(Answer):
    """Events, or one event by itself. Each is judged alone: good ones are kept beside bad ones."""

    events: list[SkipValidation[Event | ListView]] = Field(
        min_length=1, description="In the order they happened."
    )

    model_config = ConfigDict(json_schema_extra=_one_or_several)

    @model_validator(mode="before")
    @classmethod
    def _wrapped(cls, value: Any) -> Any:
        alone = isinstance(value, dict) and "events" not in value
        return {"events": [value]} if alone else value


class AcceptedEvent(Answer):
    """An event that is kept."""

    index: int = Field(description="Its place in the request, from 0.")
    event_id: str


class EventField(Answer):
    """One part of an event that cannot be used."""

    field: str
    message: str = Field(description="What was expected.")


class RefusedEvent(Answer):
    """An event that is not kept, and why, as in a problem body."""

    index: int = Field(description="Its place in the request, from 0.")
    type: str = "urn:coterie:problem:invalid-event"
    detail: str = Field(description="What is wrong with it.")
    errors: list[EventField] = Field(description="Field by field.")


class EventsAnswer(Answer):
    """What became of each event."""

    accepted: list[AcceptedEvent] = Field(
        description="Kept on disk; each will be in the graph once, however often it is sent."
    )
    refused: list[RefusedEvent] = Field(description="To be mended before they are sent again.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "accepted": [{"index": 0, "event_id": "3f0c9a52-8f1e"}],
                "refused": [
                    {
                        "index": 1,
                        "type": "urn:coterie:problem:invalid-event",
                        "detail": "product_id: Field required",
                        "errors": [{"field": "product_id", "message": "Field required"}],
                    }
                ],
            }
        )
    )


class FlowCount(Answer):
    """Events of one kind that came in within one minute."""

    minutes_ago: int = Field(ge=0)
    event: str
    events: int


class EventFlow(Answer):
    """Events as they come in."""

    minutes: int = Field(description="How far it looks back.")
    total: int
    waiting: int = Field(description="Acknowledged, and not in the graph yet.")
    counts: list[FlowCount] = Field(description="The latest minute first; none of empty minutes.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "minutes": 60,
                "total": 312,
                "waiting": 0,
                "counts": [{"minutes_ago": 0, "event": "view_item", "events": 12}],
            }
        )
    )
