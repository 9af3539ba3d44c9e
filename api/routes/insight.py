"""What a page for people shows: stages, trends, a map, who buys a product, a customer's days."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.caching import UNCHANGED, kept_by_build
from api.models.insight import BuyersOf, CustomerMap, CustomerTimeline, Lifecycle, Trend
from api.paths import PRODUCT, USER
from api.problems import responses
from api.routes.common import MARKETER, SEGMENTS, Current, ProductId, UserId, answer

__all__ = ["router"]

router = APIRouter(tags=["insight"])


@router.get("/lifecycle", response_model=Lifecycle, responses=UNCHANGED, dependencies=SEGMENTS)
def lifecycle(service: Current, request: Request) -> Response:
    """How many customers are at which stage, in all and by segment."""
    return kept_by_build(request, service.insight().lifecycle(), service.build)


@router.get(
    "/trend",
    response_model=Trend,
    responses={**responses(404), **UNCHANGED},
    dependencies=SEGMENTS,
)
def trend(
    service: Current,
    request: Request,
    segment: Annotated[
        str | None, Query(max_length=200, description="Only customers of this segment.")
    ] = None,
) -> Response:
    """Purchases over time: by day, week or month, whichever suits the time there is."""
    return kept_by_build(request, service.insight().trend(segment), service.build)


@router.get("/customer-map", response_model=CustomerMap, dependencies=MARKETER)
def customer_map(
    service: Current,
    limit: Annotated[int, Query(ge=1, le=20_000, description="Points at most.")] = 4_000,
) -> Response:
    """Customers as points; those who buy alike stand close."""
    return answer(service.insight().customer_map(limit))


@router.get(
    f"{PRODUCT}/buyers",
    response_model=BuyersOf,
    responses={**responses(404), **UNCHANGED},
    dependencies=SEGMENTS,
)
def product_buyers(service: Current, product_id: ProductId, request: Request) -> Response:
    """Who buys a product, by segment and by stage."""
    return kept_by_build(request, service.insight().buyers(product_id), service.build)


@router.get(
    f"{USER}/timeline",
    response_model=CustomerTimeline,
    responses=responses(404),
    dependencies=MARKETER,
)
def user_timeline(
    service: Current,
    user_id: UserId,
    limit: Annotated[int, Query(ge=1, le=2_000, description="Entries at most.")] = 400,
) -> Response:
    """What a customer did, day by day, the latest first."""
    return answer(service.insight().timeline(user_id, limit))
