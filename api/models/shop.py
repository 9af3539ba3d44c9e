"""What the service serves from: the published build and the shop's categories."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from api.models.base import Answer, Mode, example

__all__ = [
    "BuildInfo",
    "Categories",
    "Category",
    "Metric",
    "Published",
    "RollbackRequest",
    "SnapshotList",
]


class Metric(Answer):
    """One figure of the evaluation that was made when the snapshot was built."""

    mode: Mode
    method: str = Field(description="What made the lists that were measured.")
    name: str = Field(description="Such as recall or ndcg.")
    k: int = Field(description="Length of the lists.")
    value: float
    low: float | None = Field(default=None, description="Lower end of the 95 % interval.")
    high: float | None = Field(default=None, description="Upper end of the 95 % interval.")
    users: int | None = Field(default=None, description="Customers it was measured on.")


class BuildInfo(Answer):
    """Which snapshot answers, what it was learned from, and how good it measured."""

    build: str = Field(description="Id of the published snapshot.")
    created: datetime = Field(description="When it was built, UTC.")
    shop: str = Field(description="Name of the shop or data set.")
    currency: str = Field(description="Currency of every amount, such as USD.")
    last_event: datetime | None = Field(default=None, description="Latest event learned from, UTC.")
    counts: dict[str, int] = Field(
        description="At least users, products, purchases, orders and segments."
    )
    methods: dict[Mode, str] = Field(description="What answers each mode unless asked otherwise.")
    metrics: list[Metric] = Field(description="Headline figures, a few a mode.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "build": "20180101T020500-4f1c",
                "created": "2018-01-01T02:05:00Z",
                "shop": "The Complete Journey",
                "currency": "USD",
                "last_event": "2018-01-01T04:01:20Z",
                "counts": {
                    "users": 2469,
                    "products": 92331,
                    "purchases": 1469307,
                    "orders": 155848,
                    "segments": 9,
                },
                "methods": {"all": "blend", "repeat": "decayed-frequency", "discover": "lightgcn"},
                "metrics": [
                    {
                        "mode": "all",
                        "method": "blend",
                        "name": "recall",
                        "k": 20,
                        "value": 0.334,
                        "low": 0.327,
                        "high": 0.341,
                        "users": 2041,
                    }
                ],
            }
        )
    )


class Category(Answer):
    """A category of the shop; level 0 is the broadest."""

    category_id: str
    name: str
    level: int
    parent_id: str | None = Field(default=None, description="The category above; none at level 0.")
    products: int = Field(description="Products in it or below it.")


class Categories(Answer):
    """All categories, broadest first."""

    categories: list[Category]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "categories": [
                    {
                        "category_id": "GROCERY",
                        "name": "Grocery",
                        "level": 0,
                        "parent_id": None,
                        "products": 39021,
                    }
                ]
            }
        )
    )


class SnapshotList(Answer):
    """The finished builds of the shop."""

    builds: list[str] = Field(description="Their ids, oldest first.")
    published: str = Field(description="The one that answers.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "builds": ["20171201T020311-88ab", "20180101T020500-4f1c"],
                "published": "20180101T020500-4f1c",
            }
        )
    )


class RollbackRequest(Answer):
    """Which build to go back to."""

    build: str | None = Field(
        default=None,
        max_length=100,
        description="Its id; by default the one before the published.",
    )

    model_config = ConfigDict(json_schema_extra=example({"build": "20171201T020311-88ab"}))


class Published(Answer):
    """What answers from now on."""

    published: str = Field(description="Id of the build.")

    model_config = ConfigDict(json_schema_extra=example({"published": "20171201T020311-88ab"}))
