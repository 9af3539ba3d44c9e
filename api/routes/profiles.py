"""Profiles of segments and customers, and what to do for whom, in the reader's language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.models.profiles import Actions, CustomerProfile, SegmentClaims
from api.paths import CUSTOMER, SEGMENT
from api.problems import responses
from api.routes.common import MARKETER, SEGMENTS, Current, SegmentId, UserId
from api.routes.options import Spoken, answer_in

__all__ = ["router"]

router = APIRouter()
"""To be routed before segments and customers, whose ids may hold slashes."""

StageName = Annotated[
    str, Path(description="The stage; a hyphen may stand for a space.", examples=["at-risk"])
]


@router.get(
    f"{SEGMENT}/profile",
    tags=["segments"],
    response_model=SegmentClaims,
    responses=responses(404),
    dependencies=SEGMENTS,
)
def segment_profile(service: Current, segment_id: SegmentId, language: Spoken) -> Response:
    """What sets a segment apart from the shop: attributes, behaviour, preference and risk.

    Each claim with lift, counts and a p-value corrected over everything that was tested on all
    segments and parts; what is not significant is not claimed.
    """
    return answer_in(language, service.segment_claims(segment_id, language))


@router.get(
    f"{SEGMENT}/actions",
    tags=["segments"],
    response_model=Actions,
    responses=responses(404),
    dependencies=SEGMENTS,
)
def segment_actions(service: Current, segment_id: SegmentId, language: Spoken) -> Response:
    """What to do for the customers of a segment, with which products, for how much.

    Values are estimates of what comes anyway, not of what an action causes.
    """
    return answer_in(language, service.segment_actions(segment_id, language))


@router.get(
    "/stages/{stage}/actions",
    tags=["segments"],
    response_model=Actions,
    responses=responses(404),
    dependencies=SEGMENTS,
)
def stage_actions(service: Current, stage: StageName, language: Spoken) -> Response:
    """The same for the customers in a stage of their life with the shop."""
    return answer_in(language, service.stage_actions(stage, language))


@router.get(
    f"{CUSTOMER}/profile",
    tags=["customers"],
    response_model=CustomerProfile,
    responses=responses(404),
    dependencies=MARKETER,
)
def customer_profile(service: Current, user_id: UserId, language: Spoken) -> Response:
    """One customer against the shop: percentiles of facts, lift of categories and brands."""
    return answer_in(language, service.customer_profile(user_id, language))
