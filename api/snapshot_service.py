"""``SnapshotService``: answers from one snapshot's arrays in memory, each list with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from api.catalogue import Catalogue
from api.customers import Customers
from api.models.base import Mode, Product
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
    SimilarProduct,
    SimilarProducts,
)
from api.models.queries import QueryAnswer
from api.models.segments import MemberPage, SegmentProfile, Segments
from api.models.shop import BuildInfo, Category, Metric
from api.models.users import UserHit, UserProfile
from api.segment_views import profile_of, segments_of
from graph.query import read_query, rows_of
from graph.store import QueryLimits
from loaders.errors import UnknownSegment
from pipeline.snapshot import Snapshot
from ranking.reasons import Explainer, RulePairs, SegmentLift
from ranking.reasons import Reason as Found
from ranking.recommender import SOURCES
from ranking.scorer import MODES, SavedScorer
from rules.index import Rule

__all__ = ["SnapshotService"]

_POPULAR = "recent popularity"
_RARE = "rarely bought"


class SnapshotService:
    """Implements ``api.service.Service`` over a snapshot; never changes once made.

    Args:
        snapshot: what was published.
        store: file or address of the store that Cypher is asked of.
        shop: what to call the shop.
    """

    def __init__(self, snapshot: Snapshot, store: Path | str, shop: str) -> None:
        self._snapshot, self._store, self._shop = snapshot, store, shop
        self._catalogue = Catalogue(snapshot)
        self._customers = Customers(snapshot, self._catalogue)
        self._explainer = _explainer(snapshot, self._catalogue)
        self._places = {s.id: i for i, s in enumerate(snapshot.segmentation.segments)}
        # The same fallbacks as in other lists, behind what completes baskets best.
        scorers: dict[Mode, SavedScorer] = {"discover": snapshot.completer}
        self._completer = replace(snapshot.recommender, scorers=scorers)
        # Built on first use otherwise, which would be some customer's request.
        self._warm = (
            snapshot.rules.index,
            snapshot.recommender.order,
            self._completer.order,
            self._customers.ids.row(""),
        )

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

    def search_users(self, text: str, limit: int) -> list[UserHit]:
        """Customers whose id holds ``text``."""
        return self._customers.search(text, limit)

    def user(self, user_id: str, history: int) -> UserProfile:
        """A customer in full."""
        return self._customers.profile(user_id, history)

    def recommendations(
        self, user_id: str, *, k: int, mode: Mode, category: str | None, exclude: Sequence[str]
    ) -> Recommendations:
        """A list with reasons; recently popular products for whom nothing is known of."""
        row = self._customers.ids.row(user_id)
        user_row = -1 if row is None else row
        lists = self._snapshot.recommender.recommend(
            np.array([user_row]),
            k,
            mode,
            allowed=self._catalogue.within(category) if category else None,
            exclude=self._catalogue.ids.to_rows(exclude, missing="drop") if exclude else None,
        )
        there = lists.rows[0] >= 0
        rows, sources = lists.rows[0][there], lists.sources[0][there]
        method = self._snapshot.manifest.choice[mode]["served"]
        names = dict(zip(SOURCES, (method, _POPULAR, _RARE), strict=True))
        reasons = self._explainer.explain(user_row, rows)
        items = [
            RecommendedProduct(
                rank=i + 1,
                score=float(lists.scores[0, i]),
                product=self._catalogue.product(int(product)),
                source=names[SOURCES[source]],
                reasons=[self._reason(found) for found in reasons[i]],
            )
            for i, (product, source) in enumerate(zip(rows, sources, strict=True))
        ]
        return Recommendations(
            user_id=user_id,
            user_known=row is not None,
            mode=mode,
            method=method if (sources == 0).any() else _POPULAR,
            fallback=_fallback(row is not None, mode, sources, bool(category or exclude)),
            build=self._snapshot.manifest.build,
            items=items,
        )

    def _reason(self, found: Found) -> Reason:
        evidence: dict[str, Any] = dict(found.numbers)
        if found.product is not None:
            evidence["product_id"] = self._catalogue.ids.id(found.product)
        return Reason(kind=found.kind, text=found.text, evidence=evidence)

    def categories(self) -> list[Category]:
        """All categories."""
        return self._catalogue.categories

    def search_products(self, text: str, limit: int) -> list[Product]:
        """Products whose title or id holds ``text``."""
        return self._catalogue.search(text, limit)

    def product(self, product_id: str) -> ProductProfile:
        """A product in full."""
        return self._catalogue.profile(self._catalogue.row(product_id))

    def similar(self, product_id: str, k: int) -> SimilarProducts:
        """Products like this one."""
        row = self._catalogue.row(product_id)
        near = self._snapshot.neighbours
        pairs = [(r, s) for r, s in zip(near.rows[row], near.scores[row], strict=True) if r >= 0]
        return SimilarProducts(
            product=self._catalogue.product(row),
            items=[
                SimilarProduct(product=self._catalogue.product(int(r)), score=float(s))
                for r, s in pairs[:k]
            ],
        )

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

    def basket(self, product_ids: Sequence[str], k: int) -> BasketSuggestions:
        """Products that go with a basket, best first, each with the rules that speak for it."""
        rows = [self._catalogue.ids.row(p) for p in product_ids]
        unknown = [p for p, row in zip(product_ids, rows, strict=True) if row is None]
        held = np.array(sorted({row for row in rows if row is not None}), np.int64)
        lists = self._completer.recommend_basket(held, k)
        there = lists.rows[0] >= 0
        found = [self._catalogue.ids.id(row) for row in lists.rows[0][there]]
        rules = self._snapshot.rules.because(product_ids, found)
        items = [
            BasketSuggestion(
                product=self._catalogue.product(int(row)),
                score=float(score),
                rules=[self._rule(rule) for rule in because],
            )
            for row, score, because in zip(
                lists.rows[0][there], lists.scores[0][there], rules, strict=True
            )
        ]
        by_rule = sum(1 for because in rules if because)
        return BasketSuggestions(
            items=items, unknown_products=unknown, fallback=_basket_fallback(by_rule, len(items))
        )

    def _rule(self, rule: Rule) -> BasketRule:
        titles = [self._title(p) for p in rule.antecedent]
        text = (
            f"{rule.known('confidence'):.0%} of orders with {' and '.join(titles)} also hold "
            f"{self._title(rule.consequent)}, {rule.known('lift'):.1f} times the usual share."
        )
        return BasketRule(
            antecedent=list(rule.antecedent),
            level="product",
            text=text,
            support=rule.known("support"),
            confidence=rule.known("confidence"),
            lift=rule.known("lift"),
            q_value=rule.measures["q_value"],
            later_confidence=rule.measures["later_confidence"],
        )

    def _title(self, product_id: str) -> str:
        return self._catalogue.titles[self._catalogue.row(product_id)]

    def segments(self) -> Segments:
        """All segments, largest first."""
        return segments_of(self._snapshot)

    def segment(self, segment_id: str) -> SegmentProfile:
        """A segment in full."""
        return profile_of(self._snapshot, self._place(segment_id))

    def segment_users(self, segment_id: str, offset: int, limit: int) -> MemberPage:
        """Members of a segment, firmest first."""
        return self._customers.members(self._place(segment_id), offset, limit)

    def _place(self, segment_id: str) -> int:
        if segment_id not in self._places:
            known = ", ".join(self._places) or "none"
            raise UnknownSegment(f"no segment has the id {segment_id!r}; there are: {known}")
        return self._places[segment_id]

    def query(self, cypher: str, parameters: Mapping[str, Any], limits: QueryLimits) -> QueryAnswer:
        """Run an analyst's query, read-only."""
        table = read_query(self._store, cypher, parameters, limits)
        return QueryAnswer(columns=table.column_names, rows=rows_of(table))


def _explainer(snapshot: Snapshot, catalogue: Catalogue) -> Explainer:
    edges = snapshot.rules.as_edges()
    lifts, segmentation = snapshot.segment_products, snapshot.segmentation
    return Explainer(
        titles=catalogue.titles,
        history=snapshot.recommender.history,
        rules=RulePairs(
            catalogue.ids.to_rows(edges["source"], missing="error"),
            catalogue.ids.to_rows(edges["target"], missing="error"),
            edges["support"].to_numpy(),
            edges["confidence"].to_numpy(),
            edges["lift"].to_numpy(),
        ),
        neighbours=snapshot.neighbours,
        segments=SegmentLift(
            segmentation.member,
            [s.name for s in segmentation.segments],
            lifts["segment"].to_numpy(),
            lifts["product_row"].to_numpy(),
            lifts["lift"].to_numpy(),
        ),
    )


def _fallback(known: bool, mode: Mode, sources: npt.NDArray[np.int8], filtered: bool) -> str | None:
    """Why a list is not personal, in a sentence; ``None`` where it is."""
    if not known and mode == "repeat":
        return "No customer has this id, so there is nothing bought before to list."
    if not len(sources):
        return _nothing(mode, filtered)
    if not known:
        return "No customer has this id; these products are popular lately."
    if not (sources == 0).any():
        return "Too little is known of this customer; these products are popular lately."
    return None


def _nothing(mode: Mode, filtered: bool) -> str:
    """Why a list is empty."""
    if filtered:
        return "Nothing is left to list with these filters."
    if mode == "repeat":
        return "This customer has bought nothing yet, so there is nothing to list again."
    return "This customer has bought every product, so there is nothing new to list."


def _basket_fallback(by_rule: int, listed: int) -> str | None:
    if not listed:
        return "The basket holds every product; nothing is left to list."
    if not by_rule:
        return "No rule matched the basket; these products suit customers who hold it."
    return None


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in values.items() if k != key}
