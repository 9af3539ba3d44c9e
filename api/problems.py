"""One body for every error: RFC 9457 problem+json, whoever noticed the mistake.

Errors of the project carry their slug; those of HTTP itself (no such route, wrong method, body
too large) and of validation get the same shape, so a client needs one parser.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.access.check import KeyForbidden, KeyMissing, TooManyRequests
from api.headers import SECURITY
from api.models.base import Answer, example
from loaders.errors import (
    AudienceError,
    CoterieError,
    ExperimentError,
    MerchandisingError,
    NotFound,
    OptionError,
    QueryError,
    SnapshotMissing,
    StoreUnavailable,
)

__all__ = ["Problem", "ProblemField", "SnapshotChanged", "install", "problem", "responses"]

log = logging.getLogger(__name__)


class SnapshotChanged(CoterieError):
    """The answer being paged through was replaced by a newer snapshot."""

    slug = "snapshot-changed"


MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
STATUS: tuple[tuple[type[CoterieError], int], ...] = (
    (KeyMissing, 401),
    (KeyForbidden, 403),
    (TooManyRequests, 429),
    (NotFound, 404),
    (SnapshotChanged, 409),
    (OptionError, 422),
    (AudienceError, 422),
    (ExperimentError, 422),
    (MerchandisingError, 422),
    (QueryError, 400),
    (StoreUnavailable, 503),
    (SnapshotMissing, 503),
)
"""Status of each family; any other error of the project is the server's own (500)."""

MEANING = {
    400: "The body cannot be read, or the query is refused or wrong.",
    401: "The request brings no key, or one that opens nothing.",
    403: "The key is not for this, or not for this origin.",
    404: "Nothing has this id.",
    409: "A newer snapshot was published meanwhile.",
    413: "The body is too large.",
    422: "A parameter or the body is not as expected.",
    429: "The key has used up its requests; Retry-After says when there are more.",
    500: "The server failed.",
    503: "Nothing is published yet, or the store or the event queue is busy; try again.",
}
"""What each status says, for the OpenAPI document."""


class ProblemField(Answer):
    """One part of a request that cannot be used."""

    field: str = Field(description="Where: query.k, path.user_id, body.product_ids.0 ...")
    message: str = Field(description="What was expected.")


class Problem(Answer):
    """Why a request was not answered, after RFC 9457."""

    type: str = Field(description="Kind of problem, stable: urn:coterie:problem:<slug>.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The HTTP status again.")
    detail: str = Field(description="What is wrong with this request and what to do.")
    instance: str = Field(description="Path of the request.")
    retryable: bool = Field(description="The same request may succeed later.")
    errors: list[ProblemField] = Field(default_factory=list, description="Field by field.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "type": "urn:coterie:problem:unknown-product",
                "title": "Unknown product",
                "status": 404,
                "detail": "no product has the id '42'",
                "instance": "/v1/products/42/similar",
                "retryable": False,
                "errors": [],
            }
        )
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries that document ``statuses`` as problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {s: {"description": MEANING[s], "content": content} for s in statuses}


def problem(
    request: Request,
    status: int,
    slug: str,
    detail: str,
    *,
    retryable: bool = False,
    errors: list[ProblemField] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to ``request`` that says what is wrong."""
    body = Problem(
        type=f"urn:coterie:problem:{slug}",
        title=slug.replace("-", " ").capitalize(),
        status=status,
        detail=detail,
        instance=_path(request),
        retryable=retryable,
        errors=errors or [],
    )
    return Response(body.model_dump_json(), status, headers, MEDIA_TYPE)


def _path(request: Request) -> str:
    """The path as it was sent: the decoded one is no URI."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw.decode("latin-1")


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem, in answers and in the OpenAPI document."""
    app.add_exception_handler(CoterieError, _coterie)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Exception, _unexpected)
    write = app.openapi

    def openapi() -> dict[str, Any]:
        document = write()
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"].update(schema.pop("$defs"), Problem=schema)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


async def _coterie(request: Request, error: Exception) -> Response:
    assert isinstance(error, CoterieError)
    status = next((code for family, code in STATUS if isinstance(error, family)), 500)
    if status == 500:
        return await _unexpected(request, error)
    # A snapshot that is missing now is there once a build has published it.
    waiting = error.retryable or isinstance(error, SnapshotMissing)
    headers = {"Retry-After": str(_seconds(error))} if waiting else {}
    if isinstance(error, KeyMissing):
        headers["WWW-Authenticate"] = "Bearer"
    fields = []
    if isinstance(error, OptionError):
        message = str(error).removeprefix(f"{error.option}: ")
        fields = [ProblemField(field=f"query.{error.option}", message=message)]
    elif isinstance(error, AudienceError):
        fields = [ProblemField(field=f"definition.{p}", message=m) for p, m in error.problems]
    elif isinstance(error, ExperimentError | MerchandisingError):
        fields = [ProblemField(field=f"body.{p}", message=m) for p, m in error.problems]
    return problem(
        request, status, error.slug, str(error), retryable=waiting, errors=fields, headers=headers
    )


def _seconds(error: CoterieError) -> int:
    return ceil(error.seconds) if isinstance(error, TooManyRequests) else RETRY_SECONDS


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {
        400: ("unreadable-body", str(error.detail)),
        404: ("not-found", f"there is nothing at {_path(request)}; /docs lists what there is"),
        405: ("method-not-allowed", f"{request.method} is not possible here; see the Allow header"),
        413: ("body-too-large", "the body is larger than this server reads"),
    }
    other = f"http-{error.status_code}", str(error.detail)
    slug, detail = known.get(error.status_code, other)
    headers = dict(error.headers or {})
    if error.status_code == 405 and (allowed := _methods(request)):
        headers["Allow"] = ", ".join(allowed)
    return problem(request, error.status_code, slug, detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """What may be done at this path, by the document: each route alone names its own method."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    path = request.url.path
    if path in paths:
        return sorted(method.upper() for method in paths[path])
    for part in ("[^/]+", ".+"):  # an id may hold slashes, where nothing else is meant
        pattern = {t: re.sub(r"\\{[^}]*\\}", part, re.escape(t)) for t in paths}
        found = {m.upper() for t in paths if re.fullmatch(pattern[t], path) for m in paths[t]}
        if found:
            return sorted(found)
    return []


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = [
        ProblemField(field=".".join(map(str, e["loc"])), message=str(e["msg"]))
        for e in error.errors()
    ]
    detail = "; ".join(f"{f.field}: {f.message}" for f in fields[:3])
    return problem(request, 422, "invalid-request", detail, errors=fields)


async def _unexpected(request: Request, error: Exception) -> Response:
    """A mistake of ours: logged in full, told without the inside of the server."""
    # The trace is told here: this runs outside of what makes its span.
    trace = {"trace_id": request.scope.get("trace_id")}
    log.error("%s %s failed", request.method, _path(request), exc_info=error, extra=trace)
    detail = "the server failed at this request; its log says why"
    # The outermost handler answers outside the middleware that adds these headers.
    return problem(request, 500, "internal-server-error", detail, headers=SECURITY)
