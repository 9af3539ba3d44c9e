"""``Recommending``: lists for customers and visitors, with what they rest on and why.

A customer who bought something is listed by the mode's scorer; a visitor by what they just did,
folded in; whoever did neither by what their segment bought lately, if it is known, and else by what
everybody did.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from api.catalogue import Catalogue
from api.customers import Customers
from api.filters import Filters
from api.merchandising import Arranged, Rulebook, Rules
from api.models.base import Mode, SegmentRef, trusted
from api.models.lists import (
    Reason,
    Recommendations,
    RecommendedProduct,
    SessionRecommendations,
    SessionRequest,
    Source,
)
from api.models.options import ListOptions
from api.notes import Note, note
from api.observe.shown import Marks
from api.observe.stages import stage
from api.since import Since
from pipeline.snapshot import Snapshot
from ranking.alternatives import by_method
from ranking.felt import Felt
from ranking.popularity import recent_buyers
from ranking.reasons import Explainer, Recent, RulePairs, SegmentLift
from ranking.reasons import Reason as Found
from ranking.recommender import SOURCES, Lists
from ranking.scorer import MODES, Bought, SavedScorer
from ranking.wording import Language
from segments.visitor import SegmentVote

__all__ = ["Recommending"]

POPULAR = "recent popularity"
SEGMENT = "segment popularity"
_OTHERS = (POPULAR, "rarely bought", "new product", "pinned")


class Recommending:
    """Lists over one snapshot."""

    def __init__(
        self,
        snapshot: Snapshot,
        catalogue: Catalogue,
        customers: Customers,
        filters: Filters,
        since: Since,
        marks: Marks,
        rulebook: Rulebook,
    ) -> None:
        self._snapshot, self._catalogue, self._marks = snapshot, catalogue, marks
        self._rulebook = rulebook
        self._customers, self._filters, self._since = customers, filters, since
        self._recommender = snapshot.recommender
        # The same fallbacks as in other lists, behind what suits visitors best.
        scorers: dict[Mode, SavedScorer] = {"discover": snapshot.visitors}
        self._visitors = replace(snapshot.recommender, scorers=scorers)
        self._warm = self._visitors.order
        choice = snapshot.manifest.choice
        self._served: dict[Mode, str] = {mode: str(choice[mode]["served"]) for mode in MODES}
        self._visited = snapshot.visitors.name
        self._history = snapshot.recommender.history
        found = snapshot.segmentation
        days = float(snapshot.manifest.config["ranking"]["recent_days"])
        everyone = np.zeros(self._history.shape[0], np.int64)
        self._by_segment = recent_buyers(
            self._history, found.member, len(found.segments), days
        ).toarray()
        recent = Recent.of(recent_buyers(self._history, everyone, 1, days), days)
        self._explainer = _explainer(snapshot, catalogue, recent)
        placed = np.where(found.placed == 1, found.member, -1)
        self._vote = SegmentVote(snapshot.users, placed, len(found.segments))

    def by(self, method: str) -> Recommending:
        """The same with another method that the snapshot carries, in each mode and for visitors.

        Raises:
            KeyError: it carries none of this name.
        """
        other = copy.copy(self)
        other._recommender = by_method(self._recommender, method)
        other._visitors = by_method(self._recommender, method)
        other._served, other._visited = dict.fromkeys(MODES, method), method
        return other

    def ruled(self, rules: Rules) -> Recommending:
        """The same with other merchandising rules; what it lists is not counted as shown."""
        other = copy.copy(self)
        other._rulebook = self._rulebook.by(rules)
        other._marks = Marks(np.zeros(self._history.shape[1], np.uint32))
        return other

    def customer(
        self, user_id: str, *, k: int, mode: Mode, options: ListOptions, language: Language
    ) -> Recommendations:
        """A list for a customer; errors as in ``api.service.Service.recommendations``."""
        row = self._customers.known(user_id)
        user_row = -1 if row is None else row
        segment = self._customers.place(user_row)
        since = None if self._customers.erased(user_id) else self._since.customer(user_id)
        arranged = self._rulebook.arranged("customer", mode, self._id(segment))
        with stage("coterie.rank"):
            lists, source = self._listed(user_row, segment, k, mode, options, since, arranged)
        known = row is not None
        why = _why(known, mode, source, filtered=options != ListOptions())
        served = self._visited if source == "session" else self._served[mode]
        method = self._method(served, source)
        with stage("coterie.explain"):
            reasons = self._explainer.explain(
                user_row,
                lists.rows[0],
                basket=since.rows if since else (),
                segment=segment,
                language=language,
            )
        return Recommendations(
            user_id=user_id,
            user_known=known,
            mode=mode,
            source=source,
            method=method,
            fallback=note(why, language, self._name(segment)) if why else None,
            build=self._snapshot.manifest.build,
            items=self._items(lists, reasons, method, arranged),
        )

    def _listed(
        self,
        user_row: int,
        segment: int,
        k: int,
        mode: Mode,
        options: ListOptions,
        since: Felt | None,
        arranged: Arranged | None,
    ) -> tuple[Lists, Source]:
        asked = self._filters.asked(options)
        wanted = arranged.arrangement if arranged else None
        bought = self._filters.bought(options, mode)
        if self._history.known(np.array([user_row]))[0]:
            lists = self._recommender.recommend(
                np.array([user_row]),
                k,
                mode,
                bought=bought,
                new=options.new,
                since=since,
                arrangement=wanted,
                **asked,
            )
            return lists, _source(lists, "history")
        if since is not None and bought != "only":
            lists = self._visitors.recommend_basket(
                since.rows,
                k,
                since.weights,
                exclude=since.bought,
                new=options.new,
                arrangement=wanted,
                **asked,
            )
            if (source := _source(lists, "session")) == "session":
                return lists, source
        scores = self._segment_scores(segment)
        lists = self._recommender.recommend_scored(scores, k, bought, arrangement=wanted, **asked)
        return lists, _source(lists, "segment")

    def session(
        self, request: SessionRequest, *, k: int, options: ListOptions, language: Language
    ) -> SessionRecommendations:
        """A list for a visitor; errors as in ``api.service.Service.session``."""
        profile = self._since.session(request.session_id, request.events)
        rows, weights = profile.rows, profile.weights
        place = self._vote.place(request.attributes)
        segment = -1 if place is None else place
        bought: Bought = options.bought or "exclude"
        asked = self._filters.asked(options)
        arranged = self._rulebook.arranged("session", segment=self._id(segment))
        wanted = arranged.arrangement if arranged else None
        strong, barred = weights > 0, rows if bought == "exclude" else rows[:0]
        with stage("coterie.rank"):
            lists = self._visitors.recommend_basket(
                rows[strong],
                k,
                weights[strong],
                exclude=np.intersect1d(barred, rows[~strong]),
                bought=bought,
                new=options.new,
                arrangement=wanted,
                **asked,
            )
            source = _source(lists, "session")
            if source == "popularity" and bought != "only":
                scores = self._segment_scores(segment)
                lists = self._recommender.recommend_scored(
                    scores, k, exclude=barred, arrangement=wanted, **asked
                )
                source = _source(lists, "segment")
        method = self._method(self._visited, source)
        why = _WHY_VISITOR.get(source)
        with stage("coterie.explain"):
            reasons = self._explainer.explain(
                -1, lists.rows[0], basket=rows, segment=segment, language=language
            )
        return SessionRecommendations(
            source=source,
            method=method,
            segment=self._ref(segment),
            fallback=note(why, language, self._name(segment)) if why else None,
            unknown_products=profile.unknown,
            build=self._snapshot.manifest.build,
            items=self._items(lists, reasons, method, arranged),
        )

    def _segment_scores(self, segment: int) -> npt.NDArray[np.float32]:
        """How many of a segment bought each product lately, float32 [n_products]; 0 for none."""
        if segment < 0:
            return np.zeros(self._history.shape[1], np.float32)
        return np.array(self._by_segment[segment])

    def _method(self, served: str, source: Source) -> str:
        return {"segment": SEGMENT, "popularity": POPULAR, "none": POPULAR}.get(source, served)

    def _id(self, segment: int) -> str | None:
        return self._snapshot.segmentation.segments[segment].id if segment >= 0 else None

    def _name(self, segment: int) -> str:
        return self._snapshot.segmentation.segments[segment].name if segment >= 0 else ""

    def _ref(self, segment: int) -> SegmentRef | None:
        if segment < 0:
            return None
        found = self._snapshot.segmentation.segments[segment]
        return SegmentRef(segment_id=found.id, name=found.name)

    def _items(
        self,
        lists: Lists,
        reasons: Sequence[Sequence[Found]],
        method: str,
        arranged: Arranged | None,
    ) -> list[RecommendedProduct]:
        self._marks.mark(lists.rows[0])
        names = dict(zip(range(len(SOURCES)), (method, *_OTHERS), strict=True))
        entries = zip(lists.rows[0], lists.scores[0], lists.sources[0], reasons, strict=True)
        return [
            trusted(
                RecommendedProduct,
                rank=i,
                score=float(score),
                product=self._catalogue.product(int(row)),
                source=names[int(source)],
                reasons=[self._reason(found) for found in why],
                merchandising=arranged.marks(int(row)) if arranged else [],
            )
            for i, (row, score, source, why) in enumerate(entries, 1)
            if row >= 0
        ]

    def _reason(self, found: Found) -> Reason:
        evidence: dict[str, Any] = dict(found.numbers)
        if found.product is not None:
            evidence["product_id"] = self._catalogue.ids.id(found.product)
        if found.segment is not None:
            evidence["segment_id"] = self._snapshot.segmentation.segments[found.segment].id
        return trusted(Reason, kind=found.kind, text=found.text, evidence=evidence)


def _source(lists: Lists, own: Source) -> Source:
    """``own`` where the first layer filled a place, else what did."""
    sources = lists.sources[0]
    if ((sources == 0) | (sources == 3)).any():
        return own
    return "popularity" if (sources >= 0).any() else "none"


_WHY_VISITOR: Mapping[Source, Note] = {
    "segment": "visitor",
    "popularity": "nothing-known",
    "none": "filtered",
}


def _why(known: bool, mode: Mode, source: Source, *, filtered: bool) -> Note | None:
    """Why a customer's list is not personal; ``None`` where it is."""
    if not known and mode == "repeat":
        return "stranger-repeat"
    if source == "none":
        if filtered:
            return "filtered"
        return "nothing-bought" if mode == "repeat" else "all-bought"
    if source == "popularity":
        return "little-known" if known else "stranger"
    return "by-segment" if source == "segment" else None


def _explainer(snapshot: Snapshot, catalogue: Catalogue, recent: Recent) -> Explainer:
    edges = snapshot.rules.as_edges()
    lifts, segmentation = snapshot.segment_products, snapshot.segmentation
    return Explainer(
        titles=catalogue.goods.titles,
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
            *(lifts[name].to_numpy() for name in ("segment", "product_row", "lift", "buyers")),
        ),
        recent=recent,
        newcomers=snapshot.recommender.newcomers,
    )
