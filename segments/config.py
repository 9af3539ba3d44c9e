"""Settings of the segments room."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["SegmentsConfig"]


class SegmentsConfig(BaseModel):
    """How communities are found, how many are wanted, and what a profile may show."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, description="Seed; the same gives the same segments.")
    neighbours: int = Field(
        default=30, ge=2, description="Nearest neighbours of each customer in the user graph."
    )
    resolutions: tuple[float, ...] = Field(
        default=(0.1, 0.25, 0.4, 0.5, 0.75, 1.0, 1.5),
        min_length=1,
        description="Leiden resolutions tried; higher gives more, smaller communities.",
    )
    runs: int = Field(
        default=5, ge=2, description="Leiden runs at each resolution, whose agreement is stability."
    )
    min_segments: int = Field(default=5, ge=1, description="Fewest segments wanted.")
    max_segments: int = Field(default=15, ge=1, description="Most segments wanted.")
    min_size: int = Field(
        default=20, ge=1, description="A smaller community joins its nearest neighbour."
    )
    min_share: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="So does one with a smaller share of the customers.",
    )
    mix_dim: int = Field(
        default=32,
        ge=0,
        description="Dimensions of the mix of categories beside the encoder's vectors in the user"
        " graph; 0: the encoder's alone, and purchases don't refine communities.",
    )
    renew: float = Field(
        default=0.1,
        ge=0,
        description="A build goes on from the last one's communities unless new ones save this"
        " share more bits per purchase line.",
    )
    min_parts_stability: float = Field(
        default=0.75,
        ge=0,
        le=1,
        description="A segment is divided further only if the runs that divide it agree so well.",
    )
    samples: int = Field(
        default=5,
        ge=0,
        description="Bootstrap samples of the events, by which each segment's stability is told.",
    )
    impute: Literal["median", "most_frequent", "knn"] = Field(
        default="most_frequent",
        description="How missing attributes are filled before they place a customer.",
    )
    min_customers: int = Field(
        default=10, ge=1, description="A trait needs this many members behind it to be shown."
    )
    min_lift: float = Field(default=1.2, ge=1, description="Least lift of a trait.")
    max_false_discovery: float = Field(
        default=0.05, gt=0, le=1, description="Largest corrected p-value of a trait."
    )
    common: float = Field(
        default=1 / 3,
        gt=0,
        le=1,
        description="A segment is named after what at least this share of its members buy.",
    )
    traits: int = Field(default=8, ge=1, description="Most traits shown of each kind.")
    products: int = Field(
        default=100, ge=1, description="Most over-represented products kept for each segment."
    )
    ignored_words: tuple[str, ...] = Field(
        default=("coupon", "misc", "unknown", "other", "n/a", "uncategorised", "uncategorized"),
        description="A category whose name holds one of these never names a segment.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_segments > self.max_segments:
            raise ValueError(
                f"min_segments {self.min_segments} is above max_segments {self.max_segments}"
            )
        return self
