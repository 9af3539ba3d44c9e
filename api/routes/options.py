"""What lists take beside their length: filters, composition, language, the same on every route."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Header, Query
from starlette.responses import Response

from api.languages import language_of
from api.models.options import ListOptions, ProductFilters
from api.routes.common import answer
from ranking.scorer import Bought
from ranking.wording import Language

__all__ = ["Filters", "Options", "Spoken", "answer_in"]


def _query(name: str) -> Any:
    """The query parameter that a field of ``ListOptions`` is read from."""
    field = ListOptions.model_fields[name]
    limits = {
        limit: getattr(rule, limit)
        for rule in field.metadata
        for limit in ("ge", "le", "allow_inf_nan")
        if getattr(rule, limit, None) is not None
    }
    return Query(description=field.description, **limits)


async def _filters(
    category: Annotated[list[str], _query("category")] = [],  # noqa: B006 (FastAPI copies it)
    brand: Annotated[list[str], _query("brand")] = [],  # noqa: B006
    min_price: Annotated[float | None, _query("min_price")] = None,
    max_price: Annotated[float | None, _query("max_price")] = None,
    in_stock: Annotated[bool, _query("in_stock")] = False,
    exclude: Annotated[list[str], _query("exclude")] = [],  # noqa: B006
    min_novelty: Annotated[float, _query("min_novelty")] = 0.0,
) -> ProductFilters:
    return ProductFilters(
        category=tuple(category),
        brand=tuple(brand),
        min_price=min_price,
        max_price=max_price,
        in_stock=in_stock,
        exclude=tuple(exclude),
        min_novelty=min_novelty,
    )


Filters = Annotated[ProductFilters, Depends(_filters)]
"""Which products may be listed."""


async def _options(
    filters: Filters,
    bought: Annotated[Bought | None, _query("bought")] = None,
    per_category: Annotated[int | None, _query("per_category")] = None,
    diversity: Annotated[float, _query("diversity")] = 0.0,
    new: Annotated[int, _query("new")] = 0,
) -> ListOptions:
    return ListOptions(
        **dict(filters), bought=bought, per_category=per_category, diversity=diversity, new=new
    )


Options = Annotated[ListOptions, Depends(_options)]
"""Which products may be listed, and how the list is composed."""


async def _language(
    lang: Annotated[
        str | None,
        Query(
            max_length=35,
            description="Language of sentences, en or zh; English where another is asked for."
            " It wins over Accept-Language.",
        ),
    ] = None,
    accept_language: Annotated[str, Header(include_in_schema=False)] = "",
) -> Language:
    return language_of(lang, accept_language)


Spoken = Annotated[Language, Depends(_language)]
"""The language of reasons and notes."""


def answer_in(language: Language, model: Any) -> Response:
    """A model as JSON that says which language its sentences are in."""
    reply = answer(model)
    reply.headers["Content-Language"] = language
    reply.headers["Vary"] = "Accept-Language"
    return reply
