"""Segments: all, one, and its members as JSON pages or one CSV."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from api import cursors
from api.downloads import members_csv, prefers_csv
from api.models.segments import MemberPage, SegmentProfile, Segments
from api.paths import SEGMENT
from api.problems import responses
from api.routes.common import MARKETER, SEGMENTS, Current, SegmentId, answer

__all__ = ["router"]

router = APIRouter(tags=["segments"])

Limit = Annotated[int, Query(ge=1, le=1_000, description="Members on a page.")]
Cursor = Annotated[str | None, Query(max_length=500, description="next_cursor of the page before.")]
CSV = {
    "content": {
        "text/csv": {
            "schema": {"type": "string"},
            "example": (
                "user_id,strength,orders,spend,last_purchase\r\n1228,0.9300,64,3120.50,2017-12-30T18:20:00+00:00\r\n"
            ),
        }
    }
}


@router.get("/segments", response_model=Segments, dependencies=SEGMENTS)
async def segments(service: Current) -> Response:
    """All segments, largest first, with what sets each apart."""
    return answer(service.segments())


# Before the segment itself, whose path would swallow this one's.
@router.get(
    f"{SEGMENT}/users",
    response_model=MemberPage,
    responses={**responses(404, 409), 200: CSV},
    dependencies=MARKETER,
)
def segment_users(
    service: Current,
    segment_id: SegmentId,
    limit: Limit = 100,
    cursor: Cursor = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Members of a segment, firmest first.

    JSON pages by cursor. With `Accept: text/csv` all members come as one CSV; text that a
    spreadsheet would run as a formula starts with an apostrophe there.
    """
    if prefers_csv(accept):
        return _csv(service, segment_id)
    build = service.build_info().build
    offset = cursors.decode(cursor, build)
    page = service.segment_users(segment_id, offset, limit)
    more = offset + len(page.users) < page.total and page.users
    following = cursors.encode(build, offset + len(page.users)) if more else None
    reply = answer(page.model_copy(update={"next_cursor": following}))
    reply.headers["Vary"] = "Accept"
    return reply


def _csv(service: Current, segment_id: str) -> Response:
    service.segment(segment_id)  # an unknown one must be refused before the stream begins
    headers = {"Content-Disposition": 'attachment; filename="segment.csv"', "Vary": "Accept"}
    return StreamingResponse(
        members_csv(service, segment_id), media_type="text/csv", headers=headers
    )


@router.get(SEGMENT, response_model=SegmentProfile, responses=responses(404), dependencies=SEGMENTS)
async def segment(service: Current, segment_id: SegmentId) -> Response:
    """A segment in full."""
    return answer(service.segment(segment_id))
