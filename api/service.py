"""``Service``: everything the HTTP layer asks of a published snapshot, in the shop's own ids.

The routes know this protocol only. One object serves one snapshot; publishing a new snapshot means
that the provider hands out another object from the next request on, so a request sees one snapshot
from beginning to end. Only what is said of products (prices, stock) follows the shop meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from api.insight import Insight
from api.models.base import Mode, Product
from api.models.customers import CustomerStanding
from api.models.graph import GraphSchema
from api.models.lists import (
    BasketSuggestions,
    BoughtTogether,
    ProductProfile,
    Recommendations,
    SessionRecommendations,
    SessionRequest,
    SimilarProducts,
)
from api.models.options import ListOptions, ProductFilters
from api.models.profiles import Actions, CustomerProfile, SegmentClaims
from api.models.segments import MemberPage, SegmentChanges, SegmentProfile, Segments
from api.models.shop import BuildInfo, Category
from api.models.users import UserHit, UserProfile
from graph.answer import Answer
from graph.schema import PropertyType
from graph.store import QueryLimits
from graph.workers import Stop
from ranking.merchandising import MerchandisingRule
from ranking.wording import Language

__all__ = ["ALL", "ANY", "Provider", "Service"]

ALL = ListOptions()
"""Nothing left out, composed by relevance alone."""
ANY = ProductFilters()
"""Nothing left out."""


class Service(Protocol):
    """Answers from one snapshot.

    ``search_users``, ``search_products``, ``segment_users``, ``schema``, ``query`` and those of
    profiles and actions are called from threads and may take their time. All others are called on
    the event loop and hold up every other request meanwhile: they must answer from memory, in about
    a millisecond.
    """

    @property
    def build(self) -> str:
        """Id of the snapshot."""
        ...

    def build_info(self) -> BuildInfo:
        """What was published, when, from how much, and how good it measured."""
        ...

    def search_users(self, text: str, limit: int, offset: int = 0) -> list[UserHit]:
        """Customers whose id holds ``text``, best match first; suggestions for empty text.

        At most ``limit`` of them, those before ``offset`` left out.
        """
        ...

    def user(self, user_id: str, history: int) -> UserProfile:
        """A customer with their ``history`` latest products.

        Raises:
            UnknownUser: no customer has this id.
        """
        ...

    def customer(self, user_id: str) -> CustomerStanding:
        """Where a customer stands: stage, value and churn, with reasons.

        Raises:
            UnknownUser: no customer has this id.
        """
        ...

    def recommendations(
        self,
        user_id: str,
        *,
        k: int,
        mode: Mode,
        options: ListOptions = ALL,
        language: Language = "en",
    ) -> Recommendations:
        """At most ``k`` products for a customer, or the fallback list for an unknown one.

        Args:
            user_id: the customer; unknown ones get the fallback and ``user_known`` is False.
            k: length of the list; shorter where fewer products qualify.
            mode: whether products bought before are allowed, required or barred.
            options: which products qualify, and how the list is composed.
            language: of reasons and of the fallback's sentence.

        Raises:
            UnknownCategory: the shop has no such category.
            UnknownBrand: no product is of this brand.
            OptionError: options contradict each other, or the shop's data cannot tell.
        """
        ...

    def session(
        self,
        request: SessionRequest,
        *,
        k: int,
        options: ListOptions = ALL,
        language: Language = "en",
    ) -> SessionRecommendations:
        """At most ``k`` products for a visitor by what they just did.

        None of which they did it to, unless ``options.bought`` says otherwise. Errors as in
        ``recommendations``.
        """
        ...

    @property
    def methods(self) -> frozenset[str]:
        """Methods that lists can be made by, by name."""
        ...

    def by(self, method: str) -> Service:
        """The same, with lists made by another of its ``methods``.

        Raises:
            KeyError: it has no such method.
        """
        ...

    def ruled(self, rules: Sequence[MerchandisingRule]) -> Service:
        """The same, with lists arranged by these merchandising rules and no others."""
        ...

    def rule_problem(self, rule: MerchandisingRule) -> str | None:
        """Why a merchandising rule does nothing here; ``None`` where it can."""
        ...

    def segment_of(self, user_id: str) -> str | None:
        """Id of a customer's segment; ``None`` for strangers and those of none."""
        ...

    def categories(self) -> list[Category]:
        """All categories, broadest first, by name within a level."""
        ...

    def attribute_types(self, label: str) -> Mapping[str, PropertyType]:
        """Types of the attributes that nodes of ``label``, User or Product, have."""
        ...

    def search_products(self, text: str, limit: int, offset: int = 0) -> list[Product]:
        """Products whose title or id holds ``text``; the most bought ones for empty text.

        At most ``limit`` of them, those before ``offset`` left out.
        """
        ...

    def product(self, product_id: str) -> ProductProfile:
        """A product in full.

        Raises:
            UnknownProduct: no product has this id.
        """
        ...

    def similar(
        self, product_id: str, k: int, filters: ProductFilters = ANY, new: int = 0
    ) -> SimilarProducts:
        """At most ``k`` products like this one, most alike first.

        At most ``new`` of them are products nobody bought yet.

        Raises:
            UnknownProduct: no product has this id.
            UnknownCategory, UnknownBrand, OptionError: as in ``recommendations``.
        """
        ...

    def bought_together(self, product_id: str, k: int) -> BoughtTogether:
        """At most ``k`` products that orders with this one also hold, strongest first.

        Raises:
            UnknownProduct: no product has this id.
        """
        ...

    def basket(
        self, product_ids: Sequence[str], k: int, filters: ProductFilters = ANY
    ) -> BasketSuggestions:
        """At most ``k`` products that go with a basket; ids the shop lacks are named, not refused.

        Each suggestion carries the rules that brought it in.

        Raises:
            UnknownCategory, UnknownBrand, OptionError: as in ``recommendations``.
        """
        ...

    def segments(self) -> Segments:
        """All segments, largest first, each with its strongest traits."""
        ...

    def segment_changes(self) -> SegmentChanges:
        """What became of the segments of the build before."""
        ...

    def segment(self, segment_id: str) -> SegmentProfile:
        """A segment in full.

        Raises:
            UnknownSegment: no segment has this id.
        """
        ...

    def segment_claims(self, segment_id: str, language: Language = "en") -> SegmentClaims:
        """What sets a segment apart, as tested claims.

        Raises:
            UnknownSegment: there is no such segment.
            SnapshotMissing: the snapshot is of a version without profiles; so below.
        """
        ...

    def segment_actions(self, segment_id: str, language: Language = "en") -> Actions:
        """What to do for a segment.

        Raises:
            UnknownSegment: there is no such segment.
        """
        ...

    def stage_actions(self, stage: str, language: Language = "en") -> Actions:
        """What to do for a stage.

        Raises:
            UnknownSegment: there is no such stage.
        """
        ...

    def customer_profile(self, user_id: str, language: Language = "en") -> CustomerProfile:
        """A customer against the shop.

        Raises:
            UnknownUser: no customer has this id.
        """
        ...

    def segment_users(self, segment_id: str, offset: int, limit: int) -> MemberPage:
        """Members ``offset`` to ``offset + limit``, firmest first; the cursor stays empty.

        Raises:
            UnknownSegment: no segment has this id.
        """
        ...

    def insight(self) -> Insight:
        """What people look at; its calls take their time and belong into threads.

        Raises:
            SnapshotMissing: what answers is no snapshot on disk.
        """
        ...

    def schema(self, stop: Stop) -> GraphSchema:
        """What is in the graph, with examples.

        Raises:
            StoreUnavailable: the store cannot be read just now.
        """
        ...

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any],
        limits: QueryLimits,
        stop: Stop | None = None,
    ) -> Answer:
        """Run an analyst's query, read-only, until ``stop`` is called.

        Raises:
            QueryError: the query is refused, wrong, or exceeds a limit.
            StoreUnavailable: the store cannot be read just now.
        """
        ...


Provider = Callable[[], Service]
"""Gives the service of the snapshot published now; called on the event loop at each request, so
it must be cheap: a new snapshot is read elsewhere, and handed out once it is ready.

Raises ``SnapshotMissing`` where nothing is published yet.
"""
