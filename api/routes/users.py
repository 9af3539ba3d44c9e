"""Customers: find one, see one, recommend to one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from api import cursors
from api.downloads import JSON, NDJSON, lines, pages, preferred
from api.models.base import Mode
from api.models.lists import Recommendations
from api.models.users import UserProfile, Users
from api.observe.told import listed
from api.paths import USER
from api.problems import responses
from api.routes.common import (
    MARKETER,
    STOREFRONT,
    Current,
    Cursor,
    ListLength,
    Search,
    UserId,
    answer,
)
from api.routes.options import Options, Spoken, answer_in
from api.routes.remembered import RememberingRoute, remember
from api.trials import Taken, Trials, labelled

__all__ = ["router"]

router = APIRouter(tags=["customers"], route_class=RememberingRoute)

Limit = Annotated[int, Query(ge=1, le=100, description="How many customers at most.")]
History = Annotated[int, Query(ge=0, le=1_000, description="How many products of the history.")]


LINES = {
    "content": {
        NDJSON: {
            "schema": {"type": "string"},
            "example": '{"user_id":"1228","orders":64,"spend":3120.5,'
            '"last_purchase":"2017-12-30T18:20:00Z","segment":null}\n',
        }
    }
}


@router.get(
    "/users",
    response_model=Users,
    responses={**responses(409), 200: LINES},
    dependencies=MARKETER,
)
def search_users(
    service: Current,
    search: Search = "",
    limit: Limit = 10,
    cursor: Cursor = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Customers whose id holds the text; where there is none, those of segments, busiest first.

    JSON pages by cursor. With `Accept: application/x-ndjson` all of them come, a line each.
    """
    text = search.strip()
    if preferred(accept, (JSON, NDJSON)) == NDJSON:
        found = pages(lambda offset, limit: service.search_users(text, limit, offset))
        headers = {"Content-Disposition": 'attachment; filename="users.ndjson"', "Vary": "Accept"}
        return StreamingResponse(lines(found), media_type=NDJSON, headers=headers)
    offset = cursors.decode(cursor, service.build)
    hits = service.search_users(text, limit + 1, offset)
    following = cursors.following(service.build, offset, limit, len(hits))
    reply = answer(Users(users=hits[:limit], next_cursor=following))
    reply.headers["Vary"] = "Accept"
    return reply


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
    trials: Trials | None = request.app.state.trials
    taken = trials.take(service, user_id, "customer", mode) if trials else Taken(service, mode)
    found = taken.service.recommendations(
        user_id, k=k, mode=taken.mode, options=options, language=language
    )
    found = labelled(found, taken.label)
    listed(request.scope, "customer", found)
    remember(request, k=k, mode=mode, options=options, language=language)
    return answer_in(language, found)


@router.get(USER, response_model=UserProfile, responses=responses(404), dependencies=MARKETER)
async def user(service: Current, user_id: UserId, history: History = 50) -> Response:
    """A customer: attributes, what they bought, the segment they are in."""
    return answer(service.user(user_id, history))
