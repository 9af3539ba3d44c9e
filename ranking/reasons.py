"""Reasons: for each product listed, up to three pieces of evidence that are true in the data.

Each is data (kind, product or segment, numbers) and a sentence made of nothing but that data.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import islice
from math import isfinite
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from graph.interactions import FloatMatrix
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
        last = int(self.consequents[-1]) + 1 if len(order) else 0
        self._starts = np.searchsorted(self.consequents, np.arange(last + 1)).tolist()

    def best(self, product: int, held: npt.NDArray[np.bool_]) -> tuple[int, Numbers] | None:
        """The best rule to ``product`` from something ``held`` bool [n_products].

        Returns:
            Antecedent row, and support, confidence and lift by name; ``None`` without a rule.
        """
        if product + 1 >= len(self._starts):
            return None
        start, end = self._starts[product : product + 2]
        match = held[self.antecedents[start:end]].nonzero()[0]
        if not len(match):
            return None
        i = start + int(match[0])
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
        # One place more than there are products, for the -1 that stands for none.
        held = np.zeros(len(self.titles) + 1, np.bool_)
        held[mine.products] = True
        held[np.asarray(basket, np.int64)] = True
        bought = _Bought(mine, float(self.history.now[0]))
        telling = _Telling(self, segment, bought, held, language)
        return [
            list(islice(telling.reasons(int(p)), limit)) if p >= 0 else [] for p in product_rows
        ]


class _Bought:
    """What the user bought, for many look-ups.

    Args:
        mine: what they bought.
        now: the day from which ages are counted.
    """

    def __init__(self, mine: UserHistory, now: float) -> None:
        self._mine, self._now = mine, now
        self._products: list[int] = mine.products.tolist()

    def numbers(self, product: int, *, rhythm: bool = True) -> Numbers:
        """How often and when last they bought a product; empty where they never did."""
        mine = self._mine
        place = bisect_left(self._products, product)
        if place == len(self._products) or self._products[place] != product:
            return {}
        last = float(mine.last_days[place])
        numbers: Numbers = {"times": int(mine.times[place]), "last": _date(last)}
        if rhythm:
            numbers["days_ago"] = int(self._now - last)
            interval = float(mine.intervals[place])
            if isfinite(interval):
                numbers["interval_days"] = interval
        return numbers


@dataclass(frozen=True, slots=True)
class _Telling:
    """Finds the reasons of one list, one at a time, so that none is looked for in vain."""

    what: Explainer
    segment: int
    bought: _Bought
    held: npt.NDArray[np.bool_]
    language: Language

    def reasons(self, product: int) -> Iterator[Reason]:
        """All reasons for a product, strongest kind first."""
        if numbers := self.bought.numbers(product):
            yield self._told("history", numbers)
        yield from self._rule(product)
        yield from self._similar(product)
        yield from self._segment(product)
        yield from self._popular(product)
        yield from self._new(product)

    def _told(
        self, kind: Kind, numbers: Numbers, product: int | None = None, segment: int | None = None
    ) -> Reason:
        about = ""
        if product is not None:
            about = self.what.titles[product]
        elif segment is not None and self.what.segments:
            about = self.what.segments.names[segment]
        text = sentence(kind, about, numbers, self.language)
        return Reason(kind, text, product, segment, numbers)

    def _rule(self, product: int) -> Iterator[Reason]:
        rule = self.what.rules.best(product, self.held) if self.what.rules else None
        if rule is not None:
            antecedent, measures = rule
            measures.update(self.bought.numbers(antecedent, rhythm=False))
            yield self._told("rule", measures, antecedent)

    def _similar(self, product: int) -> Iterator[Reason]:
        found, titles = self.what.neighbours, self.what.titles
        if found is None:
            return
        near = found.rows[product]
        for place in self.held[near].nonzero()[0].tolist():
            other, score = int(near[place]), float(found.scores[product, place])
            # An equal title would explain nothing, and a weak likeness would be no reason.
            if score >= ALIKE and titles[other] != titles[product]:
                bought = self.bought.numbers(other, rhythm=False)
                yield self._told("similar", {"similarity": score, **bought}, other)
                return

    def _segment(self, product: int) -> Iterator[Reason]:
        segments = self.what.segments
        found = segments.find(self.segment, product) if segments and self.segment >= 0 else None
        if found is not None:
            yield self._told("segment", found, segment=self.segment)

    def _popular(self, product: int) -> Iterator[Reason]:
        history, recent = self.what.history, self.what.recent
        numbers: Numbers = {"buyers": int(history.buyers[product]), "recent": 0}
        if not numbers["buyers"]:
            return
        if recent is not None and recent.buyers[product]:
            numbers["recent"] = int(recent.buyers[product])
            numbers["days"] = recent.days
            numbers["until"] = _date(float(history.now[0]))
        yield self._told("popular", numbers)

    def _new(self, product: int) -> Iterator[Reason]:
        found = self.what.newcomers.nearest(product) if self.what.newcomers else None
        if found is not None:
            yield self._told("new", {"similarity": found[1]}, found[0])


_EPOCH: Final = date(1970, 1, 1).toordinal()


def _date(day: float) -> str:
    """The day as ``2017-12-30``, UTC."""
    return _iso(round(day * 86_400) // 86_400)


@lru_cache(maxsize=4_096)
def _iso(day: int) -> str:
    return date.fromordinal(_EPOCH + day).isoformat()
