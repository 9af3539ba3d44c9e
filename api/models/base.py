"""The base of all answers, and the small pieces that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

__all__ = ["Answer", "Mode", "Product", "SegmentRef", "example"]

Mode = Literal["all", "repeat", "discover"]
"""What may be listed: anything, only what the user bought before, or only what they never did."""


class Answer(BaseModel):
    """A frozen answer; a field that is not in the contract is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def example(value: dict[str, Any]) -> Callable[[JsonDict], None]:
    """A ``json_schema_extra`` that shows ``value`` in the OpenAPI document."""

    def add(schema: JsonDict) -> None:
        schema["examples"] = [value]

    return add


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
