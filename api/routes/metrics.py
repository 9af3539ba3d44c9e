"""Metrics, for a monitoring system."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.models.shop import BuildInfo
from api.observe.metrics import Metrics
from api.problems import responses
from api.routes.common import METRICS, Parts
from loaders.errors import SnapshotMissing

__all__ = ["router"]

router = APIRouter(tags=["service"])

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
EXAMPLE: Final = (
    "# HELP coterie_events_waiting Events not yet in the graph.\n"
    "# TYPE coterie_events_waiting gauge\n"
    "coterie_events_waiting 12.0\n"
)
PAGE: Final[dict[str, Any]] = {
    "description": "Prometheus' text format.",
    "content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}},
}


@router.get(
    "/metrics",
    response_class=Response,
    responses={**responses(401, 403, 429, 500), 200: PAGE},
    dependencies=METRICS,
)
def metrics(request: Request, live: Parts) -> Response:
    """Requests by route and status, lists by source, events that wait, age of the snapshot."""
    counted: Metrics = request.app.state.metrics
    page = counted.page(_build(request), live.parts() if live else [])
    return Response(page, media_type=MEDIA_TYPE)


def _build(request: Request) -> BuildInfo | None:
    try:
        info: BuildInfo = request.app.state.current().build_info()
    except SnapshotMissing:
        return None
    return info
