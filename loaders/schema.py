"""The data contract: every table and column Coterie takes, named once.

Ids are the shop's own strings. Times are UTC. Money is a float in the shop's currency.
``docs/data.md`` is generated from ``TABLES``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

__all__ = [
    "ANONYMOUS_PREFIX",
    "EVENT_NAMES",
    "TABLES",
    "Column",
    "Table",
    "empty",
]

EVENT_NAMES: Final = ("purchase", "view_item", "add_to_cart", "add_to_wishlist", "rate")
"""Names of events as in the GA4 e-commerce schema, plus ``rate``; the order is the code."""

ANONYMOUS_PREFIX: Final = "anonymous/"
"""A visitor without an account is a user of this prefix and the order's or session's id."""

TIME: Final = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Column:
    """One column of the contract: its name, type, whether it must be there, and its meaning."""

    name: str
    dtype: pl.DataType
    required: bool
    doc: str


@dataclass(frozen=True)
class Table:
    """One table of the contract. ``open`` tables keep further columns as attributes."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    open: bool = False

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """Types by column name."""
        return {c.name: c.dtype for c in self.columns}


def _col(name: str, dtype: pl.DataType, doc: str, *, required: bool = False) -> Column:
    return Column(name, dtype, required, doc)


_STR, _FLOAT, _BOOL, _INT = pl.String(), pl.Float64(), pl.Boolean(), pl.Int64()

_USERS = Table(
    "users",
    "One row a customer. Further columns (age, city, ...) are kept as attributes of the user.",
    (
        _col("user_id", _STR, "The shop's own id of the customer.", required=True),
        _col("anonymous", _BOOL, "True for a visitor without an account; never in a segment."),
    ),
    key=("user_id",),
    open=True,
)
_PRODUCTS = Table(
    "products",
    "One row a product. Further columns are kept as attributes of the product.",
    (
        _col("product_id", _STR, "The shop's own id of the product.", required=True),
        _col("title", _STR, "What a person reads; the id is shown where it is missing."),
        _col("price", _FLOAT, "Usual price of one unit, in the shop's currency."),
        _col("category_id", _STR, "The most specific category the product is in."),
        _col("brand", _STR, "Name of the brand."),
    ),
    key=("product_id",),
    open=True,
)
_EVENTS = Table(
    "events",
    "One row a customer's act on a product.",
    (
        _col("event_id", _STR, "Unique; loading the same id again changes nothing.", required=True),
        _col("event", _STR, f"One of {', '.join(EVENT_NAMES)}.", required=True),
        _col("user_id", _STR, "Who.", required=True),
        _col("product_id", _STR, "On what.", required=True),
        _col("at", TIME, "When, in UTC.", required=True),
        _col("quantity", _FLOAT, "How many units; 1 where unknown."),
        _col("value", _FLOAT, "What was paid for the line, in the shop's currency."),
        _col("order_id", _STR, "The order or basket the line belongs to."),
        _col("session_id", _STR, "The visit the event happened in."),
        _col("rating", _FLOAT, "The rating, for the event rate."),
    ),
    key=("event_id",),
)
_CATEGORIES = Table(
    "categories",
    "One row a category; level 0 is the broadest.",
    (
        _col("category_id", _STR, "Unique id.", required=True),
        _col("name", _STR, "What a person reads.", required=True),
        _col("level", _INT, "0 for the broadest, one more for each step down.", required=True),
        _col("parent_id", _STR, "The category above, empty at level 0."),
    ),
    key=("category_id",),
)
_CAMPAIGNS = Table(
    "campaigns",
    "One row a campaign.",
    (
        _col("campaign_id", _STR, "Unique id.", required=True),
        _col("kind", _STR, "Kind of campaign, in the shop's words."),
        _col("starts", TIME, "First moment it is valid."),
        _col("ends", TIME, "Last moment it is valid."),
    ),
    key=("campaign_id",),
)
_TARGETS = Table(
    "campaign_targets",
    "Which customers a campaign was sent to.",
    (
        _col("campaign_id", _STR, "The campaign.", required=True),
        _col("user_id", _STR, "The customer.", required=True),
    ),
    key=("campaign_id", "user_id"),
)
_PROMOTED = Table(
    "campaign_products",
    "Which products a campaign promotes.",
    (
        _col("campaign_id", _STR, "The campaign.", required=True),
        _col("product_id", _STR, "The product.", required=True),
    ),
    key=("campaign_id", "product_id"),
)
_REDEMPTIONS = Table(
    "redemptions",
    "Which customers used a campaign's coupon, and when.",
    (
        _col("redemption_id", _STR, "Unique id.", required=True),
        _col("user_id", _STR, "The customer.", required=True),
        _col("campaign_id", _STR, "The campaign.", required=True),
        _col("at", TIME, "When, in UTC.", required=True),
    ),
    key=("redemption_id",),
)

TABLES: Final[dict[str, Table]] = {
    t.name: t
    for t in (
        _USERS,
        _PRODUCTS,
        _EVENTS,
        _CATEGORIES,
        _CAMPAIGNS,
        _TARGETS,
        _PROMOTED,
        _REDEMPTIONS,
    )
}


def empty(table: str) -> pl.DataFrame:
    """An empty frame with the columns and types of ``table``."""
    return pl.DataFrame(schema=TABLES[table].dtypes)
