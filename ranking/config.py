"""Settings of the ranking room; checked when they are made."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RankingConfig"]


class RankingConfig(BaseModel):
    """How products are scored and listed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    half_life: float = Field(
        60.0, gt=0, description="Days after which a past purchase counts half in personal taste."
    )
    recent_days: float = Field(
        28.0, gt=0, description="Days back from the last event that recent popularity counts."
    )
    min_lines: int = Field(
        5, ge=1, description="Products with fewer purchase lines rank after all others."
    )
    ease_products: int = Field(
        8000, ge=1, le=20_000, description="EASE learns weights among this many popular products."
    )
    ease_l2: float = Field(1000.0, gt=0, description="Ridge penalty of EASE.")
    knn_neighbours: int = Field(100, ge=1, description="Neighbours of each product in ItemKNN.")
    knn_shrink: float = Field(
        5.0, ge=0, description="Added to ItemKNN's denominator; tempers rarely bought products."
    )
    filters: bool = Field(
        False,
        description=(
            "Whether the Chebyshev filter and neighbours in time compete too. They do best where "
            "nothing is bought twice, and cost milliseconds a request."
        ),
    )
    spectral_vectors: int = Field(
        128, ge=1, le=2048, description="Singular vectors that the Chebyshev filter keeps whole."
    )
    similar: int = Field(20, ge=1, le=200, description="Similar products kept for each product.")
    session_half_life: float = Field(
        60.0, gt=0, description="Minutes after which what a visitor did counts half in a session."
    )
    live_evidence: float = Field(
        10.0,
        ge=0,
        description=(
            "Products bought before with which a customer's own list counts as much as what goes "
            "with their live events."
        ),
    )
    live_again: float = Field(
        0.3, ge=0, description="How much it counts in a list that a product was just bought."
    )
    ranker_windows: int = Field(
        2, ge=0, le=24, description="Past windows the learned ranker learns from; 0 goes without."
    )
    ranker_users: int = Field(
        1200, ge=1, description="Customers the learned ranker learns from, at most, a window."
    )
    ranker_trees: int = Field(200, ge=1, le=5000, description="Trees of each of its two models.")
    ranker_pool: int = Field(
        6000, ge=1, description="Products bought most lately that it may offer as new."
    )
    ranker_each: int = Field(
        100, ge=1, description="New products that each source of candidates proposes."
    )
    ranker_kept: int = Field(
        200, ge=1, le=1000, description="Ranked products kept a customer and mode, 6 bytes each."
    )
