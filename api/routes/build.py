"""The build that answers."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.models.shop import BuildInfo
from api.routes.common import ANY_KEY, Current, answer

__all__ = ["router"]

router = APIRouter(tags=["service"])


@router.get("/build", response_model=BuildInfo, dependencies=ANY_KEY)
async def build(service: Current) -> Response:
    """The published snapshot: what it was learned from, and how good it measured."""
    return answer(service.build_info())
