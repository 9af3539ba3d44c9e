"""A basket: what goes with it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.models.lists import BasketRequest, BasketSuggestions
from api.observe.told import listed
from api.problems import responses
from api.routes.common import STOREFRONT, Current, answer
from api.routes.options import Filters

__all__ = ["router"]

router = APIRouter(tags=["products"])


@router.post(
    "/basket/recommendations",
    response_model=BasketSuggestions,
    responses=responses(400, 404, 413),
    dependencies=STOREFRONT,
)
async def basket_recommendations(
    service: Current, basket: BasketRequest, filters: Filters, request: Request
) -> Response:
    """Products that complete a basket, each with the rules that brought it in."""
    found = service.basket(basket.product_ids, basket.k, filters)
    listed(request.scope, "basket", found)
    return answer(found)
