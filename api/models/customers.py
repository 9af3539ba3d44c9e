"""Where a customer stands: stage, value and churn, each with what it rests on."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from api.models.base import Answer, SegmentRef, example

__all__ = ["Churn", "ChurnDriver", "CustomerStanding", "Rfm", "Stage", "Value"]

StageName = Literal["new", "growing", "mature", "at risk", "lost", "won back"]


class Stage(Answer):
    """A stage of the customer's life with the shop, by their own rhythm."""

    name: StageName
    why: str = Field(description="What decided it, for a reader.")
    figures: dict[str, float] = Field(description="The same as numbers: days, or purchase days.")


class Rfm(Answer):
    """Recency, frequency and monetary scores, fifths of the shop's buyers."""

    scores: str = Field(description="The three in this order, 1 to 5 each, 5 the best.")
    cell: str = Field(description="Name of the cell.")


class Value(Answer):
    """What is expected within the horizon."""

    horizon_days: float
    expected_orders: float = Field(description="Days with a purchase.")
    expected_value: float | None = Field(default=None, description="Shop's currency.")
    probability_alive: float = Field(description="That they are still a customer at all.")


class ChurnDriver(Answer):
    """What moves the risk of one customer away from that of the mean customer."""

    driver: str
    effect: float = Field(description="Log-odds added; above 0 raises the risk.")
    figure: float = Field(description="What the sentence shows.")
    text: str


class Churn(Answer):
    """Risk of no purchase within the next days."""

    days: float
    risk: float = Field(description="Calibrated probability, 0..1.")
    drivers: list[ChurnDriver] = Field(description="The strongest first.")


class CustomerStanding(Answer):
    """Where a customer stands as of the last event that the published build has seen."""

    user_id: str
    segment: SegmentRef | None = None
    orders: int
    spend: float | None = Field(default=None, description="Shop's currency.")
    first_at: datetime | None = None
    last_at: datetime | None = None
    days_since_last: float | None = None
    usual_interval_days: float | None = Field(
        default=None, description="Between two purchase days, mixed with the shop's where few."
    )
    stage: Stage | None = Field(default=None, description="Null for who never bought.")
    rfm: Rfm | None = None
    value: Value | None = None
    churn: Churn | None = Field(
        default=None, description="Null for who is not active, or where nothing can be learned."
    )

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "user_id": "1228",
                "segment": {"segment_id": "segment-3", "name": "Baby food and nappies"},
                "orders": 64,
                "spend": 3120.5,
                "first_at": "2017-01-03T17:02:00Z",
                "last_at": "2017-12-06T18:20:00Z",
                "days_since_last": 25.4,
                "usual_interval_days": 5.2,
                "stage": {
                    "name": "at risk",
                    "why": "Bought on 58 days, usually every 5.2 days, last 25.4 days ago. Late "
                    "for this rhythm since 18.2 days; counted as lost from 62.4 days.",
                    "figures": {"days_since_last": 25.4, "at_risk_after_days": 18.2},
                },
                "rfm": {"scores": "144", "cell": "slipping"},
                "value": {
                    "horizon_days": 91,
                    "expected_orders": 9.1,
                    "expected_value": 402.7,
                    "probability_alive": 0.71,
                },
                "churn": {
                    "days": 28,
                    "risk": 0.46,
                    "drivers": [
                        {
                            "driver": "recency",
                            "effect": 0.9,
                            "figure": 25.4,
                            "text": "The last purchase was 25 days ago: raises the risk.",
                        }
                    ],
                },
            }
        )
    )
