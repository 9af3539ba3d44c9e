"""A customer as found by a search, and in full."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field, JsonValue

from api.models.base import Answer, Product, SegmentRef, example

__all__ = ["CategoryShare", "HistoryLine", "UserHit", "UserProfile", "Users"]


class UserHit(Answer):
    """A customer in a list of hits."""

    user_id: str
    orders: int
    spend: float | None = Field(default=None, description="All purchases, shop's currency.")
    last_purchase: datetime | None = None
    segment: SegmentRef | None = None


class Users(Answer):
    """Customers whose id matches, or a few suggested ones where nothing was searched."""

    users: list[UserHit]
    next_cursor: str | None = Field(
        default=None, description="Pass it as cursor; none on the last page."
    )

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "users": [
                    {
                        "user_id": "1228",
                        "orders": 64,
                        "spend": 3120.5,
                        "last_purchase": "2017-12-30T18:20:00Z",
                        "segment": {"segment_id": "segment-3", "name": "Baby food and nappies"},
                    }
                ]
            }
        )
    )


class CategoryShare(Answer):
    """How much of a customer's buying a category takes."""

    category_id: str
    name: str
    purchases: int = Field(description="Purchase lines.")
    share: float = Field(description="Share of the customer's purchase lines, 0..1.")
    spend: float | None = Field(default=None, description="Shop's currency.")


class HistoryLine(Answer):
    """A product the customer bought, over all their orders."""

    product: Product
    times: int = Field(description="Orders that held it.")
    last: datetime = Field(description="Latest purchase, UTC.")
    spend: float | None = Field(default=None, description="Shop's currency.")


class UserProfile(Answer):
    """A customer: who they are, what they bought, where they belong."""

    user_id: str
    anonymous: bool = Field(description="A visitor without an account; in no segment.")
    attributes: dict[str, JsonValue] = Field(description="Whatever the shop knows, such as age.")
    segment: SegmentRef | None = None
    orders: int
    products: int = Field(description="Distinct products bought.")
    purchases: int = Field(description="Purchase lines.")
    spend: float | None = Field(default=None, description="Shop's currency.")
    first_purchase: datetime | None = None
    last_purchase: datetime | None = None
    top_categories: list[CategoryShare] = Field(description="Most bought first.")
    history: list[HistoryLine] = Field(description="Latest first, cut to the number asked for.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "user_id": "1228",
                "anonymous": False,
                "attributes": {"age": "35-44", "household_size": 3},
                "segment": {"segment_id": "segment-3", "name": "Baby food and nappies"},
                "orders": 64,
                "products": 412,
                "purchases": 987,
                "spend": 3120.5,
                "first_purchase": "2017-01-03T17:02:00Z",
                "last_purchase": "2017-12-30T18:20:00Z",
                "top_categories": [
                    {
                        "category_id": "GROCERY",
                        "name": "Grocery",
                        "purchases": 610,
                        "share": 0.62,
                        "spend": 1604.2,
                    }
                ],
                "history": [
                    {
                        "product": {
                            "product_id": "1082185",
                            "title": "Bananas",
                            "price": 0.59,
                            "category_id": "PRODUCE/BANANAS",
                            "category": "Bananas",
                            "brand": "National",
                        },
                        "times": 31,
                        "last": "2017-12-30T18:20:00Z",
                        "spend": 24.8,
                    }
                ],
            }
        )
    )
