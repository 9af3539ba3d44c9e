"""The OpenAPI document, written so that what is generated from it has names people can read."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

__all__ = ["install", "name_of"]


def name_of(route: APIRoute) -> str:
    """What the document calls a route, and generated clients their function: that of ours."""
    return route.name


def install(app: FastAPI) -> None:
    """Name the choices of fields and parameters that may be null, in the document of ``app``."""
    write = app.openapi

    @cache
    def openapi() -> dict[str, Any]:
        document = write()
        _name_choices(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _name_choices(part: Any) -> None:
    """Give choices beside null the name of their field, which otherwise stands outside of both.

    Generators name the class of the choices by it, and by a number where there is none.
    """
    if isinstance(part, list):
        for one in part:
            _name_choices(one)
    elif isinstance(part, dict):
        if "title" in part and isinstance(part.get("anyOf"), list):
            for one in part["anyOf"]:
                if "enum" in one:
                    one.setdefault("title", part["title"])
        for one in part.values():
            _name_choices(one)
