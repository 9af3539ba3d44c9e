"""How a server is: whether it answers, and how each of its parts does."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from api.models.base import Answer, example

__all__ = ["Liveness", "Part", "Readiness", "State"]

State = Literal["ok", "degraded", "down"]


class Liveness(Answer):
    """The process runs."""

    status: Literal["live"] = "live"
    build: str | None = Field(default=None, description="Always empty here.")

    model_config = ConfigDict(json_schema_extra=example({"status": "live"}))


class Part(Answer):
    """One part of a server."""

    name: Literal["snapshot", "store", "events", "disk"]
    state: State
    detail: str = Field(description="How it is, in a sentence.")
    waiting: int | None = Field(default=None, description="events: acknowledged, not in the graph.")
    oldest_seconds: float | None = Field(default=None, description="events: age of the oldest.")
    refused: int | None = Field(default=None, description="events: set aside by the store.")


class Readiness(Answer):
    """Whether requests can be answered, from which build, and what does not work as it should."""

    status: Literal["ready", "degraded"] = Field(
        description="degraded: recommendations are answered, but a part is not ok."
    )
    build: str
    parts: list[Part]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "status": "degraded",
                "build": "20180101T020500-4f1c",
                "parts": [
                    {
                        "name": "snapshot",
                        "state": "ok",
                        "detail": "20180101T020500-4f1c answers.",
                    },
                    {
                        "name": "store",
                        "state": "down",
                        "detail": "neo4j://graph.example:7687 does not answer",
                    },
                    {
                        "name": "events",
                        "state": "degraded",
                        "detail": "312 events and changes wait, the oldest for 75 s.",
                        "waiting": 312,
                        "oldest_seconds": 75.2,
                        "refused": 0,
                    },
                    {"name": "disk", "state": "ok", "detail": "48,211 MB are free."},
                ],
            }
        )
    )
