"""Reasons: for each product listed, up to three pieces of evidence that are true in the data.

Each is data (kind, product, numbers) and a sentence made of nothing but that data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from ranking.history import History, UserHistory
from ranking.similar import Neighbours

__all__ = ["Explainer", "Reason", "RulePairs", "SegmentLift"]

ALIKE = 0.5
"""Least similarity that is told as a reason."""

Kind = Literal["history", "rule", "similar", "segment", "popular"]


@dataclass(frozen=True)
class Reason:
    """One piece of evidence.

    Attributes:
        kind: where it comes from.
        text: an English sentence.
        product: row of the product it starts from (rule, similar), else ``None``.
        numbers: what the sentence says, by name.
    """

    kind: Kind
    text: str
    product: int | None = None
    numbers: dict[str, float] = field(default_factory=dict)


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
        self.confidence, self.lift = confidence[order], lift[order]

    def best(self, product: int, held: npt.NDArray[np.bool_]) -> tuple[int, float, float] | None:
        """The best rule to ``product`` from something ``held`` bool [n_products].

        Returns:
            Antecedent row, confidence, lift; ``None`` where there is no rule.
        """
        start, end = np.searchsorted(self.consequents, [product, product + 1])
        match = np.flatnonzero(held[self.antecedents[start:end]])
        if not len(match):
            return None
        i = int(start) + int(match[0])
        return int(self.antecedents[i]), float(self.confidence[i]), float(self.lift[i])


class SegmentLift:
    """How over-represented products are in segments.

    Args:
        of_user: segment of each user, int [n_users], -1 for none.
        names: name of each segment.
        segments, products, lift: one entry a pair that is over-represented, [n_pairs]; lift is
            the segment's share of buyers over the shop's.
    """

    def __init__(
        self,
        of_user: npt.NDArray[np.integer],
        names: Sequence[str],
        segments: npt.NDArray[np.integer],
        products: npt.NDArray[np.integer],
        lift: npt.NDArray[np.floating],
    ) -> None:
        self.of_user, self.names = of_user, names
        self._lift = {
            (int(s), int(p)): float(x) for s, p, x in zip(segments, products, lift, strict=True)
        }

    def find(self, user_row: int, product: int) -> tuple[str, float] | None:
        """Name of the user's segment and lift of ``product`` in it, where it is known."""
        if user_row < 0:
            return None
        segment = int(self.of_user[user_row])
        lift = self._lift.get((segment, product))
        return None if lift is None else (self.names[segment], lift)


@dataclass(frozen=True)
class Explainer:
    """Finds reasons; what it is not given it does not mention.

    Attributes:
        titles: what a person reads for each product row.
        history: what users bought.
        rules: bought-together rules.
        neighbours: similar products.
        segments: over-representation in the user's segment.
    """

    titles: Sequence[str]
    history: History
    rules: RulePairs | None = None
    neighbours: Neighbours | None = None
    segments: SegmentLift | None = None

    def explain(
        self,
        user_row: int,
        product_rows: npt.NDArray[np.int64],
        *,
        basket: Sequence[int] = (),
        limit: int = 3,
    ) -> list[list[Reason]]:
        """Reasons for each product of a list, strongest kind first.

        Args:
            user_row: the user, -1 for a visitor nothing is known of.
            product_rows: the list, int64 [n]; -1 gets no reason.
            basket: product rows in the basket or session now.
            limit: at most this many each.
        """
        mine = self.history.of(user_row)
        held = np.zeros(len(self.titles), np.bool_)
        held[mine.products] = True
        held[np.asarray(basket, np.int64)] = True
        found = [
            self._reasons(user_row, int(p), mine, held) if p >= 0 else [] for p in product_rows
        ]
        return [reasons[:limit] for reasons in found]

    def _reasons(
        self, user_row: int, product: int, mine: UserHistory, held: npt.NDArray[np.bool_]
    ) -> list[Reason]:
        candidates = (
            self._history(product, mine),
            self._rule(product, held),
            self._similar(product, held),
            self._segment(user_row, product),
            self._popular(product),
        )
        return [reason for reason in candidates if reason is not None]

    def _history(self, product: int, mine: UserHistory) -> Reason | None:
        place = int(np.searchsorted(mine.products, product))
        if place == len(mine) or mine.products[place] != product:
            return None
        times = int(mine.times[place])
        ago = int(self.history.now[0] - mine.last_days[place])
        interval = float(mine.intervals[place])
        numbers: dict[str, float] = {"times": times, "days_ago": ago}
        text = f"Bought {_times(times)}, last {_ago(ago)}"
        if np.isfinite(interval):
            numbers["interval_days"] = interval
            text += f", usually every {_days(max(1, round(interval)))}"
        return Reason("history", text, None, numbers)

    def _rule(self, product: int, held: npt.NDArray[np.bool_]) -> Reason | None:
        rule = self.rules.best(product, held) if self.rules else None
        if rule is None:
            return None
        antecedent, confidence, lift = rule
        text = (
            f"{confidence:.0%} of orders with {self.titles[antecedent]} also hold it, "
            f"{lift:.1f} times the usual share"
        )
        return Reason("rule", text, antecedent, {"confidence": confidence, "lift": lift})

    def _similar(self, product: int, held: npt.NDArray[np.bool_]) -> Reason | None:
        if self.neighbours is None:
            return None
        near = self.neighbours.rows[product]
        for place in np.flatnonzero((near >= 0) & held[near]):
            other, score = int(near[place]), float(self.neighbours.scores[product, place])
            # An equal title would explain nothing, and a weak likeness would be no reason.
            if score >= ALIKE and self.titles[other] != self.titles[product]:
                text = f"Similar to {self.titles[other]}"
                return Reason("similar", text, other, {"similarity": score})
        return None

    def _segment(self, user_row: int, product: int) -> Reason | None:
        found = self.segments.find(user_row, product) if self.segments else None
        if found is None:
            return None
        name, lift = found
        text = f"Bought {lift:.1f} times as often in segment {name} as in the whole shop"
        return Reason("segment", text, None, {"lift": lift})

    def _popular(self, product: int) -> Reason | None:
        buyers = int(self.history.buyers[product])
        if not buyers:
            return None
        people = "1 customer" if buyers == 1 else f"{buyers:,} customers"
        return Reason("popular", f"Bought by {people}", None, {"buyers": buyers})


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n:,} times"


def _days(n: int) -> str:
    return "day" if n == 1 else f"{n:,} days"


def _ago(n: int) -> str:
    return "today" if n == 0 else "1 day ago" if n == 1 else f"{n:,} days ago"
