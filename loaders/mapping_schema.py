"""What a mapping file may say: which file, which column is what, and how to clean.

Every key is described here once; ``docs/data.md`` lists them from here.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, Self

import polars as pl
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from loaders.errors import CoterieError
from loaders.files import FileFormat
from loaders.schema import EVENT_NAMES
from loaders.values import check_zone

__all__ = [
    "TAKEN_NAMES",
    "Cancellations",
    "CategoriesFile",
    "Cleaning",
    "EventsFile",
    "Mapping",
    "NonProducts",
    "ProductsFile",
    "UsersFile",
    "attribute_name",
    "is_attribute_name",
]


def attribute_name(column: str) -> str:
    """A column's name as an attribute's: ``Home Town`` becomes ``home_town``."""
    return re.sub(r"\W+", "_", column.strip().lower()).strip("_")


def is_attribute_name(name: str) -> bool:
    """Whether an attribute may be called so: as an identifier, and as no column of the contract."""
    return re.fullmatch("[a-z][a-z0-9_]{0,99}", name) is not None and name not in TAKEN_NAMES


def _named(value: object) -> object:
    """A list of columns as a table of attribute name to column."""
    if not isinstance(value, list | tuple):
        return value
    named = {attribute_name(str(column)): column for column in value}
    if len(named) < len(value):
        raise ValueError("two columns would have the same attribute name; write a table")
    return named


def _free_names(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if not is_attribute_name(name):
            raise ValueError(
                f"'{name}' cannot be an attribute's name: lower-case letters, digits and _, and "
                f'not {", ".join(TAKEN_NAMES)}; write a table such as {{ my_name = "Column" }}'
            )
    return value


def _pattern(value: object) -> object:
    try:
        pl.Series([""]).str.contains(str(value))
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"not a regular expression (of Rust's regex): {error}") from error
    return value


def _zone(value: object) -> object:
    try:
        return check_zone(str(value))
    except CoterieError as error:
        raise ValueError(str(error)) from error


TAKEN_NAMES = ("id", "user_id", "anonymous", "product_id", "title", "price", "category_id", "brand")
"""Names that mean something in the graph already, and so cannot be attributes."""

Attributes = Annotated[dict[str, str], BeforeValidator(_named), AfterValidator(_free_names)]
Pattern = Annotated[str, BeforeValidator(_pattern)]
Event = Literal["purchase", "view_item", "add_to_cart", "add_to_wishlist", "rate"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EventsFile(FileFormat):
    """The file of sale lines or other events, and which column is what."""

    file: str = Field(description="Path, relative to the mapping file.")
    user: str = Field(description="Column of the customer's id.")
    product: str = Field(description="Column of the product's id.")
    at: str = Field(description="Column of the date and time.")
    date_format: str = Field(
        default="iso",
        description='"iso", "epoch_s", "epoch_ms", "epoch_us", or strptime such as '
        '"%d/%m/%Y %H:%M"; with %z, or an offset in ISO text, time_zone is not applied.',
    )
    order: str | None = Field(default=None, description="Column of the order, invoice or basket.")
    session: str | None = Field(default=None, description="Column of the visit.")
    event_id: str | None = Field(
        default=None,
        description="Column of a unique id; made from order, product and count where absent.",
    )
    event: Event = Field(default="purchase", description="What each line is, if all are the same.")
    event_column: str | None = Field(default=None, description="Column that says what a line is.")
    event_names: dict[str, Event] = Field(
        default_factory=lambda: {name: name for name in EVENT_NAMES},
        description="What the words in event_column mean; lines with other words are left out.",
    )
    quantity: str | None = Field(default=None, description="Column of the number of units.")
    unit_price: str | None = Field(default=None, description="Column of the price of one unit.")
    value: str | None = Field(default=None, description="Column of what the line cost in all.")
    rating: str | None = Field(default=None, description="Column of the rating.")
    decimal: str = Field(default=".", min_length=1, max_length=1, description="Decimal mark.")
    thousands: str = Field(default="", max_length=1, description="Mark between thousands.")
    title: str | None = Field(default=None, description="Column of the product's title.")
    brand: str | None = Field(default=None, description="Column of the product's brand.")
    categories: tuple[str, ...] = Field(
        default=(), description="Columns of the product's category levels, broadest first."
    )
    product_attributes: Attributes = Field(
        default_factory=dict,
        description="Further columns about the product: a list, or name = column.",
    )
    user_attributes: Attributes = Field(
        default_factory=dict,
        description="Further columns about the customer: a list, or name = column.",
    )

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        if self.unit_price and self.value:
            raise ValueError("give unit_price or value, not both")
        return self


class ProductsFile(FileFormat):
    """An optional file with one row a product; what it says goes before the sale lines."""

    file: str = Field(description="Path, relative to the mapping file.")
    product: str = Field(description="Column of the product's id.")
    title: str | None = Field(default=None, description="Column of the title.")
    price: str | None = Field(default=None, description="Column of the price of one unit.")
    brand: str | None = Field(default=None, description="Column of the brand.")
    category: str | None = Field(
        default=None, description="Column of an id of the categories file."
    )
    categories: tuple[str, ...] = Field(
        default=(), description="Columns of the category levels, broadest first."
    )
    attributes: Attributes = Field(
        default_factory=dict, description="Further columns to keep: a list, or name = column."
    )
    decimal: str = Field(default=".", min_length=1, max_length=1, description="Decimal mark.")
    thousands: str = Field(default="", max_length=1, description="Mark between thousands.")

    @model_validator(mode="after")
    def _one_category(self) -> Self:
        if self.category and self.categories:
            raise ValueError("give category or categories, not both")
        return self


class UsersFile(FileFormat):
    """An optional file with one row a customer."""

    file: str = Field(description="Path, relative to the mapping file.")
    user: str = Field(description="Column of the customer's id.")
    attributes: Attributes = Field(
        default_factory=dict, description="Columns to keep: a list, or name = column."
    )


class CategoriesFile(FileFormat):
    """An optional file with one row a category."""

    file: str = Field(description="Path, relative to the mapping file.")
    category: str = Field(description="Column of the category's id.")
    name: str | None = Field(default=None, description="Column of the name; the id where absent.")
    parent: str | None = Field(default=None, description="Column of the id of the one above.")


class Cancellations(_Table):
    """Which lines take back a sale, and what that does."""

    column: str | None = Field(default=None, description="Column that marks them.")
    starts_with: str | None = Field(default=None, description="The mark: how its value starts.")
    equals: tuple[str, ...] = Field(default=(), description="The mark: one of these values.")
    matches: Pattern | None = Field(default=None, description="The mark: a regular expression.")
    negative: bool = Field(
        default=True,
        description="A quantity below zero (or, with no quantity, a value below zero) is one too.",
    )
    effect: Literal["net", "drop"] = Field(
        default="net",
        description='"net" takes it off the latest earlier sale of the same customer and product; '
        '"drop" only leaves the line out, for marks on the cancelled sale itself.',
    )

    @model_validator(mode="after")
    def _mark_and_column(self) -> Self:
        marks = sum((self.starts_with is not None, bool(self.equals), self.matches is not None))
        if marks != (self.column is not None):
            raise ValueError("a column needs one of starts_with, equals or matches, and only one")
        return self


class NonProducts(_Table):
    """Codes that stand for postage, fees or corrections rather than goods."""

    codes: tuple[str, ...] = Field(default=(), description="Codes as they stand in the file.")
    matches: Pattern | None = Field(
        default=None, description="A regular expression of such codes, as the file writes them."
    )
    titles: Pattern | None = Field(
        default=None, description="A regular expression of titles of such lines."
    )
    action: Literal["drop", "keep"] = Field(
        default="drop", description='"keep" leaves them in the data and only counts them.'
    )


class Cleaning(_Table):
    """What to do with lines that are doubtful."""

    unreadable: Literal["refuse", "drop"] = Field(
        default="refuse",
        description="A number or date that cannot be read: stop with its row, or drop the line.",
    )
    duplicates: Literal["drop", "keep"] = Field(
        default="drop", description="Rows equal to an earlier one in every column of the file."
    )
    anonymous: Literal["keep", "drop"] = Field(
        default="keep",
        description="Lines without a customer: keep them as a visitor per order, or drop them.",
    )
    no_price: Literal["drop", "keep"] = Field(
        default="drop", description="Purchases whose price is zero or below."
    )
    outliers: Literal["flag", "clip", "drop"] = Field(
        default="flag",
        description="Absurd quantities and prices: count them only, cut them to the limit, "
        "or drop the line.",
    )
    outlier_limit: float = Field(
        default=6.0,
        gt=0,
        description="How many robust standard deviations, on a log scale, are absurd.",
    )
    earliest: date | None = Field(
        default=None, description="ISO date; earlier lines are dropped (mistyped years)."
    )
    latest: date | None = Field(
        default=None, description="ISO date; lines from this date on are dropped."
    )
    product_case: Literal["keep", "upper", "lower"] = Field(
        default="keep", description="Make product ids that differ only in case the same."
    )


class Mapping(_Table):
    """A shop's files and what is in them."""

    currency: str = Field(
        default="USD", pattern="^[A-Z]{3}$", description="ISO 4217 code of all money."
    )
    time_zone: Annotated[str, BeforeValidator(_zone)] = Field(
        default="UTC", description="IANA zone of the shop's local times."
    )
    events: EventsFile
    products: ProductsFile | None = None
    users: UsersFile | None = None
    categories: CategoriesFile | None = None
    cancellations: Cancellations = Cancellations()
    non_products: NonProducts = NonProducts()
    cleaning: Cleaning = Cleaning()

    @model_validator(mode="after")
    def _categories_are_used(self) -> Self:
        uses = self.products is not None and self.products.category is not None
        if uses != (self.categories is not None):
            raise ValueError("[categories] and products.category need each other")
        return self
