"""What a caller may ask of a list beside its length: which products, and how it is composed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ranking.scorer import Bought

__all__ = ["ListOptions", "ProductFilters"]


class ProductFilters(BaseModel):
    """Which products may be listed; all that is given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: tuple[str, ...] = Field(
        (), description="Id of a category: only products in it or below it; of several, in any."
    )
    brand: tuple[str, ...] = Field(
        (), description="Only products of this brand, in any case of letters; of several, any."
    )
    min_price: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Lowest price, shop's currency."
    )
    max_price: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Highest price, shop's currency."
    )
    in_stock: bool = Field(
        False, description="Only products in stock now, by their attribute in_stock or stock."
    )
    exclude: tuple[str, ...] = Field((), description="Id of a product never to list.")
    min_novelty: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Least novelty in bits: 1 leaves out what more than half of all customers"
        " bought, 2 what more than a quarter did.",
    )


class ListOptions(ProductFilters):
    """Which products may be listed, and how the list is composed."""

    bought: Bought | None = Field(
        None,
        description="Products bought before: include, exclude or only; as the mode has it"
        " by default.",
    )
    per_category: int | None = Field(
        None, ge=1, description="Most products of one category, the most specific one counting."
    )
    diversity: float = Field(
        0.0, ge=0, le=1, description="0 lists by relevance alone, 1 by difference alone."
    )
    new: int = Field(
        0,
        ge=0,
        description="Most places for products nobody bought yet, by likeness to what suits the"
        " customer; never in mode repeat.",
    )
