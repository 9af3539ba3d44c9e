"""How many visitors an experiment needs to find an effect worth finding."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

from pydantic import BaseModel, ConfigDict, Field

from experiments.compare import always_valid_radius, mixture
from experiments.definition import Metric
from loaders.errors import ExperimentError

__all__ = ["Needed", "Wish", "needed"]


class Wish(BaseModel):
    """What an experiment should be able to find."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"baseline": 0.04, "effect": 0.1, "units_per_day": 10000}]},
    )

    metric: Metric = Field("conversion", description="The figure that decides.")
    baseline: float = Field(
        ge=1e-6,
        le=1e9,
        allow_inf_nan=False,
        description="What it is now: a share, or revenue of a visitor.",
    )
    effect: float = Field(
        ge=1e-4,
        le=100,
        allow_inf_nan=False,
        description="Least relative change worth finding: 0.1 is 10 %.",
    )
    deviation: float | None = Field(
        None,
        ge=1e-6,
        le=1e12,
        allow_inf_nan=False,
        description="Standard deviation of a visitor's revenue; of revenue only.",
    )
    power: float = Field(0.8, ge=0.5, le=0.9999, description="Chance of finding it where it is.")
    alpha: float = Field(
        0.05, ge=1e-6, lt=0.5, description="Chance of finding one where there is none."
    )
    variants: int = Field(2, ge=2, le=10, description="How many, the control among them.")
    units_per_day: float | None = Field(
        None,
        ge=1e-6,
        le=1e12,
        allow_inf_nan=False,
        description="Visitors a day who would take part.",
    )


@dataclass(frozen=True)
class Needed:
    """What it takes.

    Attributes:
        units_per_variant: visitors of each variant, looking as often as one likes.
        units: of all variants together.
        fixed_units_per_variant: of each variant, if one looks once, at the end.
        days: until there are as many; ``None`` where it is not known how many come a day.
    """

    units_per_variant: int
    units: int
    fixed_units_per_variant: int
    days: float | None


def needed(wish: Wish) -> Needed:
    """Visitors it takes to find the effect with the power wished.

    Of one look: n = (z(1 - alpha/2) + z(power))^2 (s^2 + t^2) / d^2, with the variances s^2, t^2 of
    both groups' values and the difference d. Looking at all times: the n whose always-valid
    interval is so wide; the experiment may then end sooner. Alpha is shared by the comparisons.

    Raises:
        ExperimentError: a share is above 1 after the change, or revenue comes without deviation.
    """
    alpha = wish.alpha / (wish.variants - 1)
    difference = wish.baseline * wish.effect
    variance = _variances(wish)
    normal = NormalDist()
    power = normal.inv_cdf(wish.power)
    once = ceil((normal.inv_cdf(1 - alpha / 2) + power) ** 2 * variance / difference**2)

    def enough(n: int) -> bool:
        radius = always_valid_radius(2 / n, mixture(alpha, n), alpha)
        return difference / sqrt(variance / n) >= radius + power

    low, high = 1, max(once, 2)
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    total = high * wish.variants
    days = total / wish.units_per_day if wish.units_per_day else None
    return Needed(high, total, once, days)


def _variances(wish: Wish) -> float:
    """Sum of both groups' variances of a value."""
    if wish.metric == "revenue":
        if wish.deviation is None:
            raise ExperimentError(
                [("deviation", "say how much visitors' revenue differs: its standard deviation")]
            )
        return 2 * wish.deviation**2
    after = wish.baseline * (1 + wish.effect)
    if after >= 1:
        raise ExperimentError(
            [
                (
                    "baseline",
                    f"a share of {wish.baseline:g} cannot grow by {wish.effect:.0%}; a share"
                    " is below 1",
                )
            ]
        )
    return wish.baseline * (1 - wish.baseline) + after * (1 - after)
