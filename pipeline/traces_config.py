"""Settings of a server's traces; off by default."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TracesConfig"]


class TracesConfig(BaseModel):
    """Whether `coterie serve` sends a span of each request to a collector of OpenTelemetry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    export: Literal["off", "otlp"] = Field(
        "off",
        description="how spans are sent: not at all, or by OTLP over HTTP, which takes the extra"
        " `otel`; where to, and how many of them, is in OpenTelemetry's own variables such as"
        " OTEL_EXPORTER_OTLP_ENDPOINT",
    )
