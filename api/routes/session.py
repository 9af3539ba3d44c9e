"""A visitor nobody knows: what to show them after what they just did."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.models.lists import SessionRecommendations, SessionRequest
from api.observe.told import listed
from api.problems import responses
from api.routes.common import STOREFRONT, Current, ListLength, Tried
from api.routes.options import Options, Spoken, answer_in
from api.trials import Taken, labelled
from experiments.assign import unit_of

__all__ = ["router"]

router = APIRouter(tags=["customers"])


@router.post(
    "/session/recommendations",
    response_model=SessionRecommendations,
    responses=responses(400, 404, 413),
    dependencies=STOREFRONT,
)
async def session_recommendations(
    service: Current,
    trials: Tried,
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
    unit = unit_of(None, request.session_id)
    taken = trials.take(service, unit, "session", "all") if trials else Taken(service, "all")
    found = taken.service.session(request, k=k, options=options, language=language)
    found = labelled(found, taken.label)
    listed(asked.scope, "session", found)
    return answer_in(language, found)
