"""Whether the process lives, whether it can answer, and which part of it is not as it should be."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.models.health import Liveness, Part, Readiness
from api.problems import responses
from api.routes.common import Current, Parts, answer

__all__ = ["router"]

router = APIRouter(prefix="/health", tags=["service"])


@router.get("/live", response_model=Liveness)
async def live() -> Response:
    """The process answers."""
    return answer(Liveness())


@router.get("/ready", response_model=Readiness, responses=responses(503))
def ready(service: Current, live: Parts) -> Response:
    """A snapshot answers, and how each part is; 503 with the reason where none answers.

    A store that is away degrades the service and no more: recommendations come from the snapshot,
    and events wait on disk.
    """
    build = service.build_info().build
    parts = [Part(name="snapshot", state="ok", detail=f"{build} answers.")]
    parts += live.parts() if live else []
    well = all(part.state == "ok" for part in parts)
    return answer(Readiness(status="ready" if well else "degraded", build=build, parts=parts))
