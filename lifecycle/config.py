"""Settings of the lifecycle room."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LifecycleConfig"]


class LifecycleConfig(BaseModel):
    """How a customer's rhythm is read, and how far ahead value and churn look."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, description="Seed of samples and trees.")
    shrinkage: float = Field(
        default=2.0,
        gt=0,
        description="Intervals of the shop's usual length that each customer's own are mixed with.",
    )
    late_share: float = Field(
        default=0.9,
        gt=0,
        lt=1,
        description="At risk: away longer, in own usual intervals, than this share of all waits"
        " between two purchases.",
    )
    lost_share: float = Field(
        default=0.9,
        gt=0,
        lt=1,
        description="Lost: away longer, in own usual intervals, than this share of customers ever"
        " were and came back.",
    )
    new_days: int = Field(
        default=3, ge=2, description="A customer with fewer purchase days is new."
    )
    settled_days: int = Field(
        default=6, ge=3, description="A customer with fewer purchase days is still growing."
    )
    faster: float = Field(
        default=0.75,
        gt=0,
        lt=1,
        description="Growing too: the latest intervals are at most this share of those before.",
    )
    recent: int = Field(
        default=3,
        ge=1,
        description="Latest intervals that are compared, and in which a return still counts as"
        " won back.",
    )
    horizon_days: float = Field(
        default=91.0, gt=0, description="Days ahead of expected orders and value."
    )
    churn_days: float = Field(
        default=28.0, gt=0, description="Churn: no purchase within so many days."
    )
    active_days: float = Field(
        default=84.0,
        gt=0,
        description="Churn is told of customers who bought within so many days.",
    )
    sample: int = Field(
        default=5_000, ge=100, description="Most customers that a value model is fitted on."
    )
    bootstrap: int = Field(
        default=500, ge=10, description="Resamples of the customers behind each interval."
    )
