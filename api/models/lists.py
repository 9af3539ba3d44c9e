"""Lists of products: recommended, similar, bought together, suggested for a basket."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from api.models.base import Answer, Mode, Moment, Product, SegmentRef, example

__all__ = [
    "BasketRequest",
    "BasketRule",
    "BasketSuggestion",
    "BasketSuggestions",
    "BoughtTogether",
    "Companion",
    "ExperimentRef",
    "ProductProfile",
    "Products",
    "Reason",
    "Recommendations",
    "RecommendedProduct",
    "SessionEvent",
    "SessionRecommendations",
    "SessionRequest",
    "SimilarProduct",
    "SimilarProducts",
    "Source",
]

Source = Literal["history", "session", "segment", "popularity", "none"]
"""What a list rests on: the customer's own purchases, what a visitor just did, what their segment
bought lately, or what everybody did; none for an empty list."""

_MILK = {"product_id": "1029743", "title": "Milk, 1 gal", "price": 2.89, "category": "Milk"}
_BREAD = {"product_id": "981760", "title": "White bread", "price": 1.29, "category": "Bread"}


class Reason(Answer):
    """Why a product is listed: a sentence, and the facts it rests on."""

    kind: str = Field(description="history, rule, similar, segment, popular or new.")
    text: str = Field(description="A sentence to show, in the language asked for.")
    evidence: dict[str, JsonValue] = Field(
        default_factory=dict, description="The facts behind the sentence, by name."
    )


class MerchandisingMark(Answer):
    """A merchandising rule that had a say in a product's place."""

    rule: str = Field(description="Its id.")
    name: str
    effect: Literal["pin", "boost", "bury", "exclude", "at_most", "at_least"]


class RecommendedProduct(Answer):
    """A product in a list of recommendations."""

    rank: int = Field(description="1 is the best.")
    score: float = Field(description="Comparable within one answer only.")
    product: Product
    source: str = Field(
        description="What brought it in: the method, segment popularity, recent popularity, rarely"
        " bought, new product, or pinned."
    )
    reasons: list[Reason]
    merchandising: list[MerchandisingMark] = Field(
        default=[], description="Rules of the shop that concern it; none for most."
    )


class ExperimentRef(Answer):
    """The experiment that a list is part of; events on the list tell it as it is."""

    id: str
    variant: str = Field(description="What the visitor gets.")


_EXPERIMENT = "The experiment that decided how the list is made; none for most."


class Recommendations(Answer):
    """Products for one customer, best first."""

    user_id: str
    user_known: bool = Field(description="False: the list is the fallback for strangers.")
    mode: Mode
    source: Source = Field(default="history", description="What the list rests on.")
    method: str = Field(description="What made the list.")
    fallback: str | None = Field(
        default=None, description="Why the list is not personal, if it is not."
    )
    build: str = Field(description="Snapshot that answered.")
    experiment: ExperimentRef | None = Field(default=None, description=_EXPERIMENT)
    items: list[RecommendedProduct]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "user_id": "1228",
                "user_known": True,
                "mode": "all",
                "source": "history",
                "method": "blend",
                "fallback": None,
                "build": "20180101T020500-4f1c",
                "items": [
                    {
                        "rank": 1,
                        "score": 0.91,
                        "product": _MILK,
                        "source": "blend",
                        "reasons": [
                            {
                                "kind": "history",
                                "text": "Bought 31 times, last on 30 Dec 2017, usually every"
                                " 12 days",
                                "evidence": {
                                    "times": 31,
                                    "last": "2017-12-30",
                                    "days_ago": 2,
                                    "interval_days": 11.6,
                                },
                            }
                        ],
                    }
                ],
            }
        )
    )


class SessionEvent(Answer):
    """Something a visitor did."""

    product_id: Annotated[str, Field(min_length=1, max_length=1_000)]
    event: Literal["purchase", "view_item", "add_to_cart", "add_to_wishlist", "rate"] = Field(
        default="view_item", description="What, as in the shop's events."
    )
    at: Moment | None = Field(
        default=None, description="When, with its time zone; without it, as late as the latest."
    )


class SessionRequest(Answer):
    """What is known of a visitor: what they did, and perhaps who they are."""

    events: list[SessionEvent] = Field(
        default_factory=list,
        max_length=500,
        description="In any order; beside what the server has of `session_id`.",
    )
    session_id: str | None = Field(
        default=None,
        max_length=200,
        description="Session whose events the shop's pages send to `/v1/events`.",
    )
    attributes: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        max_length=100,
        description="As in the shop's table of users; they place the visitor in a segment.",
    )

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "events": [
                    {
                        "product_id": "1029743",
                        "event": "add_to_cart",
                        "at": "2018-01-02T18:04:00Z",
                    },
                    {"product_id": "981760", "at": "2018-01-02T18:06:30Z"},
                ],
                "attributes": {"age": "35-44"},
            }
        )
    )


class SessionRecommendations(Answer):
    """Products for a visitor, best first."""

    source: Source = Field(description="What the list rests on.")
    method: str = Field(description="What made the list.")
    segment: SegmentRef | None = Field(
        default=None, description="Where the attributes place the visitor."
    )
    fallback: str | None = Field(
        default=None, description="Why the list does not follow the events, if it does not."
    )
    unknown_products: list[str] = Field(description="Ids of the events that the shop has not.")
    build: str = Field(description="Snapshot that answered.")
    experiment: ExperimentRef | None = Field(default=None, description=_EXPERIMENT)
    items: list[RecommendedProduct]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "source": "session",
                "method": "blend",
                "segment": {"segment_id": "segment-3", "name": "Baby food and nappies"},
                "fallback": None,
                "unknown_products": [],
                "build": "20180101T020500-4f1c",
                "items": [
                    {
                        "rank": 1,
                        "score": 0.78,
                        "product": _BREAD,
                        "source": "blend",
                        "reasons": [
                            {
                                "kind": "rule",
                                "text": "21% of orders with Milk, 1 gal also hold this, 2.6 times"
                                " the usual share; 1.2% of all orders hold both",
                                "evidence": {
                                    "support": 0.012,
                                    "confidence": 0.21,
                                    "lift": 2.6,
                                    "product_id": "1029743",
                                },
                            }
                        ],
                    }
                ],
            }
        )
    )


class Products(Answer):
    """Products whose title or id matches, or the most bought ones where nothing was searched."""

    products: list[Product]
    next_cursor: str | None = Field(
        default=None, description="Pass it as cursor; none on the last page."
    )

    model_config = ConfigDict(json_schema_extra=example({"products": [_MILK]}))


class ProductProfile(Answer):
    """A product in full."""

    product: Product
    attributes: dict[str, JsonValue] = Field(description="Whatever else the shop knows of it.")
    customers: int = Field(description="Customers who bought it.")
    purchases: int = Field(description="Purchase lines.")
    spend: float | None = Field(default=None, description="Taken with it, shop's currency.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "product": _MILK,
                "attributes": {"package_size": "1 GA"},
                "customers": 871,
                "purchases": 7102,
                "spend": 19873.1,
            }
        )
    )


class SimilarProduct(Answer):
    """A product like the one asked about."""

    product: Product
    score: float = Field(description="Similarity, 1 for the same.")
    source: Literal["customers", "features"] = Field(
        default="customers",
        description="By who buys both, or by category, brand and title.",
    )


class SimilarProducts(Answer):
    """Products like one product, most alike first."""

    product: Product
    items: list[SimilarProduct]

    model_config = ConfigDict(
        json_schema_extra=example({"product": _MILK, "items": [{"product": _BREAD, "score": 0.83}]})
    )


class Companion(Answer):
    """A product that orders with the one asked about also hold."""

    product: Product
    support: float = Field(description="Share of all orders that hold both.")
    confidence: float = Field(description="Share of orders with the first that hold this one.")
    lift: float = Field(description="How many times more often than by chance.")
    orders: int | None = Field(default=None, description="Orders that hold both.")
    evidence: dict[str, float | None] = Field(
        default_factory=dict, description="Every measure of the rule by name; see docs/rules.md."
    )


class BoughtTogether(Answer):
    """Products bought with one product, strongest first."""

    product: Product
    items: list[Companion]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "product": _MILK,
                "items": [
                    {
                        "product": _BREAD,
                        "support": 0.012,
                        "confidence": 0.21,
                        "lift": 2.6,
                        "orders": 1870,
                    }
                ],
            }
        )
    )


class BasketRequest(Answer):
    """A basket to complete."""

    product_ids: list[Annotated[str, Field(min_length=1, max_length=1_000)]] = Field(
        min_length=1, max_length=500, description="What is in it."
    )
    k: int = Field(default=10, ge=1, le=100, description="How many suggestions.")

    model_config = ConfigDict(
        json_schema_extra=example({"product_ids": ["1029743", "981760"], "k": 5})
    )


class BasketRule(Answer):
    """A rule that brought a suggestion in."""

    antecedent: list[str] = Field(description="What the basket holds of the rule: ids.")
    level: str = Field(description="product, or category where the ids are categories.")
    text: str = Field(description="The rule as a sentence.")
    support: float
    confidence: float
    lift: float
    q_value: float | None = Field(
        default=None, description="Its p-value, adjusted for all rules that were tried."
    )
    later_confidence: float | None = Field(
        default=None, description="Confidence in the last month, which it was not found in."
    )


class BasketSuggestion(Answer):
    """A product to add, with the rules that say so."""

    product: Product
    score: float
    rules: list[BasketRule]


class BasketSuggestions(Answer):
    """What goes with a basket, strongest first."""

    items: list[BasketSuggestion]
    unknown_products: list[str] = Field(description="Ids of the basket that the shop has not.")
    fallback: str | None = Field(default=None, description="Said where no rule matched the basket.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "items": [
                    {
                        "product": _BREAD,
                        "score": 0.55,
                        "rules": [
                            {
                                "antecedent": ["1029743"],
                                "level": "product",
                                "text": "21 % of orders with Milk, 1 gal hold White bread.",
                                "support": 0.012,
                                "confidence": 0.21,
                                "lift": 2.6,
                            }
                        ],
                    }
                ],
                "unknown_products": [],
                "fallback": None,
            }
        )
    )
