"""Events on their way: each gets an id before it is first sent, so it can be sent again.

The server knows events by their id: one that arrives twice, because the first answer was lost, is
kept once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from coterie_client.answers import EventsAnswer
from coterie_client.errors import InvalidRequest

__all__ = ["BATCH", "EventsResult", "RefusedEvent", "batches", "named", "refusals"]

BATCH: Final = 500
"""Events that a server takes in one request by default."""


@dataclass(frozen=True)
class RefusedEvent:
    """An event that was not kept.

    Attributes:
        event: as it was sent.
        detail: what is wrong with it.
    """

    event: Mapping[str, Any]
    detail: str


@dataclass
class EventsResult:
    """What became of events.

    Attributes:
        accepted: ids of those that are kept, in the order they were given.
        refused: those that are not.
    """

    accepted: list[str] = field(default_factory=list)
    refused: list[RefusedEvent] = field(default_factory=list)

    def add(self, batch: Sequence[Mapping[str, Any]], answer: EventsAnswer) -> None:
        """Take in the answer to a batch."""
        self.accepted += [one["event_id"] for one in answer["accepted"]]
        for one in answer["refused"]:
            self.refused.append(RefusedEvent(batch[one["index"]], one["detail"]))

    def add_refusal(self, batch: Sequence[Mapping[str, Any]], problem: InvalidRequest) -> None:
        """Take in the refusal of a whole batch.

        Raises:
            InvalidRequest: it is not about single events.
        """
        for index, detail in refusals(problem, "events").items():
            self.refused.append(RefusedEvent(batch[index], detail))


def refusals(problem: InvalidRequest, name: str) -> dict[int, str]:
    """What is wrong with each, by its place in the list ``name`` of the request.

    Raises:
        InvalidRequest: it is not about single ones.
    """
    wrong: dict[int, list[str]] = {}
    start = f"body.{name}."
    for error in problem.errors:
        place, _, field_name = error["field"].removeprefix(start).partition(".")
        if not error["field"].startswith(start) or not place.isdigit():
            raise problem
        wrong.setdefault(int(place), []).append(f"{field_name}: {error['message']}")
    if not wrong:
        raise problem
    return {index: "; ".join(texts) for index, texts in wrong.items()}


def named(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with an id: its own, or a new one."""
    found = {name: value for name, value in event.items() if value is not None}
    found.setdefault("event_id", uuid.uuid4().hex)
    return found


def batches(events: Iterable[Mapping[str, Any]], size: int = BATCH) -> Iterator[list[Any]]:
    """Events with ids, at most ``size`` at a time."""
    waiting = iter(events)
    while batch := [named(event) for event in islice(waiting, size)]:
        yield batch
