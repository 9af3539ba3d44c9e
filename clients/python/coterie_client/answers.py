"""Answers as they come: dictionaries, with the fields that code is likely to read.

The server may add fields; none is renamed or taken away under ``/v1``.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

__all__ = [
    "Audience",
    "AudienceMembers",
    "Audiences",
    "BasketSuggestions",
    "BoughtTogether",
    "Build",
    "ChangesAnswer",
    "EventsAnswer",
    "ExperimentRef",
    "Members",
    "Product",
    "Products",
    "QueryAnswer",
    "Reason",
    "Recommendations",
    "RecommendedProduct",
    "Segments",
    "SessionRecommendations",
    "SimilarProducts",
    "Users",
]


class Product(TypedDict):
    """A product as lists show it."""

    product_id: str
    title: str
    price: float | None
    category_id: str | None
    category: str | None
    brand: str | None


class Reason(TypedDict):
    """Why a product is listed: a sentence, and the numbers in it."""

    kind: str
    text: str
    evidence: dict[str, Any]


class RecommendedProduct(TypedDict):
    """A place of a list."""

    rank: int
    score: float
    product: Product
    source: str
    reasons: list[Reason]


class ExperimentRef(TypedDict):
    """The experiment that a list is part of."""

    id: str
    variant: str


class Recommendations(TypedDict):
    """A list for a customer."""

    user_id: str
    user_known: bool
    mode: str
    source: str
    method: str
    fallback: str | None
    build: str
    experiment: ExperimentRef | None
    items: list[RecommendedProduct]


class _SegmentRef(TypedDict):
    segment_id: str
    name: str


class SessionRecommendations(TypedDict):
    """A list for a visitor."""

    source: str
    method: str
    segment: _SegmentRef | None
    fallback: str | None
    unknown_products: list[str]
    build: str
    experiment: ExperimentRef | None
    items: list[RecommendedProduct]


class _Similar(TypedDict):
    product: Product
    score: float
    source: str


class SimilarProducts(TypedDict):
    """Products like one product."""

    product: Product
    items: list[_Similar]


class _Companion(TypedDict):
    product: Product
    support: float
    confidence: float
    lift: float
    orders: int | None
    evidence: dict[str, float | None]


class BoughtTogether(TypedDict):
    """Products that orders with one product also hold."""

    product: Product
    items: list[_Companion]


class _Suggestion(TypedDict):
    product: Product
    score: float
    rules: list[dict[str, Any]]


class BasketSuggestions(TypedDict):
    """What completes a basket."""

    items: list[_Suggestion]
    unknown_products: list[str]
    fallback: str | None


class Products(TypedDict):
    """A page of products."""

    products: list[Product]
    next_cursor: str | None


class Users(TypedDict):
    """A page of customers."""

    users: list[dict[str, Any]]
    next_cursor: str | None


class Segments(TypedDict):
    """All segments."""

    segments: list[dict[str, Any]]
    unassigned: int


class Members(TypedDict):
    """A page of a segment's members."""

    total: int
    users: list[dict[str, Any]]
    next_cursor: str | None


class Audiences(TypedDict):
    """Saved audiences."""

    audiences: list[dict[str, Any]]


class Audience(TypedDict):
    """A saved audience."""

    name: str
    version: int
    definition: dict[str, Any]
    versions: list[dict[str, Any]]
    history: list[dict[str, Any]]


class AudienceMembers(TypedDict):
    """A page of an audience's members."""

    total: int
    members: list[dict[str, Any]]
    next_cursor: str | None


class _Accepted(TypedDict):
    index: int
    event_id: str


class _RefusedEvent(TypedDict):
    index: int
    detail: str
    errors: list[dict[str, str]]


class EventsAnswer(TypedDict):
    """Which events of a request were kept."""

    accepted: list[_Accepted]
    refused: list[_RefusedEvent]


class _AcceptedItem(TypedDict):
    index: int
    id: str


class ChangesAnswer(TypedDict):
    """Which customers or products of a request were kept."""

    accepted: list[_AcceptedItem]
    refused: list[_RefusedEvent]


class QueryAnswer(TypedDict):
    """The rows of a query."""

    columns: list[str]
    rows: list[list[Any]]


class Build(TypedDict):
    """What answers."""

    build: str
    created: str
    shop: str
    currency: str
    last_event: str | None
    counts: dict[str, int]
    methods: dict[Literal["all", "repeat", "discover"], str]
