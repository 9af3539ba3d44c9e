"""Cypher: an analyst's read-only question to the graph, and what there is to ask about."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from api.answers import Form, form_for
from api.caching import UNCHANGED, kept_by_body
from api.models.graph import GraphSchema
from api.models.queries import QueryAnswer, QueryRequest
from api.observe.stages import stage
from api.problems import responses
from api.routes.common import ANALYST, Current, Settings, answer, store_answers
from api.settings import ApiSettings
from api.streams import Streamed, while_connected
from graph.store import QueryLimits
from graph.workers import Stop

__all__ = ["router"]

router = APIRouter(tags=["graph"], dependencies=[Depends(store_answers)])

_STREAMS: Final[dict[str, Any]] = {
    "text/csv": {
        "schema": {"type": "string"},
        "example": "segment,customers\r\nBaby food and nappies,214\r\n",
    },
    "application/x-ndjson": {
        "schema": {"type": "string"},
        "example": '{"segment":"Baby food and nappies","customers":214}\n',
    },
    "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}},
}


@router.post(
    "/cypher",
    response_model=QueryAnswer,
    responses={**responses(400, 413), 200: {"content": _STREAMS}},
    dependencies=ANALYST,
)
async def cypher(
    service: Current,
    settings: Settings,
    asked: QueryRequest,
    request: Request,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Run one read-only Cypher query; clauses that write or touch files are refused.

    The Accept header chooses JSON, `text/csv`, `application/x-ndjson` or
    `application/vnd.apache.arrow.stream`. The last three may be large and are sent as they are
    read. A query ends when its client goes away.
    """
    form, stop = form_for(accept), Stop()
    limits = _limits(form, asked, settings)
    with stage("coterie.cypher"):
        found = await while_connected(
            request.receive,
            stop,
            lambda: service.query(asked.query, asked.parameters, limits, stop),
        )
    return Streamed(
        form.chunks(found),
        stop,
        seconds=limits.seconds,
        media_type=form.media_type,
        headers=_headers(form),
    )


def _limits(form: Form, asked: QueryRequest, settings: ApiSettings) -> QueryLimits:
    """What the client wants, at most what the server allows in this form."""
    rows = settings.query_rows if form.is_page else settings.stream_rows
    seconds = settings.query_seconds if form.is_page else settings.stream_seconds
    return QueryLimits(
        rows=min(asked.rows or rows, rows),
        seconds=min(asked.seconds or seconds, seconds),
        megabytes=settings.query_megabytes,
    )


def _headers(form: Form) -> dict[str, str]:
    headers = {"Vary": "Accept"}
    if not form.is_page:
        headers["Content-Disposition"] = f'attachment; filename="answer.{form.name}"'
    return headers


@router.get("/schema", response_model=GraphSchema, responses=UNCHANGED, dependencies=ANALYST)
async def graph_schema(service: Current, request: Request) -> Response:
    """Labels, relationship types and properties, with counts and one real example of each.

    Examples of customers' properties are those of a real customer.
    """
    stop = Stop()
    found = await while_connected(request.receive, stop, lambda: service.schema(stop))
    return kept_by_body(request, answer(found))
