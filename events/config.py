"""Settings of live events."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["EventsConfig"]


class EventsConfig(BaseModel):
    """How events that a server takes wait for the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(
        1_000, ge=1, le=10_000, description="most events written to the store in one transaction"
    )
    keep_hours: float = Field(
        24.0,
        ge=0,
        description="hours a delivered event stays in the queue, where one sent again is known",
    )
    reserve_mb: float = Field(
        64.0, ge=0, description="free disk below which no further events are taken, in MB"
    )
    late_seconds: float = Field(
        60.0, gt=0, description="age of the oldest waiting event from which a server says degraded"
    )
