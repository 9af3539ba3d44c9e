"""What an audience's conditions may ask of this shop, and what its members' files may tell."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from api.models.base import Answer, SegmentRef, example

__all__ = ["AttributeValues", "AudienceChoices"]


class AttributeValues(Answer):
    """A column of the shop's table of users."""

    name: str
    values: list[str] = Field(description="The most frequent that enough customers share.")
    low: float | None = Field(default=None, description="Range without the outermost 1 %.")
    high: float | None = None
    known: float = Field(description="Share of customers with a value, 0..1.")


class AudienceChoices(Answer):
    """What conditions may ask."""

    stages: list[str]
    rfm: list[str] = Field(description="Cells that some customer is in.")
    measures: list[str] = Field(description="Numbers known of customers, for `of`.")
    events: list[str] = Field(description="Kinds of events there are.")
    attributes: list[AttributeValues]
    segments: list[SegmentRef]
    columns: list[str] = Field(description="What an export may tell of each member.")
    minimum: int = Field(description="The fewest customers that are told of.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "stages": ["at risk", "mature"],
                "rfm": ["555"],
                "measures": ["orders", "spend", "churn_risk"],
                "events": ["purchase"],
                "attributes": [
                    {"name": "age", "values": ["35-44"], "low": None, "high": None, "known": 0.97}
                ],
                "segments": [{"segment_id": "segment-3", "name": "Baby food and nappies"}],
                "columns": ["user_id", "segment", "spend"],
                "minimum": 20,
            }
        )
    )
