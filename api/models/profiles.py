"""Profiles of segments and customers in four groups, and what to do for whom."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.models.base import Answer, Product, SegmentRef, example

__all__ = [
    "Action",
    "ActionDiscount",
    "ActionGroup",
    "ActionOffer",
    "Actions",
    "Claim",
    "CustomerFact",
    "CustomerProfile",
    "OfferRule",
    "SegmentClaims",
]

UnitName = Literal["share", "money", "days", "count", "score"]
_ABOUT = "A fact, `category:<level>`, `brand`, or the name of an attribute."
_ID = "The category, brand or value; empty for a fact."


class Claim(Answer):
    """One thing that holds of a segment and not so of the shop."""

    about: str = Field(description=_ABOUT)
    id: str = Field(description=_ID)
    label: str = Field(description="The same for a reader; empty for a fact.")
    value: float = Field(description="Mean or share of the members, in the unit.")
    shop_value: float = Field(description="The same of all customers.")
    unit: UnitName = Field(description="A share is 0..1; money is in the shop's currency.")
    lift: float = Field(description="value over shop_value.")
    direction: Literal["more", "less"]
    customers: int = Field(description="Members of whom it holds.")
    known: int = Field(description="Members of whom it can be told.")
    shop_customers: int = Field(description="All customers of whom it holds.")
    shop_known: int = Field(description="All customers of whom it can be told.")
    superiority: float | None = Field(
        default=None,
        description="Chance that a member's amount is above another customer's; null for shares.",
    )
    p_value: float = Field(
        description="Corrected (Benjamini-Hochberg) over everything tested on all segments."
    )
    text: str = Field(description="The claim as a sentence.")


_CLAIM: dict[str, Any] = {
    "about": "category:0",
    "id": "NUTRITION",
    "label": "Nutrition",
    "value": 0.037,
    "shop_value": 0.012,
    "unit": "share",
    "lift": 3.1,
    "direction": "more",
    "customers": 479,
    "known": 557,
    "shop_customers": 1502,
    "shop_known": 2469,
    "superiority": None,
    "p_value": 8.7e-71,
    "text": "Nutrition: 3.7% of a member's spend, 1.2% of any customer's (3.1 times; 479 of 557 "
    "members buy it).",
}


class SegmentClaims(Answer):
    """What sets a segment apart, in four groups; what is not significant is not claimed."""

    segment_id: str
    name: str
    size: int = Field(description="Members.")
    description: str | None = Field(
        default=None, description="By a text generator, where the shop's settings name one."
    )
    tested: int = Field(description="Tests made on all segments and corrected together.")
    false_discovery: float = Field(description="Largest corrected p-value of a claim.")
    basics: list[Claim] = Field(description="Attributes of the customers.")
    behaviour: list[Claim] = Field(description="Recency, frequency, value, baskets, hours, deals.")
    preference: list[Claim] = Field(description="Categories, brands, price level.")
    risk: list[Claim] = Field(description="Churn, returns, irregular or outlying purchases.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "segment_id": "segment-3",
                "name": "Nutrition & Produce",
                "size": 557,
                "tested": 21480,
                "false_discovery": 0.05,
                "basics": [],
                "behaviour": [],
                "preference": [_CLAIM],
                "risk": [],
            }
        )
    )


class CustomerFact(Answer):
    """One fact of a customer against the shop."""

    about: str = Field(description=_ABOUT)
    id: str = Field(description=_ID)
    label: str = Field(description="The same for a reader; empty for a fact.")
    value: float | None = Field(description="In the unit; null for an attribute.")
    shop_value: float | None = Field(
        default=None, description="Median of all customers; the share for attributes and yes or no."
    )
    unit: UnitName
    percentile: float | None = Field(
        default=None, description="Of customers whose value is lower, ties half, 0..100."
    )
    lift: float | None = Field(default=None, description="value over shop_value.")
    text: str = Field(description="The fact as a sentence.")


class CustomerProfile(Answer):
    """A customer against the shop, in the same four groups."""

    user_id: str
    segment: SegmentRef | None = None
    basics: list[CustomerFact]
    behaviour: list[CustomerFact]
    preference: list[CustomerFact]
    risk: list[CustomerFact]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "user_id": "1228",
                "segment": {"segment_id": "segment-3", "name": "Nutrition & Produce"},
                "basics": [],
                "behaviour": [
                    {
                        "about": "basket_value",
                        "id": "",
                        "label": "",
                        "value": 48.8,
                        "shop_value": 24.1,
                        "unit": "money",
                        "percentile": 91.0,
                        "lift": 2.0,
                        "text": "Spend of an order: 48.80 USD, more than 91% of customers.",
                    }
                ],
                "preference": [],
                "risk": [],
            }
        )
    )


class OfferRule(Answer):
    """A rule that leads to a product from one that many of them bought."""

    product: Product
    lift: float
    confidence: float


class ActionOffer(Answer):
    """A product for an action."""

    product: Product
    liking: float = Field(description="How high it stands in their lists, 0..1.")
    lift: float = Field(description="The same over that of all customers.")
    bought_with: OfferRule | None = None


class ActionDiscount(Answer):
    """How these customers answer to discounts."""

    known: bool
    basis: Literal["campaigns", "redemptions", "prices"] | None = Field(
        default=None,
        description="campaigns: share of who was sent one that redeemed any; redemptions: share of "
        "all that did; prices: share of lines paid below the usual price.",
    )
    rate: float | None = Field(default=None, description="0..1")
    shop_rate: float | None = Field(default=None, description="0..1")
    customers: int = Field(description="Of whom it can be told.")
    text: str


class Action(Answer):
    """One suggestion."""

    goal: Literal["win back", "second purchase", "upsell", "keep"]
    customers: int = Field(description="Members it is for.")
    probability: float = Field(description="Mean chance of a purchase within the horizon, anyway.")
    order_value: float | None = Field(default=None, description="Of one order, shop's currency.")
    expected_value: float | None = Field(
        default=None, description="customers x probability x order_value, shop's currency."
    )
    products: list[ActionOffer]
    discount: ActionDiscount
    text: str


class ActionGroup(Answer):
    """Whose actions these are."""

    kind: Literal["segment", "stage"]
    id: str
    name: str


class Actions(Answer):
    """What to do for the customers of a segment or stage, the most valuable first."""

    group: ActionGroup
    horizon_days: float
    estimate: str = Field(description="What the values are, and what they are not.")
    actions: list[Action]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "group": {"kind": "stage", "id": "at risk", "name": "at risk"},
                "horizon_days": 91,
                "estimate": "An estimate of what these customers will buy anyway, not of what an "
                "action adds: only a test with customers left alone tells that.",
                "actions": [
                    {
                        "goal": "win back",
                        "customers": 314,
                        "probability": 0.95,
                        "order_value": 34.41,
                        "expected_value": 10227.17,
                        "products": [],
                        "discount": {
                            "known": True,
                            "basis": "campaigns",
                            "rate": 0.16,
                            "shop_rate": 0.26,
                            "customers": 156,
                            "text": "16% of those who were sent a campaign redeemed one, 26% of "
                            "all customers.",
                        },
                        "text": "Win back 314 customers; 95% are expected to buy within 91 days "
                        "anyway, for 34.41 USD an order.",
                    }
                ],
            }
        )
    )
