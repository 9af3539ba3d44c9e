"""Segments of customers, what sets them apart, and who is in them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from api.models.base import Answer, example

__all__ = [
    "Member",
    "MemberPage",
    "Segment",
    "SegmentChange",
    "SegmentChanges",
    "SegmentFlow",
    "SegmentLevelChanges",
    "SegmentProfile",
    "Segments",
    "Trait",
]

_TRAIT = {
    "kind": "category",
    "id": "BABY FOODS",
    "label": "Baby foods",
    "share": 0.62,
    "share_overall": 0.11,
    "lift": 5.6,
    "customers": 133,
    "p_value": 3.1e-40,
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
    "stability": 0.81,
    "trust": "stable",
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
    customers: int | None = Field(default=None, description="Members behind it.")
    p_value: float | None = Field(
        default=None, description="That it is chance, corrected over all that was tested."
    )


class Segment(Answer):
    """A group of customers who buy alike."""

    segment_id: str
    name: str = Field(description="Named from what sets it apart.")
    level: int = Field(description="0 is the broadest.")
    parent_id: str | None = Field(default=None, description="The segment that a part is of.")
    size: int = Field(description="Customers in it.")
    share_of_customers: float = Field(description="0..1")
    spend: float | None = Field(default=None, description="Of all members, shop's currency.")
    share_of_spend: float | None = Field(default=None, description="0..1")
    stability: float | None = Field(
        default=None, description="Jaccard with its like in resampled events, 0..1."
    )
    trust: Literal["stable", "fair", "doubtful"] | None = Field(
        default=None, description="stable from .75 on; doubtful below .6: build nothing on it."
    )
    traits: list[Trait] = Field(description="Strongest first; a few in lists, all in the profile.")


class Segments(Answer):
    """All segments, largest first, and how cleanly they part."""

    segments: list[Segment]
    parts: list[Segment] = Field(
        default=[], description="What segments divide into; parent_id names the segment."
    )
    unassigned: int = Field(default=0, description="Customers in none, such as visitors.")
    modularity: float | None = Field(default=None, description="Of the grouping, at most 1.")
    agreement: float | None = Field(
        default=None, description="Mean adjusted Rand between runs with different seeds."
    )
    resampled: float | None = Field(
        default=None, description="The same between the grouping and those of resampled events."
    )

    model_config = ConfigDict(
        json_schema_extra=example({"segments": [_SEGMENT], "unassigned": 12, "modularity": 0.41})
    )


class SegmentChange(Answer):
    """What became of one segment."""

    kind: Literal["kept", "split", "merged", "born", "died"]
    segment_id: str
    name: str
    other_id: str | None = Field(default=None, description="What it split from or merged into.")
    other_name: str | None = None
    before: int = Field(description="Customers of both builds that were in it.")
    after: int = Field(description="Customers of both builds that are in it.")
    jaccard: float = Field(description="Of these two; 0 unless kept.")
    arrived: int = Field(default=0, description="Customers in it who were in none.")


class SegmentFlow(Answer):
    """Customers whose segment has another id than before."""

    source: str
    target: str
    customers: int
    reason: Literal["moved", "split", "merged", "born", "died"]


class SegmentLevelChanges(Answer):
    """One level against the same level of the build before."""

    level: int = Field(description="0 for segments, 1 for their parts.")
    customers: int = Field(description="Who were and are in one.")
    kept: int = Field(description="Of them, those whose segment has the id that it had.")
    kept_share: float = Field(description="0..1")
    arrived: int = Field(description="Who are in one, and were in none.")
    left: int = Field(description="Who were in one, and are in none.")
    segments: list[SegmentChange]
    flows: list[SegmentFlow] = Field(description="Most customers first.")


_CHANGES = {
    "build": "20180101T020500-4f1c",
    "previous": "20171201T020500-77aa",
    "levels": [
        {
            "level": 0,
            "customers": 2465,
            "kept": 2210,
            "kept_share": 0.897,
            "arrived": 4,
            "left": 0,
            "segments": [
                {
                    "kind": "kept",
                    "segment_id": "segment-3",
                    "name": "Baby food and nappies",
                    "other_id": None,
                    "other_name": None,
                    "before": 205,
                    "after": 214,
                    "jaccard": 0.86,
                    "arrived": 1,
                }
            ],
            "flows": [
                {"source": "segment-1", "target": "segment-3", "customers": 14, "reason": "moved"}
            ],
        }
    ],
}


class SegmentChanges(Answer):
    """What changed since the build before; no levels for a first build."""

    build: str
    previous: str | None = Field(default=None, description="The build before.")
    levels: list[SegmentLevelChanges]

    model_config = ConfigDict(json_schema_extra=example(_CHANGES))


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
