"""Reasons: for each product listed, up to three pieces of evidence that are true in the data.

Each is data (kind, product or segment, numbers) and a sentence made of nothing but that data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from graph.interactions import FloatMatrix, from_day
from ranking.history import History, UserHistory
from ranking.newcomers import Newcomers
from ranking.similar import ALIKE, Neighbours
from ranking.wording import Language, sentence

__all__ = ["Explainer", "Reason", "Recent", "RulePairs", "SegmentLift"]

Kind = Literal["history", "rule", "similar", "segment", "popular", "new"]
Numbers = dict[str, float | str]


@dataclass(frozen=True)
class Reason:
    """One piece of evidence.

    Attributes:
        kind: where it comes from.
        text: a sentence, in the language asked for.
        product: row of the product it starts from (rule, similar, new), else ``None``.
        segment: place of the segment it speaks of, else ``None``.
        numbers: what the sentence says, by name; days as ``2017-12-30``, UTC.
    """

    kind: Kind
    text: str = ""
    product: int | None = None
    segment: int | None = None
    numbers: Numbers = field(default_factory=dict)


class RulePairs:
    """Rules with one antecedent, found by their consequent.

    Of several, the one behind most orders beyond chance is told (the largest leverage): the most
    confident or most lifted ones tend to rest on a handful of orders.

    Args:
        antecedents, consequents: product rows, int [n_rules].
        support, confidence, lift: float [n_rules].
    """

    def __init__(
        self,
        antecedents: npt.NDArray[np.integer],
        consequents: npt.NDArray[np.integer],
        support: npt.NDArray[np.floating],
        confidence: npt.NDArray[np.floating],
        lift: npt.NDArray[np.floating],
    ) -> None:
        leverage = support * (1 - 1 / lift)
        order = np.lexsort((antecedents, -leverage, consequents))
        self.antecedents, self.consequents = antecedents[order], consequents[order]
        self.support, self.confidence = support[order], confidence[order]
        self.lift = lift[order]

    def best(self, product: int, held: npt.NDArray[np.bool_]) -> tuple[int, Numbers] | None:
        """The best rule to ``product`` from something ``held`` bool [n_products].

        Returns:
            Antecedent row, and support, confidence and lift by name; ``None`` without a rule.
        """
        start, end = np.searchsorted(self.consequents, [product, product + 1])
        match = np.flatnonzero(held[self.antecedents[start:end]])
        if not len(match):
            return None
        i = int(start) + int(match[0])
        measures = ("support", "confidence", "lift")
        return int(self.antecedents[i]), {m: float(getattr(self, m)[i]) for m in measures}


class SegmentLift:
    """How over-represented products are in segments.

    Args:
        of_user: segment of each user, int [n_users], -1 for none.
        names: name of each segment.
        segments, products, lift, buyers: one entry a pair that is over-represented, [n_pairs];
            buyers are the members who bought it, lift is their share over the shop's.
    """

    def __init__(
        self,
        of_user: npt.NDArray[np.integer],
        names: Sequence[str],
        segments: npt.NDArray[np.integer],
        products: npt.NDArray[np.integer],
        lift: npt.NDArray[np.floating],
        buyers: npt.NDArray[np.integer],
    ) -> None:
        self.of_user, self.names = of_user, names
        entries = zip(segments, products, lift, buyers, strict=True)
        self._found: dict[tuple[int, int], Numbers] = {
            (int(s), int(p)): {"lift": float(x), "buyers": int(n)} for s, p, x, n in entries
        }

    def of(self, user_row: int) -> int:
        """Place of the user's segment; -1 for none, and for row -1."""
        return int(self.of_user[user_row]) if user_row >= 0 else -1

    def find(self, segment: int, product: int) -> Numbers | None:
        """Lift and buyers of ``product`` in a segment, where it is over-represented."""
        return self._found.get((segment, product))


@dataclass(frozen=True)
class Recent:
    """Who bought what lately.

    Attributes:
        buyers: int32 [n_products], customers who did.
        days: length of the window that ends with the last event.
    """

    buyers: npt.NDArray[np.int32]
    days: float

    @staticmethod
    def of(by_group: FloatMatrix, days: float) -> Recent:
        """From counts by groups that hold every user once, [groups, n_products]."""
        return Recent(np.asarray(by_group.sum(axis=0)).ravel().astype(np.int32), days)


@dataclass(frozen=True)
class Explainer:
    """Finds reasons; what it is not given it does not mention.

    Attributes:
        titles: what a person reads for each product row.
        history: what users bought.
        rules: bought-together rules.
        neighbours: similar products.
        segments: over-representation in the user's segment.
        recent: who bought what lately.
        newcomers: products nobody bought yet, and what they are like.
    """

    titles: Sequence[str]
    history: History
    rules: RulePairs | None = None
    neighbours: Neighbours | None = None
    segments: SegmentLift | None = None
    recent: Recent | None = None
    newcomers: Newcomers | None = None

    def explain(
        self,
        user_row: int,
        product_rows: npt.NDArray[np.int64],
        *,
        basket: Sequence[int] | npt.NDArray[np.int64] = (),
        segment: int | None = None,
        language: Language = "en",
        limit: int = 3,
    ) -> list[list[Reason]]:
        """Reasons for each product of a list, strongest kind first.

        Args:
            user_row: the user, -1 for a visitor nothing is known of.
            product_rows: the list, int64 [n]; -1 gets no reason.
            basket: product rows in the basket or session now.
            segment: place of the visitor's segment; the user's own by default.
            language: of the sentences.
            limit: at most this many each.
        """
        if segment is None:
            segment = (
                int(self.segments.of_user[user_row]) if self.segments and user_row >= 0 else -1
            )
        mine = self.history.of(user_row)
        held = np.zeros(len(self.titles), np.bool_)
        held[mine.products] = True
        held[np.asarray(basket, np.int64)] = True
        lists = [
            self._reasons(segment, int(p), mine, held)[:limit] if p >= 0 else []
            for p in product_rows
        ]
        return [[self._told(reason, language) for reason in reasons] for reasons in lists]

    def _told(self, reason: Reason, language: Language) -> Reason:
        about = ""
        if reason.product is not None:
            about = self.titles[reason.product]
        elif reason.segment is not None and self.segments:
            about = self.segments.names[reason.segment]
        return replace(reason, text=sentence(reason, about, language))

    def _reasons(
        self, segment: int, product: int, mine: UserHistory, held: npt.NDArray[np.bool_]
    ) -> list[Reason]:
        candidates = (
            self._history(product, mine),
            self._rule(product, mine, held),
            self._similar(product, mine, held),
            self._segment(segment, product),
            self._popular(product),
            self._new(product),
        )
        return [reason for reason in candidates if reason is not None]

    def _history(self, product: int, mine: UserHistory) -> Reason | None:
        bought = self._bought(product, mine)
        return Reason("history", numbers=bought) if bought else None

    def _bought(self, product: int, mine: UserHistory, *, rhythm: bool = True) -> Numbers:
        """How often and when last the user bought a product; empty where they never did."""
        place = int(np.searchsorted(mine.products, product))
        if place == len(mine) or mine.products[place] != product:
            return {}
        last = float(mine.last_days[place])
        numbers: Numbers = {"times": int(mine.times[place]), "last": _date(last)}
        if rhythm:
            numbers["days_ago"] = int(self.history.now[0] - last)
            if np.isfinite(mine.intervals[place]):
                numbers["interval_days"] = float(mine.intervals[place])
        return numbers

    def _rule(self, product: int, mine: UserHistory, held: npt.NDArray[np.bool_]) -> Reason | None:
        rule = self.rules.best(product, held) if self.rules else None
        if rule is None:
            return None
        antecedent, measures = rule
        bought = self._bought(antecedent, mine, rhythm=False)
        return Reason("rule", product=antecedent, numbers={**measures, **bought})

    def _similar(
        self, product: int, mine: UserHistory, held: npt.NDArray[np.bool_]
    ) -> Reason | None:
        if self.neighbours is None:
            return None
        near = self.neighbours.rows[product]
        for place in np.flatnonzero((near >= 0) & held[near]):
            other, score = int(near[place]), float(self.neighbours.scores[product, place])
            # An equal title would explain nothing, and a weak likeness would be no reason.
            if score >= ALIKE and self.titles[other] != self.titles[product]:
                bought = self._bought(other, mine, rhythm=False)
                return Reason("similar", product=other, numbers={"similarity": score, **bought})
        return None

    def _segment(self, segment: int, product: int) -> Reason | None:
        found = self.segments.find(segment, product) if self.segments and segment >= 0 else None
        return None if found is None else Reason("segment", segment=segment, numbers=found)

    def _popular(self, product: int) -> Reason | None:
        numbers: Numbers = {"buyers": int(self.history.buyers[product]), "recent": 0}
        if not numbers["buyers"]:
            return None
        if self.recent is not None and self.recent.buyers[product]:
            numbers["recent"] = int(self.recent.buyers[product])
            numbers["days"] = self.recent.days
            numbers["until"] = _date(float(self.history.now[0]))
        return Reason("popular", numbers=numbers)

    def _new(self, product: int) -> Reason | None:
        found = self.newcomers.nearest(product) if self.newcomers else None
        if found is None:
            return None
        return Reason("new", product=found[0], numbers={"similarity": found[1]})


def _date(day: float) -> str:
    """The day as ``2017-12-30``, UTC."""
    return from_day(day).date().isoformat()
