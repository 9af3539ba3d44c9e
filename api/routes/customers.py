"""Where one customer stands, for a marketer."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.models.customers import CustomerStanding
from api.paths import CUSTOMER
from api.problems import responses
from api.routes.common import MARKETER, Current, UserId, answer

__all__ = ["router"]

router = APIRouter(tags=["customers"])


@router.get(
    CUSTOMER, response_model=CustomerStanding, responses=responses(404), dependencies=MARKETER
)
async def customer(service: Current, user_id: UserId) -> Response:
    """Stage, RFM, expected value and risk of churn of one customer, with the reasons."""
    return answer(service.customer(user_id))
