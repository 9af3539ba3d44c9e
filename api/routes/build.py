"""The build that answers."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.caching import UNCHANGED, kept_by_build
from api.models.shop import BuildInfo
from api.routes.common import ANY_KEY, Current

__all__ = ["router"]

router = APIRouter(tags=["service"])


@router.get("/build", response_model=BuildInfo, responses=UNCHANGED, dependencies=ANY_KEY)
async def build(service: Current, request: Request) -> Response:
    """The published snapshot: what it was learned from, and how good it measured."""
    return kept_by_build(request, service.build_info(), service.build)
