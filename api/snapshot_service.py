"""``SnapshotService``: answers from one snapshot's arrays in memory, each list with its reasons."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from api.baskets import Baskets
from api.catalogue import Catalogue
from api.customer_profile import CustomerProfiles
from api.customers import Customers
from api.filters import Filters
from api.insight import Insight
from api.merchandising import Rulebook, Rules, no_rules
from api.models.base import Mode, Product
from api.models.customers import CustomerStanding
from api.models.graph import GraphSchema
from api.models.lists import (
    BasketSuggestions,
    BoughtTogether,
    Companion,
    ProductProfile,
    Recommendations,
    SessionRecommendations,
    SessionRequest,
    SimilarProducts,
)
from api.models.options import ListOptions, ProductFilters
from api.models.profiles import Actions, CustomerProfile, SegmentClaims
from api.models.segments import MemberPage, SegmentChanges, SegmentProfile, Segments
from api.models.shop import BuildInfo, Category, Metric
from api.models.users import UserHit, UserProfile
from api.observe.shown import Marks
from api.people import Told
from api.recommending import Recommending
from api.segment_views import changes_of, profile_of, segments_of
from api.service import ALL, ANY
from api.similar import Similar
from api.since import Since
from api.standing import standing_of
from events.recent import RecentEvents
from events.recent_changes import RecentChanges
from graph.answer import Answer
from graph.frames import kind_of_column
from graph.query import open_answer
from graph.schema import PropertyType
from graph.store import QueryLimits
from graph.workers import Stop, Workers
from loaders.errors import UnknownSegment
from loaders.mapping_schema import TAKEN_NAMES
from pipeline.forgotten import Forgotten
from pipeline.snapshot import Snapshot
from ranking.alternatives import methods_of
from ranking.merchandising import MerchandisingRule
from ranking.scorer import MODES
from ranking.wording import Language
from rules.index import Rule
from segments.model import Segment

__all__ = ["SnapshotService"]


class SnapshotService:
    """Implements ``api.service.Service`` over a snapshot, with products as they are now.

    Args:
        snapshot: what was published.
        store: file or address of the store that Cypher is asked of, or what asks it.
        shop: what to call the shop.
        recent: what customers did since the snapshot learned; nothing where there is none.
        marks: notes which products are listed.
        forgotten: customers erased since the snapshot learned; nobody where there is none.
        rules: gives the shop's merchandising rules as they are now.
        changes: what was said of products since the snapshot learned; nothing where there is none.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        store: Workers | Path | str,
        shop: str,
        recent: RecentEvents | None = None,
        marks: Marks | None = None,
        forgotten: Forgotten | None = None,
        rules: Callable[[], Rules] = no_rules,
        changes: RecentChanges | None = None,
    ) -> None:
        self._snapshot, self._shop = snapshot, shop
        self.build = snapshot.manifest.build
        self._marks = marks or Marks(np.zeros(len(snapshot.products), np.uint32))
        self._workers = store if isinstance(store, Workers) else Workers(store)
        self._catalogue = Catalogue(snapshot, changes)
        self._customers = Customers(snapshot, self._catalogue, forgotten)
        self._filters = Filters(snapshot, self._catalogue)
        since = Since(snapshot, self._catalogue, recent)
        self.rulebook = Rulebook(self._catalogue, self._filters, rules)
        self._lists = Recommending(
            snapshot,
            self._catalogue,
            self._customers,
            self._filters,
            since,
            self._marks,
            self.rulebook,
        )
        self._by: dict[str, SnapshotService] = {}
        self._similar = Similar(snapshot, self._catalogue)
        self._told = Told(snapshot, self._catalogue)
        self._profiles = CustomerProfiles(snapshot, self._catalogue, self._customers)
        self._insight = Insight(snapshot, self._customers)
        found = snapshot.segmentation
        self._places = {s.id: i for i, s in enumerate((*found.segments, *found.parts))}
        self._baskets = Baskets(
            snapshot, self._catalogue, self._filters, self.rulebook, self._marks
        )
        # Built on first use otherwise, which would be some customer's request.
        self._warm = (
            snapshot.rules.index,
            snapshot.recommender.order,
            self._customers.ids.row(""),
            self._catalogue.ids.row(""),
        )
        snapshot.likeness.warm()
        self.follow()

    def follow(self) -> None:
        """Take up what was said of products since the last look; a microsecond where nothing was.

        All that is made of this service, by other methods or rules, follows with it.
        """
        self._catalogue.follow()

    def build_info(self) -> BuildInfo:
        """What was published, when, from how much, and how good it measured."""
        manifest = self._snapshot.manifest
        return BuildInfo(
            build=manifest.build,
            created=manifest.created,
            shop=self._shop,
            currency=manifest.currency,
            last_event=manifest.last_event,
            counts=manifest.counts,
            methods={mode: manifest.choice[mode]["served"] for mode in MODES},
            metrics=[Metric(name=m["metric"], **_without(m, "metric")) for m in manifest.metrics],
        )

    def search_users(self, text: str, limit: int, offset: int = 0) -> list[UserHit]:
        """Customers whose id holds ``text``."""
        return self._customers.search(text, limit, offset)

    def user(self, user_id: str, history: int) -> UserProfile:
        """A customer in full."""
        return self._customers.profile(user_id, history)

    def customer(self, user_id: str) -> CustomerStanding:
        """Where a customer stands."""
        return standing_of(self._snapshot, self._customers, user_id)

    def recommendations(
        self,
        user_id: str,
        *,
        k: int,
        mode: Mode,
        options: ListOptions = ALL,
        language: Language = "en",
    ) -> Recommendations:
        """A list with reasons; popular products for whom nothing is known of."""
        return self._lists.customer(user_id, k=k, mode=mode, options=options, language=language)

    def session(
        self,
        request: SessionRequest,
        *,
        k: int,
        options: ListOptions = ALL,
        language: Language = "en",
    ) -> SessionRecommendations:
        """A list for a visitor by what they just did."""
        return self._lists.session(request, k=k, options=options, language=language)

    @cached_property
    def methods(self) -> frozenset[str]:
        """Methods that lists can be made by, by name."""
        return frozenset(methods_of(self._snapshot.recommender))

    def by(self, method: str) -> SnapshotService:
        """This service with another method for lists; made once, and then kept."""
        if method not in self._by:
            other = copy.copy(self)
            other._lists = self._lists.by(method)
            self._by[method] = other
        return self._by[method]

    def ruled(self, rules: Rules) -> SnapshotService:
        """This service with other merchandising rules for lists, as if they held already."""
        other = copy.copy(self)
        other._lists = self._lists.ruled(rules)
        return other

    def rule_problem(self, rule: MerchandisingRule) -> str | None:
        """Why a merchandising rule does nothing here."""
        strange = [s for s in rule.segments if s not in self._places]
        if strange and len(strange) == len(rule.segments):
            known = ", ".join(self._places) or "none"
            return f"no segment has the id {strange[0]!r}; there are: {known}"
        return self.rulebook.problem(rule)

    def segment_of(self, user_id: str) -> str | None:
        """Id of a customer's segment."""
        row = self._customers.known(user_id)
        found = None if row is None else self._customers.segment(row)
        return found.segment_id if found else None

    def categories(self) -> list[Category]:
        """All categories."""
        return self._catalogue.categories

    def attribute_types(self, label: str) -> Mapping[str, PropertyType]:
        """See ``Service``."""
        table = self._snapshot.users if label == "User" else self._snapshot.products
        return {
            name: kind_of_column(dtype)
            for name, dtype in table.schema.items()
            if name not in TAKEN_NAMES
        }

    def search_products(self, text: str, limit: int, offset: int = 0) -> list[Product]:
        """Products whose title or id holds ``text``."""
        return self._catalogue.search(text, limit, offset)

    def product(self, product_id: str) -> ProductProfile:
        """A product in full."""
        return self._catalogue.profile(self._catalogue.row(product_id))

    def similar(
        self, product_id: str, k: int, filters: ProductFilters = ANY, new: int = 0
    ) -> SimilarProducts:
        """Products like this one."""
        row = self._catalogue.row(product_id)
        allowed = self.rulebook.barred("similar", self._filters.allowed(filters))
        items = self._similar.items(row, k, allowed, new)
        return SimilarProducts(product=self._catalogue.product(row), items=items)

    def bought_together(self, product_id: str, k: int) -> BoughtTogether:
        """Products that orders with this one also hold."""
        row = self._catalogue.row(product_id)
        found = self._snapshot.rules.bought_together(product_id, k)
        return BoughtTogether(
            product=self._catalogue.product(row),
            items=[self._companion(s.product_id, s.rules[0]) for s in found],
        )

    def _companion(self, product_id: str, rule: Rule) -> Companion:
        return Companion(
            product=self._catalogue.product(self._catalogue.row(product_id)),
            support=rule.known("support"),
            confidence=rule.known("confidence"),
            lift=rule.known("lift"),
            orders=int(rule.known("count")),
            evidence=dict(rule.measures),
        )

    def basket(
        self, product_ids: Sequence[str], k: int, filters: ProductFilters = ANY
    ) -> BasketSuggestions:
        """Products that go with a basket, best first, each with the rules that speak for it."""
        return self._baskets.completed(product_ids, k, filters)

    def segments(self) -> Segments:
        """All segments, largest first."""
        return segments_of(self._snapshot)

    def segment_changes(self) -> SegmentChanges:
        """What became of the segments of the build before."""
        found = self._snapshot.segmentation
        return changes_of(self._snapshot.manifest.build, found.previous, found.changes)

    def segment(self, segment_id: str) -> SegmentProfile:
        """A segment in full."""
        return profile_of(self._snapshot, self._place(segment_id))

    def segment_claims(self, segment_id: str, language: Language = "en") -> SegmentClaims:
        """What sets a segment apart."""
        return self._told.claims(self._group(segment_id), language)

    def segment_actions(self, segment_id: str, language: Language = "en") -> Actions:
        """What to do for a segment."""
        return self._told.segment_actions(self._group(segment_id), language)

    def stage_actions(self, stage: str, language: Language = "en") -> Actions:
        """What to do for a stage."""
        return self._told.stage_actions(stage, language)

    def customer_profile(self, user_id: str, language: Language = "en") -> CustomerProfile:
        """A customer against the shop."""
        return self._profiles.profile(user_id, language)

    def _group(self, segment_id: str) -> Segment:
        found = self._snapshot.segmentation
        return (*found.segments, *found.parts)[self._place(segment_id)]

    def segment_users(self, segment_id: str, offset: int, limit: int) -> MemberPage:
        """Members of a segment, firmest first."""
        return self._customers.members(self._place(segment_id), offset, limit)

    def _place(self, segment_id: str) -> int:
        if segment_id not in self._places:
            known = ", ".join(self._places) or "none"
            raise UnknownSegment(f"no segment has the id {segment_id!r}; there are: {known}")
        return self._places[segment_id]

    def insight(self) -> Insight:
        """What people look at."""
        return self._insight

    def schema(self, stop: Stop) -> GraphSchema:
        """What is in the graph, with examples."""
        return GraphSchema.model_validate(asdict(self._workers.describe(stop)))

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any],
        limits: QueryLimits,
        stop: Stop | None = None,
    ) -> Answer:
        """Run an analyst's query, read-only."""
        return open_answer(self._workers, cypher, parameters, limits, stop)


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in values.items() if k != key}
