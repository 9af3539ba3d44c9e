"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.models.shop import Readiness
from api.problems import responses
from api.routes.common import Current, answer

__all__ = ["router"]

router = APIRouter(prefix="/health", tags=["service"])


@router.get("/live", response_model=Readiness)
async def live() -> Response:
    """The process answers."""
    return answer(Readiness(status="live"))


@router.get("/ready", response_model=Readiness, responses=responses(503))
async def ready(service: Current) -> Response:
    """A snapshot is published and answers; 503 with the reason where not."""
    return answer(Readiness(status="ready", build=service.build_info().build))
