"""Cypher: an analyst's read-only question to the graph."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.models.queries import QueryAnswer, QueryRequest
from api.problems import responses
from api.routes.common import Current, Settings, answer, store_answers
from graph.store import QueryLimits

__all__ = ["router"]

router = APIRouter(tags=["graph"], dependencies=[Depends(store_answers)])


@router.post("/cypher", response_model=QueryAnswer, responses=responses(400, 413))
def cypher(service: Current, settings: Settings, request: QueryRequest) -> Response:
    """Run one read-only Cypher query; clauses that write or touch files are refused."""
    limits = QueryLimits(
        rows=min(request.rows or settings.query_rows, settings.query_rows),
        seconds=min(request.seconds or settings.query_seconds, settings.query_seconds),
    )
    return answer(service.query(request.query, request.parameters, limits))
