"""Segments of customers, what sets them apart, and who is in them."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from api.models.base import Answer, example

__all__ = ["Member", "MemberPage", "Segment", "SegmentProfile", "Segments", "Trait"]

_TRAIT = {
    "kind": "category",
    "id": "BABY FOODS",
    "label": "Baby foods",
    "share": 0.62,
    "share_overall": 0.11,
    "lift": 5.6,
}
_SEGMENT = {
    "segment_id": "segment-3",
    "name": "Baby food and nappies",
    "level": 0,
    "parent_id": None,
    "size": 214,
    "share_of_customers": 0.087,
    "spend": 402113.7,
    "share_of_spend": 0.102,
    "traits": [_TRAIT],
}


class Trait(Answer):
    """Something members do, buy or are more often than customers at large."""

    kind: str = Field(
        description="category:<level>, title (words of titles), product, brand or an attribute."
    )
    id: str = Field(
        description="Of the category, product or brand; the words; or the attribute's value."
    )
    label: str = Field(description="What a person reads.")
    share: float = Field(description="Share of the members, 0..1.")
    share_overall: float = Field(description="Share of all customers, 0..1.")
    lift: float = Field(description="The first over the second.")


class Segment(Answer):
    """A group of customers who buy alike."""

    segment_id: str
    name: str = Field(description="Named from what sets it apart.")
    level: int = Field(description="0 is the broadest.")
    parent_id: str | None = Field(default=None, description="The segment above.")
    size: int = Field(description="Customers in it.")
    share_of_customers: float = Field(description="0..1")
    spend: float | None = Field(default=None, description="Of all members, shop's currency.")
    share_of_spend: float | None = Field(default=None, description="0..1")
    traits: list[Trait] = Field(description="Strongest first; a few in lists, all in the profile.")


class Segments(Answer):
    """All segments, largest first, and how cleanly they part."""

    segments: list[Segment]
    unassigned: int = Field(default=0, description="Customers in none, such as visitors.")
    modularity: float | None = Field(default=None, description="Of the grouping, at most 1.")

    model_config = ConfigDict(
        json_schema_extra=example({"segments": [_SEGMENT], "unassigned": 12, "modularity": 0.41})
    )


class SegmentProfile(Segment):
    """A segment in full."""

    orders_per_customer: float | None = Field(default=None, description="Mean.")
    spend_per_customer: float | None = Field(default=None, description="Mean, shop's currency.")
    days_since_purchase: float | None = Field(
        default=None, description="Median, at the latest event."
    )
    connected: bool | None = Field(default=None, description="Whether its members form one piece.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                **_SEGMENT,
                "orders_per_customer": 71.2,
                "spend_per_customer": 1879.0,
                "days_since_purchase": 3.5,
                "connected": True,
            }
        )
    )


class Member(Answer):
    """A customer in a segment."""

    user_id: str
    strength: float = Field(description="How firmly they belong, 0..1.")
    orders: int
    spend: float | None = Field(default=None, description="Shop's currency.")
    last_purchase: datetime | None = None


class MemberPage(Answer):
    """Some members of a segment, firmest first, and where the next ones are."""

    total: int = Field(description="Members in all.")
    users: list[Member]
    next_cursor: str | None = Field(
        default=None, description="Pass it as cursor; none on the last page."
    )

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "total": 214,
                "users": [
                    {
                        "user_id": "1228",
                        "strength": 0.93,
                        "orders": 64,
                        "spend": 3120.5,
                        "last_purchase": "2017-12-30T18:20:00Z",
                    }
                ],
                "next_cursor": "WyIyMDE4MDEwMVQwMjA1MDAtNGYxYyIsMTAwXQ",
            }
        )
    )
