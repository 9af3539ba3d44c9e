"""A visitor nobody knows: what to show them after what they just did."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.models.lists import SessionRecommendations, SessionRequest
from api.observe.told import listed
from api.problems import responses
from api.routes.common import STOREFRONT, Current, ListLength
from api.routes.options import Options, Spoken, answer_in

__all__ = ["router"]

router = APIRouter(tags=["customers"])


@router.post(
    "/session/recommendations",
    response_model=SessionRecommendations,
    responses=responses(400, 404, 413),
    dependencies=STOREFRONT,
)
async def session(
    service: Current,
    request: SessionRequest,
    options: Options,
    language: Spoken,
    asked: Request,
    k: ListLength = 20,
) -> Response:
    """Products for a visitor by the events of their session, folded in as the request comes.

    Without events that say anything, what their segment bought lately, if attributes place them
    in one, and else what everybody did; `source` says which.
    """
    found = service.session(request, k=k, options=options, language=language)
    listed(asked.scope, "session", found)
    return answer_in(language, found)
