"""Settings of the HTTP service."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from api.observe.logs import AccessLog

__all__ = ["ApiSettings"]


class ApiSettings(BaseModel):
    """How the service listens, and what one request may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65_535, description="Port to listen on.")
    access_log: AccessLog = Field(
        default="off",
        description="Requests in the log: none, by route, or with paths, which name customers.",
    )
    query_rows: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Most rows one Cypher query may return."
    )
    query_seconds: float = Field(
        default=30.0,
        gt=0,
        le=3_600,
        description="Longest time one Cypher query may run, in seconds.",
    )
    event_batch: int = Field(
        default=500,
        ge=1,
        le=10_000,
        description="Most events, customers or products that one request may bring.",
    )
    store_check_seconds: float = Field(
        default=5.0, gt=0, le=600, description="Seconds between two looks if the store answers."
    )
    query_megabytes: float = Field(
        default=256.0, gt=0, le=512, description="Most memory one Cypher answer may fill, in MB."
    )
    stream_rows: int = Field(
        default=1_000_000,
        ge=1,
        le=100_000_000,
        description="Most rows of a Cypher answer as CSV, NDJSON or Arrow.",
    )
    stream_seconds: float = Field(
        default=120.0,
        gt=0,
        le=3_600,
        description="Longest time such an answer may take until its last row is sent, in seconds.",
    )
    body_bytes: int = Field(
        default=1_000_000, ge=1_000, description="Largest request body that is read, in bytes."
    )
    gzip_bytes: int = Field(
        default=8_192, ge=0, description="Answers of at least this many bytes are compressed."
    )
    gzip_level: int = Field(
        default=4, ge=1, le=9, description="Effort of compression: 1 is fastest, 9 smallest."
    )
