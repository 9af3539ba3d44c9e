"""Settings of the rules room."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Miner", "RulesConfig"]

Miner = Literal["vertical", "fpgrowth", "apriori"]


class RulesConfig(BaseModel):
    """What counts as a rule, and how much work finding them may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    miner: Miner = Field(
        default="vertical",
        description="What finds frequent sets: Coterie's own miner, or, for comparison, mlxtend's.",
    )
    product_support: float = Field(
        default=0.001, gt=0, le=1, description="Sets of products: least share of all baskets."
    )
    category_support: float = Field(
        default=0.01,
        gt=0,
        le=1,
        description="Sets of categories or brands: least share of all baskets.",
    )
    category_levels: tuple[int, ...] | None = Field(
        default=None, description="Category levels to mine; all of the shop's where not given."
    )
    brands: bool = Field(default=True, description="Whether to mine brands, where there are any.")
    mixed: bool = Field(
        default=True,
        description="Whether to mine across levels: products, categories and brands in one rule.",
    )
    mixed_support: float = Field(
        default=0.02, gt=0, le=1, description="Sets across levels: least share of all baskets."
    )
    holdout_days: float = Field(
        default=30,
        ge=0,
        description="Rules are found before this many last days and then judged on them; 0, or a "
        "shop younger than three times as much, uses all days and leaves that evidence empty.",
    )
    within_days: float = Field(
        default=30,
        ge=0,
        description="Sequences: days in which the second purchase must follow; 0 for none.",
    )
    max_length: int = Field(
        default=3, ge=2, le=8, description="Most items in a rule, both sides together."
    )
    min_count: int = Field(
        default=5,
        ge=2,
        description="Least baskets behind a rule, whatever the support; pairs of products are "
        "counted down to it.",
    )
    min_confidence: float = Field(
        default=0.01, ge=0, le=1, description="Least confidence of a rule."
    )
    min_lift: float = Field(default=1.1, ge=1, description="Least lift of a rule.")
    min_improvement: float = Field(
        default=1.1,
        ge=0,
        description="A rule of three or more items must have this many times the confidence of "
        "every rule that does with one fewer.",
    )
    max_false_discovery: float = Field(
        default=0.05, gt=0, le=1, description="Largest Benjamini-Hochberg q-value of a rule."
    )
    max_basket: int = Field(
        default=100, ge=2, description="A basket of more items keeps the most frequent of them."
    )
    max_itemsets: int = Field(
        default=20_000,
        ge=100,
        description="The support is raised at a level that would have more sets than about this.",
    )
    top: int = Field(
        default=20,
        ge=1,
        description="Most rules kept of each antecedent item among pairs, and of each consequent "
        "among the rules of each greater length; the most telling.",
    )
