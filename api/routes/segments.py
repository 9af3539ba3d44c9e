"""Segments: all, one, and its members as JSON pages or one CSV."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from api import cursors
from api.caching import UNCHANGED, kept_by_build
from api.downloads import CSV, JSON, NDJSON, lines, members_csv, pages, preferred
from api.models.segments import MemberPage, SegmentChanges, SegmentProfile, Segments
from api.paths import SEGMENT
from api.problems import responses
from api.routes.common import MARKETER, SEGMENTS, Current, Cursor, SegmentId, answer

__all__ = ["router"]

router = APIRouter(tags=["segments"])

Limit = Annotated[int, Query(ge=1, le=1_000, description="Members on a page.")]
FILES = {
    "content": {
        CSV: {
            "schema": {"type": "string"},
            "example": (
                "user_id,strength,orders,spend,last_purchase\r\n1228,0.9300,64,3120.50,2017-12-30T18:20:00+00:00\r\n"
            ),
        },
        NDJSON: {
            "schema": {"type": "string"},
            "example": '{"user_id":"1228","strength":0.93,"orders":64,"spend":3120.5,'
            '"last_purchase":"2017-12-30T18:20:00Z"}\n',
        },
    }
}


@router.get("/segments", response_model=Segments, responses=UNCHANGED, dependencies=SEGMENTS)
async def segments(service: Current, request: Request) -> Response:
    """All segments, largest first, with what sets each apart."""
    return kept_by_build(request, service.segments(), service.build)


@router.get(
    "/segments/changes",
    response_model=SegmentChanges,
    responses=UNCHANGED,
    dependencies=SEGMENTS,
)
async def segment_changes(service: Current, request: Request) -> Response:
    """What became of the segments since the build before: kept, split, merged, born, died.

    And which customers have another segment now, and why.
    """
    return kept_by_build(request, service.segment_changes(), service.build)


# Before the segment itself, whose path would swallow this one's.
@router.get(
    f"{SEGMENT}/users",
    response_model=MemberPage,
    responses={**responses(404, 409), 200: FILES},
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

    JSON pages by cursor. With `Accept: text/csv` or `application/x-ndjson` all members come as
    one file; text that a spreadsheet would run as a formula starts with an apostrophe in CSV.
    """
    media = preferred(accept, (JSON, CSV, NDJSON))
    if media != JSON:
        return _file(service, segment_id, media)
    build = service.build
    offset = cursors.decode(cursor, build)
    page = service.segment_users(segment_id, offset, limit)
    more = offset + len(page.users) < page.total and page.users
    following = cursors.encode(build, offset + len(page.users)) if more else None
    reply = answer(page.model_copy(update={"next_cursor": following}))
    reply.headers["Vary"] = "Accept"
    return reply


def _file(service: Current, segment_id: str, media: str) -> Response:
    service.segment(segment_id)  # an unknown one must be refused before the stream begins
    form = "csv" if media == CSV else "ndjson"
    headers = {"Content-Disposition": f'attachment; filename="segment.{form}"', "Vary": "Accept"}
    if media == CSV:
        return StreamingResponse(
            members_csv(service, segment_id), media_type=media, headers=headers
        )
    found = pages(lambda offset, limit: service.segment_users(segment_id, offset, limit).users)
    return StreamingResponse(lines(found), media_type=media, headers=headers)


@router.get(
    SEGMENT,
    response_model=SegmentProfile,
    responses={**responses(404), **UNCHANGED},
    dependencies=SEGMENTS,
)
async def segment(service: Current, segment_id: SegmentId, request: Request) -> Response:
    """A segment in full."""
    return kept_by_build(request, service.segment(segment_id), service.build)
