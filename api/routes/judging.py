"""What routes share that take several things at once and judge each alone."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response

from api.models.events import EventField
from api.problems import ProblemField, problem

__all__ = ["detail_of", "fields_of", "refusal", "text"]


def refusal(request: Request, place: str, wrong: Sequence[tuple[str, str]]) -> Response:
    """A problem that names what is wrong at each path below ``place``."""
    fields = [ProblemField(field=f"{place}{path}", message=told) for path, told in wrong]
    detail = "; ".join(f"{f.field}: {f.message}" for f in fields[:3])
    return problem(request, 422, "invalid-request", detail, errors=fields)


def fields_of(error: ValidationError, whole: str) -> list[EventField]:
    """What is wrong with one of them, field by field; ``whole`` names what concerns all of it."""
    return [
        EventField(field=text(".".join(map(str, e["loc"])) or whole), message=text(e["msg"]))
        for e in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def detail_of(fields: Sequence[EventField]) -> str:
    """The first of what is wrong, in one line."""
    return "; ".join(f"{f.field}: {f.message}" for f in fields[:3])


def text(value: str) -> str:
    """``value`` without the half surrogates that a key in JSON may spell."""
    return value.encode("utf-8", "replace").decode()[:200]
