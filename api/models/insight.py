"""What a page for people shows of a shop: stages, trends, a map, buyers, a customer's days."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from pydantic import ConfigDict, Field

from api.models.base import Answer, example
from api.models.customers import StageName

__all__ = [
    "BuyersOf",
    "CustomerMap",
    "CustomerTimeline",
    "GroupOfBuyers",
    "Lifecycle",
    "LifecycleGroup",
    "MapPoint",
    "StageCount",
    "TimelineDay",
    "Trend",
    "TrendPeriod",
]

_GROUP: Final = {
    "segment_id": "segment-3",
    "name": "Baby food and nappies",
    "customers": 214,
    "churn_risk": 0.18,
    "expected_value": 86213.4,
    "stages": [{"stage": "mature", "customers": 160, "spend": 301990.2, "expected_value": 70102.1}],
}


class StageCount(Answer):
    """Customers at one stage."""

    stage: StageName
    customers: int
    spend: float | None = Field(default=None, description="All they paid, shop's currency.")
    expected_value: float | None = Field(default=None, description="Expected of all of them.")


class LifecycleGroup(Answer):
    """The stages of the whole shop, or of a segment."""

    segment_id: str | None = Field(default=None, description="Null for the whole shop.")
    name: str | None = None
    customers: int = Field(description="Registered customers with a purchase.")
    churn_risk: float | None = Field(
        default=None, description="Mean of those it is told of, 0..1; see docs/lifecycle.md."
    )
    expected_value: float | None = Field(
        default=None, description="Within the horizon, of all of them."
    )
    stages: list[StageCount] = Field(description="In the order of a customer's life.")


class Lifecycle(Answer):
    """Where the shop's customers stand, in all and by segment."""

    build: str
    horizon_days: float | None = Field(default=None, description="Of `expected_value`.")
    churn_days: float | None = Field(default=None, description="Of `churn_risk`.")
    shop: LifecycleGroup
    segments: list[LifecycleGroup] = Field(description="Largest first.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "build": "20180101T020500-4f1c",
                "horizon_days": 91,
                "churn_days": 28,
                "shop": {**_GROUP, "segment_id": None, "name": None, "customers": 2469},
                "segments": [_GROUP],
            }
        )
    )


class TrendPeriod(Answer):
    """Purchases of one period."""

    start: date = Field(description="Its first day, UTC.")
    orders: int
    customers: int
    spend: float | None = Field(default=None, description="Shop's currency.")
    complete: bool = Field(description="False where events begin or end within it.")


class Trend(Answer):
    """Purchases by day, week (from Monday) or month."""

    unit: Literal["day", "week", "month"]
    periods: list[TrendPeriod] = Field(description="Oldest first, none left out.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "unit": "week",
                "periods": [
                    {
                        "start": "2017-12-18",
                        "orders": 3120,
                        "customers": 1534,
                        "spend": 94120.5,
                        "complete": True,
                    }
                ],
            }
        )
    )


class MapPoint(Answer):
    """A customer on the map."""

    user_id: str
    x: float = Field(description="-1..1")
    y: float = Field(description="-1..1")
    segment: int = Field(description="Place in `segments`; -1 for none.")


class CustomerMap(Answer):
    """Customers as points: those who buy alike stand close."""

    projection: Literal["discriminant", "pca"] = Field(
        description="discriminant: where segments part most; pca: where customers do."
    )
    segments: list[str] = Field(description="Ids of the segments.")
    total: int = Field(description="Customers that have a place on the map.")
    points: list[MapPoint] = Field(description="All of them, or an even sample.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "projection": "discriminant",
                "segments": ["segment-3"],
                "total": 2466,
                "points": [{"user_id": "1228", "x": 0.41, "y": -0.2, "segment": 0}],
            }
        )
    )


class GroupOfBuyers(Answer):
    """Buyers of a product within a segment or at a stage."""

    id: str
    name: str
    buyers: int
    share: float = Field(description="Of the group, 0..1.")
    lift: float | None = Field(default=None, description="Over the share of all customers.")


class BuyersOf(Answer):
    """Who buys a product."""

    product_id: str
    buyers: int = Field(description="Registered customers who bought it.")
    share: float = Field(description="Of all with a purchase, 0..1.")
    again: float | None = Field(default=None, description="Share of buyers with two orders of it.")
    segments: list[GroupOfBuyers] = Field(description="Highest lift first.")
    stages: list[GroupOfBuyers] = Field(description="In the order of a customer's life.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "product_id": "1029743",
                "buyers": 871,
                "share": 0.353,
                "again": 0.62,
                "segments": [
                    {
                        "id": "segment-3",
                        "name": "Baby food and nappies",
                        "buyers": 133,
                        "share": 0.62,
                        "lift": 1.76,
                    }
                ],
                "stages": [
                    {"id": "mature", "name": "mature", "buyers": 602, "share": 0.41, "lift": 1.16}
                ],
            }
        )
    )


class TimelineDay(Answer):
    """What a customer did on one day, by kind of event."""

    day: date = Field(description="UTC.")
    event: Literal["purchase", "view_item", "add_to_cart", "add_to_wishlist", "rate"]
    lines: int = Field(description="Events.")
    orders: int = Field(description="Different orders; events without one count each.")
    value: float | None = Field(default=None, description="Shop's currency.")
    titles: list[str] = Field(description="Of at most three products, the dearest first.")


class CustomerTimeline(Answer):
    """A customer's days with the shop, the latest first."""

    user_id: str
    days: list[TimelineDay]
    more: int = Field(description="Earlier entries that `limit` left out.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "user_id": "1228",
                "days": [
                    {
                        "day": "2017-12-30",
                        "event": "purchase",
                        "lines": 12,
                        "orders": 1,
                        "value": 41.2,
                        "titles": ["Milk, 1 gal", "White bread"],
                    }
                ],
                "more": 57,
            }
        )
    )
