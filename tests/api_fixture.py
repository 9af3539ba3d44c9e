"""A service in memory over a few lines of a hand-made shop, small enough to work out by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
from api_shop import CATEGORIES, LINES, MEMBERS, PRICES, PRODUCTS, SEGMENTS, Line
from pydantic import JsonValue

from api.insight import Insight
from api.models.base import Mode, Product, SegmentRef
from api.models.customers import CustomerStanding
from api.models.graph import GraphSchema
from api.models.lists import (
    BasketRule,
    BasketSuggestion,
    BasketSuggestions,
    BoughtTogether,
    Companion,
    ProductProfile,
    Reason,
    Recommendations,
    RecommendedProduct,
    SessionRecommendations,
    SessionRequest,
    SimilarProduct,
    SimilarProducts,
)
from api.models.options import ListOptions, ProductFilters
from api.models.profiles import ActionGroup, Actions, CustomerProfile, SegmentClaims
from api.models.segments import (
    Member,
    MemberPage,
    Segment,
    SegmentChanges,
    SegmentProfile,
    Segments,
    Trait,
)
from api.models.shop import BuildInfo, Category, Metric
from api.models.users import CategoryShare, HistoryLine, UserHit, UserProfile
from api.service import ALL, ANY
from graph.answer import Answer
from graph.schema import PropertyType
from graph.store import QueryLimits
from graph.workers import Stop
from loaders.errors import (
    QueryError,
    SnapshotMissing,
    UnknownCategory,
    UnknownProduct,
    UnknownSegment,
    UnknownUser,
)
from ranking.wording import Language


@dataclass
class TinyService:
    """Implements ``api.service.Service`` by counting ``lines``."""

    build: str = "build-1"
    lines: list[Line] = field(default_factory=lambda: list(LINES))
    titles: dict[str, tuple[str, str, str | None]] = field(default_factory=lambda: dict(PRODUCTS))
    prices: dict[str, float] = field(default_factory=lambda: dict(PRICES))
    shelves: list[tuple[str, str, int, str | None]] = field(
        default_factory=lambda: list(CATEGORIES)
    )
    names: dict[str, str] = field(default_factory=lambda: dict(SEGMENTS))
    member_of: dict[str, str] = field(default_factory=lambda: dict(MEMBERS))
    attributes: dict[str, dict[str, Any]] = field(default_factory=lambda: {"ann": {"age": "30-44"}})
    shop: str = "The corner shop"

    @cached_property
    def by_user(self) -> dict[str, list[Line]]:
        grouped: dict[str, list[Line]] = {}
        for line in self.lines:
            grouped.setdefault(line.user, []).append(line)
        return grouped

    @cached_property
    def orders(self) -> dict[str, set[str]]:
        grouped: dict[str, set[str]] = {}
        for line in self.lines:
            grouped.setdefault(line.order, set()).add(line.product)
        return grouped

    @cached_property
    def holding(self) -> Counter[str]:
        """Orders by product."""
        return Counter(p for order in self.orders.values() for p in order)

    @cached_property
    def now(self) -> datetime:
        return max(line.at for line in self.lines)

    @cached_property
    def names_of_categories(self) -> dict[str, str]:
        return {id_: name for id_, name, _, _ in self.shelves}

    def item(self, product_id: str) -> Product:
        title, category, brand = self.titles[product_id]
        return Product(
            product_id=product_id,
            title=title,
            price=self.prices.get(product_id),
            category_id=category,
            category=self.names_of_categories.get(category),
            brand=brand,
        )

    def build_info(self) -> BuildInfo:
        return BuildInfo(
            build=self.build,
            created=datetime(2024, 4, 1, tzinfo=UTC),
            shop=self.shop,
            currency="EUR",
            last_event=self.now,
            counts={
                "users": len(self.by_user),
                "products": len(self.titles),
                "purchases": len(self.lines),
                "orders": len(self.orders),
                "segments": len(self.names),
            },
            methods={"all": "frequency", "repeat": "frequency", "discover": "popularity"},
            metrics=[
                Metric(mode="all", method="frequency", name="recall", k=20, value=0.332, users=3),
                Metric(mode="all", method="frequency", name="ndcg", k=20, value=0.37, users=3),
                Metric(mode="discover", method="popularity", name="recall", k=20, value=0.042),
            ],
        )

    def _hit(self, user_id: str) -> UserHit:
        lines = self.by_user[user_id]
        return UserHit(
            user_id=user_id,
            orders=len({line.order for line in lines}),
            spend=round(sum(line.value for line in lines), 2),
            last_purchase=max(line.at for line in lines),
            segment=self._segment_of(user_id),
        )

    def _segment_of(self, user_id: str) -> SegmentRef | None:
        id_ = self.member_of.get(user_id)
        return SegmentRef(segment_id=id_, name=self.names[id_]) if id_ else None

    def search_users(self, text: str, limit: int, offset: int = 0) -> list[UserHit]:
        found = [u for u in self.by_user if text.casefold() in u.casefold()]
        found.sort(key=lambda u: (-len(self.by_user[u]), u) if not text else (len(u), u))
        return [self._hit(u) for u in found[offset : offset + limit]]

    def user(self, user_id: str, history: int) -> UserProfile:
        if user_id not in self.by_user:
            raise UnknownUser(f"no customer has the id {user_id!r}")
        lines, hit = self.by_user[user_id], self._hit(user_id)
        bought = self._history(lines)
        return UserProfile(
            user_id=user_id,
            anonymous=user_id.startswith("anonymous/"),
            attributes=self.attributes.get(user_id, {}),
            segment=hit.segment,
            orders=hit.orders,
            products=len(bought),
            purchases=len(lines),
            spend=hit.spend,
            first_purchase=min(line.at for line in lines),
            last_purchase=hit.last_purchase,
            top_categories=self._top(lines),
            history=bought[:history],
        )

    def customer(self, user_id: str) -> CustomerStanding:
        if user_id not in self.by_user:
            raise UnknownUser(f"no customer has the id {user_id!r}")
        lines, hit = self.by_user[user_id], self._hit(user_id)
        return CustomerStanding(
            user_id=user_id,
            segment=hit.segment,
            orders=hit.orders,
            spend=hit.spend,
            first_at=min(line.at for line in lines),
            last_at=hit.last_purchase,
        )

    def _history(self, lines: list[Line]) -> list[HistoryLine]:
        grouped: dict[str, list[Line]] = {}
        for line in lines:
            grouped.setdefault(line.product, []).append(line)
        found = [
            HistoryLine(
                product=self.item(p),
                times=len({line.order for line in group}),
                last=max(line.at for line in group),
                spend=round(sum(line.value for line in group), 2),
            )
            for p, group in grouped.items()
        ]
        return sorted(found, key=lambda h: (-h.last.timestamp(), -h.times, h.product.product_id))

    def _top(self, lines: list[Line]) -> list[CategoryShare]:
        counts = Counter(self.titles[line.product][1] for line in lines)
        return [
            CategoryShare(
                category_id=id_,
                name=self.names_of_categories.get(id_, id_),
                purchases=n,
                share=round(n / len(lines), 4),
                spend=round(sum(x.value for x in lines if self.titles[x.product][1] == id_), 2),
            )
            for id_, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:6]
        ]

    def recommendations(
        self,
        user_id: str,
        *,
        k: int,
        mode: Mode,
        options: ListOptions = ALL,
        language: Language = "en",
    ) -> Recommendations:
        known = user_id in self.by_user
        own = {h.product.product_id: h for h in self._history(self.by_user.get(user_id, []))}
        barred = {
            "all": set(),
            "repeat": set(self.titles) - set(own),
            "discover": set(own),
        }[mode if known else "all"]
        allowed = [p for p in self._allowed(options) if p not in barred]
        times = {p: own[p].times if p in own else 0 for p in allowed}
        ranked = sorted(allowed, key=lambda p: (-times[p], -self.holding[p], p))[:k]
        return Recommendations(
            user_id=user_id,
            user_known=known,
            mode=mode,
            method="frequency" if known else "popularity",
            fallback=None
            if known
            else "Nobody has this id yet, so this is what most customers buy.",
            build=self.build,
            items=[self._recommended(p, i, own.get(p), language) for i, p in enumerate(ranked, 1)],
        )

    def _allowed(self, filters: ProductFilters) -> list[str]:
        for category in filters.category:
            if category not in self.names_of_categories:
                raise UnknownCategory(f"no category has the id {category!r}")
        low, high = filters.min_price or 0, filters.max_price or 1e9
        wanted = filters.category
        return [
            p
            for p, (_, shelf, _) in self.titles.items()
            if p not in filters.exclude
            and low <= self.prices[p] <= high
            and (not wanted or any(f"{shelf}/".startswith(f"{c}/") for c in wanted))
        ]

    def session(
        self,
        request: SessionRequest,
        *,
        k: int,
        options: ListOptions = ALL,
        language: Language = "en",
    ) -> SessionRecommendations:
        seen = [e.product_id for e in request.events]
        listed = [p for p in self._allowed(options) if p not in seen][:k]
        return SessionRecommendations(
            source="session" if seen else "popularity",
            method="popularity",
            unknown_products=[p for p in seen if p not in self.titles],
            build=self.build,
            items=[self._recommended(p, i, None, language) for i, p in enumerate(listed, 1)],
        )

    def _recommended(
        self, product: str, rank: int, own: HistoryLine | None, language: Language
    ) -> RecommendedProduct:
        text = {"en": "In {orders} orders.", "zh": "出现在{orders}个订单中"}
        kind = "popular"
        evidence: dict[str, JsonValue] = {"orders": self.holding[product]}
        if own:
            kind = "bought-before"
            text = {
                "en": "Bought {times} times, last {days_ago} days ago.",
                "zh": "买过{times}次，最近一次在{days_ago}天前",
            }
            evidence = {"times": own.times, "days_ago": (self.now - own.last).days}
        return RecommendedProduct(
            rank=rank,
            score=round(1 / rank, 4),
            product=self.item(product),
            source="frequency" if own else "popularity",
            reasons=[Reason(kind=kind, text=text[language].format(**evidence), evidence=evidence)],
        )

    def attribute_types(self, label: str) -> Mapping[str, PropertyType]:
        return {"age": "string", "visits": "int"} if label == "User" else {"stock": "float"}

    def categories(self) -> list[Category]:
        return [
            Category(
                category_id=id_,
                name=name,
                level=level,
                parent_id=parent,
                products=sum(f"{t[1]}/".startswith(f"{id_}/") for t in self.titles.values()),
            )
            for id_, name, level, parent in self.shelves
        ]

    @property
    def methods(self) -> frozenset[str]:
        return frozenset({"counts"})

    def by(self, method: str) -> TinyService:
        return self

    def ruled(self, rules: Sequence[Any]) -> TinyService:
        return self

    def rule_problem(self, rule: Any) -> str | None:
        return None

    def segment_of(self, user_id: str) -> str | None:
        return self.member_of.get(user_id)

    def search_products(self, text: str, limit: int, offset: int = 0) -> list[Product]:
        wanted = text.casefold()
        found = [p for p, t in self.titles.items() if wanted in f"{p} {t[0]}".casefold()]
        found.sort(key=lambda p: (-self.holding[p], p))
        return [self.item(p) for p in found[offset : offset + limit]]

    def product(self, product_id: str) -> ProductProfile:
        product = self._known(product_id)
        lines = [line for line in self.lines if line.product == product_id]
        return ProductProfile(
            product=product,
            attributes={},
            customers=len({line.user for line in lines}),
            purchases=len(lines),
            spend=round(sum(line.value for line in lines), 2),
        )

    def _known(self, product_id: str) -> Product:
        if product_id not in self.titles:
            raise UnknownProduct(f"no product has the id {product_id!r}")
        return self.item(product_id)

    def similar(
        self, product_id: str, k: int, filters: ProductFilters = ANY, new: int = 0
    ) -> SimilarProducts:
        product, allowed = self._known(product_id), self._allowed(filters)
        alike = [c for c in self._companions(product_id) if c.product.product_id in allowed][:k]
        items = [SimilarProduct(product=c.product, score=c.confidence) for c in alike]
        return SimilarProducts(product=product, items=items)

    def _companions(self, product_id: str) -> list[Companion]:
        both = Counter(p for order in self.orders.values() if product_id in order for p in order)
        found = [
            Companion(
                product=self.item(p),
                support=round(n / len(self.orders), 4),
                confidence=round(n / self.holding[product_id], 4),
                lift=round(n * len(self.orders) / self.holding[product_id] / self.holding[p], 4),
                orders=n,
            )
            for p, n in both.items()
            if p != product_id
        ]
        return sorted(found, key=lambda c: (-c.confidence, -c.lift, c.product.product_id))

    def bought_together(self, product_id: str, k: int) -> BoughtTogether:
        items = self._companions(product_id)[:k]
        return BoughtTogether(product=self._known(product_id), items=items)

    def basket(
        self, product_ids: Sequence[str], k: int, filters: ProductFilters = ANY
    ) -> BasketSuggestions:
        known = [p for p in dict.fromkeys(product_ids) if p in self.titles]
        rules: dict[str, list[BasketRule]] = {}
        allowed = self._allowed(filters)
        for p in known:
            for c in self._companions(p):
                if c.product.product_id not in known and c.product.product_id in allowed:
                    rules.setdefault(c.product.product_id, []).append(self._rule(p, c))
        ranked = sorted(rules, key=lambda p: (-max(r.confidence for r in rules[p]), p))
        return BasketSuggestions(
            items=[
                BasketSuggestion(
                    product=self.item(p),
                    score=max(r.confidence for r in rules[p]),
                    rules=rules[p],
                )
                for p in ranked[:k]
            ],
            unknown_products=[p for p in product_ids if p not in self.titles],
            fallback=None if rules else "No rule matches this basket.",
        )

    def _rule(self, product_id: str, companion: Companion) -> BasketRule:
        share = f"{companion.confidence:.0%}"
        return BasketRule(
            antecedent=[product_id],
            level="product",
            text=f"{share} of orders with {self.titles[product_id][0]} hold it.",
            support=companion.support,
            confidence=companion.confidence,
            lift=companion.lift,
        )

    @cached_property
    def _buyers(self) -> dict[str, set[str]]:
        """Registered customers by category bought."""
        found: dict[str, set[str]] = {}
        for line in self.lines:
            if line.user in self.member_of:
                found.setdefault(self.titles[line.product][1], set()).add(line.user)
        return found

    def _segment(self, id_: str) -> Segment:
        members = {u for u, s in self.member_of.items() if s == id_}
        spend = sum(line.value for line in self.lines if line.user in members)
        everyone = sum(line.value for line in self.lines)
        traits = [
            Trait(
                kind="category",
                id=c,
                label=self.names_of_categories.get(c, c),
                share=round(len(buyers & members) / len(members), 4),
                share_overall=round(len(buyers) / len(self.member_of), 4),
                lift=round(
                    len(buyers & members) * len(self.member_of) / len(members) / len(buyers), 4
                ),
            )
            for c, buyers in self._buyers.items()
            if len(buyers & members) / len(members) > len(buyers) / len(self.member_of)
        ]
        return Segment(
            segment_id=id_,
            name=self.names[id_],
            level=0,
            size=len(members),
            share_of_customers=round(len(members) / len(self.by_user), 4),
            spend=round(spend, 2),
            share_of_spend=round(spend / everyone, 4),
            traits=sorted(traits, key=lambda t: (-t.lift, t.id)),
        )

    def segments(self) -> Segments:
        found = sorted((self._segment(id_) for id_ in self.names), key=lambda s: -s.size)
        outside = len(self.by_user) - len(self.member_of)
        return Segments(segments=found, unassigned=outside, modularity=0.4)

    def segment_changes(self) -> SegmentChanges:
        return SegmentChanges(build=self.build, levels=[])

    def segment(self, segment_id: str) -> SegmentProfile:
        if segment_id not in self.names:
            raise UnknownSegment(f"no segment has the id {segment_id!r}")
        base = self._segment(segment_id)
        members = [self._hit(u) for u, s in self.member_of.items() if s == segment_id]
        return SegmentProfile(
            **base.model_dump(),
            orders_per_customer=round(sum(m.orders for m in members) / len(members), 4),
            spend_per_customer=round(sum(m.spend or 0 for m in members) / len(members), 2),
            days_since_purchase=2.0,
            connected=True,
        )

    def segment_claims(self, segment_id: str, language: Language = "en") -> SegmentClaims:
        base = self.segment(segment_id)
        return SegmentClaims(
            segment_id=segment_id,
            name=base.name,
            size=base.size,
            tested=0,
            false_discovery=0.05,
            basics=[],
            behaviour=[],
            preference=[],
            risk=[],
        )

    def segment_actions(self, segment_id: str, language: Language = "en") -> Actions:
        return self._actions("segment", segment_id, self.segment(segment_id).name)

    def stage_actions(self, stage: str, language: Language = "en") -> Actions:
        if stage != "new":
            raise UnknownSegment(f"no stage is called {stage!r}")
        return self._actions("stage", stage, stage)

    def _actions(self, kind: Any, id_: str, name: str) -> Actions:
        group = ActionGroup(kind=kind, id=id_, name=name)
        return Actions(group=group, horizon_days=30, estimate="An estimate.", actions=[])

    def customer_profile(self, user_id: str, language: Language = "en") -> CustomerProfile:
        return CustomerProfile(
            user_id=user_id,
            segment=self.customer(user_id).segment,
            basics=[],
            behaviour=[],
            preference=[],
            risk=[],
        )

    def segment_users(self, segment_id: str, offset: int, limit: int) -> MemberPage:
        if segment_id not in self.names:
            raise UnknownSegment(f"no segment has the id {segment_id!r}")
        hits = [self._hit(u) for u, s in self.member_of.items() if s == segment_id]
        members = [
            Member(
                user_id=h.user_id,
                strength=round(1 - i / (2 * len(hits)), 4),
                orders=h.orders,
                spend=h.spend,
                last_purchase=h.last_purchase,
            )
            for i, h in enumerate(hits)
        ]
        return MemberPage(total=len(members), users=members[offset : offset + limit])

    def insight(self) -> Insight:
        raise SnapshotMissing("this shop was made by hand")

    def schema(self, stop: Stop) -> GraphSchema:
        return GraphSchema.model_validate(GraphSchema.model_json_schema()["examples"][0])

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any],
        limits: QueryLimits,
        stop: Stop | None = None,
    ) -> Answer:
        if "MATCH" not in cypher or "DELETE" in cypher:
            raise QueryError("only reading queries are allowed; remove the clause DELETE")
        sizes = [list(self.member_of.values()).count(id_) for id_ in self.names]
        found = pa.table({"segment": list(self.names.values()), "customers": sizes})
        return Answer.of(found.slice(0, limits.rows))
