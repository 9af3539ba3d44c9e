"""The base of all answers, and the small pieces that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

__all__ = ["Answer", "Mode", "Moment", "Product", "SegmentRef", "example", "trusted"]

M = TypeVar("M", bound="Answer")

Mode = Literal["all", "repeat", "discover"]
"""What may be listed: anything, only what the user bought before, or only what they never did."""


def _as_text(value: object) -> object:
    if isinstance(value, (int, float)):
        raise ValueError("expected a time as text, such as 2026-11-28T12:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_as_text)]
"""A time with its zone. Never a number, which would be taken for seconds or, if large enough, for
milliseconds."""


class Answer(BaseModel):
    """A frozen answer; a field that is not in the contract is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def example(value: dict[str, Any]) -> Callable[[JsonDict], None]:
    """A ``json_schema_extra`` that shows ``value`` in the OpenAPI document."""

    def add(schema: JsonDict) -> None:
        schema["examples"] = [value]

    return add


def trusted(model: type[M], **values: Any) -> M:
    """A model of values that need no check, because code of ours has just made them.

    A list is made of a hundred models, and checking each costs as much as finding the list. Tests
    check whole lists against their models.
    """
    values = {**_defaults(model), **values}
    made = model.__new__(model)
    fill = object.__setattr__
    fill(made, "__dict__", values)
    fill(made, "__pydantic_fields_set__", set(values))
    fill(made, "__pydantic_extra__", None)
    fill(made, "__pydantic_private__", None)
    return made


@cache
def _defaults(model: type[Answer]) -> dict[str, Any]:
    """All fields in order, so that they are written in order; required ones as none."""
    fields = model.model_fields.items()
    return {name: None if f.is_required() else f.get_default() for name, f in fields}


class Product(Answer):
    """A product, as far as a list needs it."""

    product_id: str = Field(description="The shop's own id.")
    title: str = Field(description="What a person reads; the id where the shop gives no title.")
    price: float | None = Field(
        default=None, description="Usual price of one unit, shop's currency."
    )
    category_id: str | None = Field(default=None, description="Most specific category.")
    category: str | None = Field(default=None, description="Name of that category.")
    brand: str | None = Field(default=None, description="Name of the brand.")


class SegmentRef(Answer):
    """A segment by id and name."""

    segment_id: str
    name: str
