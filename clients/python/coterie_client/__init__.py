"""A client of Coterie's HTTP API."""

from __future__ import annotations

from coterie_client import calls
from coterie_client.asynchronous import AsyncClient
from coterie_client.changes import ChangesResult
from coterie_client.client import Client
from coterie_client.errors import (
    CoterieError,
    InvalidRequest,
    NotFound,
    Problem,
    Refused,
    TooManyRequests,
    Unavailable,
    Unreachable,
)
from coterie_client.events import EventsResult
from coterie_client.experiments import clicked, shown

__all__ = [
    "AsyncClient",
    "ChangesResult",
    "Client",
    "CoterieError",
    "EventsResult",
    "InvalidRequest",
    "NotFound",
    "Problem",
    "Refused",
    "TooManyRequests",
    "Unavailable",
    "Unreachable",
    "calls",
    "clicked",
    "shown",
]
