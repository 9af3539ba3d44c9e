"""Products: find one, see one, and what is like it or bought with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api import cursors
from api.caching import UNCHANGED, kept_by_body
from api.models.lists import BoughtTogether, ProductProfile, Products, SimilarProducts
from api.models.shop import Categories
from api.paths import PRODUCT
from api.problems import responses
from api.routes.common import STOREFRONT, Current, Cursor, ListLength, ProductId, Search, answer
from api.routes.options import Filters

__all__ = ["router"]

router = APIRouter(tags=["products"])

New = Annotated[int, Query(ge=0, description="Most places for products nobody bought yet.")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many products at most.")]


@router.get("/products", response_model=Products, responses=responses(409), dependencies=STOREFRONT)
def search_products(
    service: Current, search: Search = "", limit: Limit = 10, cursor: Cursor = None
) -> Response:
    """Products whose title or id holds the text; the most bought ones where there is none."""
    offset = cursors.decode(cursor, service.build)
    found = service.search_products(search.strip(), limit + 1, offset)
    following = cursors.following(service.build, offset, limit, len(found))
    return answer(Products(products=found[:limit], next_cursor=following))


# Before the product itself, whose path would swallow these.
@router.get(
    f"{PRODUCT}/similar",
    response_model=SimilarProducts,
    responses={**responses(404), **UNCHANGED},
    dependencies=STOREFRONT,
)
async def similar_products(
    service: Current,
    product_id: ProductId,
    filters: Filters,
    request: Request,
    k: ListLength = 10,
    new: New = 0,
) -> Response:
    """Products that the same kind of customers buy; for one nobody bought, those of its kind."""
    return kept_by_body(request, answer(service.similar(product_id, k, filters, new)))


@router.get(
    f"{PRODUCT}/bought-together",
    response_model=BoughtTogether,
    responses={**responses(404), **UNCHANGED},
    dependencies=STOREFRONT,
)
async def bought_together(
    service: Current, product_id: ProductId, request: Request, k: ListLength = 10
) -> Response:
    """Products that orders with this one also hold, by association rules."""
    return kept_by_body(request, answer(service.bought_together(product_id, k)))


@router.get(
    PRODUCT,
    response_model=ProductProfile,
    responses={**responses(404), **UNCHANGED},
    dependencies=STOREFRONT,
)
async def product(service: Current, product_id: ProductId, request: Request) -> Response:
    """A product: attributes, and how much it is bought."""
    return kept_by_body(request, answer(service.product(product_id)))


@router.get("/categories", response_model=Categories, responses=UNCHANGED, dependencies=STOREFRONT)
async def categories(service: Current, request: Request) -> Response:
    """All categories, broadest first."""
    return kept_by_body(request, answer(Categories(categories=service.categories())))
