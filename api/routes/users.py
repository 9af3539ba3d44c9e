"""Customers: find one, see one, recommend to one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.models.base import Mode
from api.models.lists import Recommendations
from api.models.users import UserProfile, Users
from api.observe.told import listed
from api.paths import USER
from api.problems import responses
from api.routes.common import MARKETER, STOREFRONT, Current, ListLength, Search, UserId, answer
from api.routes.options import Options, Spoken, answer_in

__all__ = ["router"]

router = APIRouter(tags=["customers"])

Limit = Annotated[int, Query(ge=1, le=100, description="How many customers at most.")]
History = Annotated[int, Query(ge=0, le=1_000, description="How many products of the history.")]


@router.get("/users", response_model=Users, dependencies=MARKETER)
def search_users(service: Current, search: Search = "", limit: Limit = 10) -> Response:
    """Customers whose id holds the text; a few suggested ones where there is none."""
    return answer(Users(users=service.search_users(search.strip(), limit)))


# Before the profile, whose path would swallow this one's.
@router.get(
    f"{USER}/recommendations",
    response_model=Recommendations,
    responses=responses(404),
    dependencies=STOREFRONT,
)
async def recommendations(
    service: Current,
    user_id: UserId,
    options: Options,
    language: Spoken,
    request: Request,
    k: ListLength = 20,
    mode: Annotated[Mode, Query(description="Bought before: allowed, required, barred.")] = "all",
) -> Response:
    """Products for one customer, each with its reasons.

    A customer nobody knows gets what most people like; `user_known` is then false.
    """
    found = service.recommendations(user_id, k=k, mode=mode, options=options, language=language)
    listed(request.scope, "customer", found)
    return answer_in(language, found)


@router.get(USER, response_model=UserProfile, responses=responses(404), dependencies=MARKETER)
async def user(service: Current, user_id: UserId, history: History = 50) -> Response:
    """A customer: attributes, what they bought, the segment they are in."""
    return answer(service.user(user_id, history))
