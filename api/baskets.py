"""``Baskets``: what completes a basket, each product with the rules that speak for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from api.catalogue import Catalogue
from api.filters import Filters
from api.merchandising import Rulebook
from api.models.base import Mode
from api.models.lists import BasketRule, BasketSuggestion, BasketSuggestions
from api.models.options import ProductFilters
from api.observe.shown import Marks
from pipeline.snapshot import Snapshot
from ranking.completer import Completer
from ranking.scorer import SavedScorer, Scores
from rules.index import Rule

__all__ = ["Baskets"]


class Baskets:
    """Baskets over one snapshot."""

    def __init__(
        self,
        snapshot: Snapshot,
        catalogue: Catalogue,
        filters: Filters,
        rulebook: Rulebook,
        marks: Marks,
    ) -> None:
        self._catalogue, self._filters = catalogue, filters
        self._rulebook, self._marks, self._rules = rulebook, marks, snapshot.rules
        self._completer = Completer.of(snapshot.completer, snapshot.recommender.eligible)
        # The same fallbacks as in other lists, behind what completes baskets best.
        scorers: dict[Mode, SavedScorer] = {"discover": snapshot.completer}
        self._filler = replace(snapshot.recommender, scorers=scorers)
        self._warm = self._filler.order  # built on first use otherwise

    def completed(
        self, product_ids: Sequence[str], k: int, filters: ProductFilters
    ) -> BasketSuggestions:
        """At most ``k`` products that go with a basket; errors as in ``api.service.Service``."""
        known = self._catalogue.ids.to_rows(product_ids, missing="negative")
        unknown = [p for p, row in zip(product_ids, known, strict=True) if row < 0]
        allowed = self._filters.allowed(filters)
        listable = self._rulebook.barred("basket", allowed)
        rows, scores = self._filled(np.unique(known[known >= 0]), k, listable)
        self._marks.mark(rows)
        found = [self._catalogue.ids.id(row) for row in rows]
        rules = self._rules.because(product_ids, found)
        items = [
            BasketSuggestion(
                product=self._catalogue.product(int(row)),
                score=float(score),
                rules=[self._rule(rule) for rule in because],
            )
            for row, score, because in zip(rows, scores, rules, strict=True)
        ]
        by_rule = sum(1 for because in rules if because)
        return BasketSuggestions(
            items=items,
            unknown_products=unknown,
            fallback=_basket_fallback(by_rule, len(items), filtered=allowed is not None),
        )

    def _filled(
        self, held: npt.NDArray[np.int64], k: int, allowed: npt.NDArray[np.bool_] | None
    ) -> tuple[npt.NDArray[np.int64], Scores]:
        """Product rows and scores; what the completer cannot fill is filled as in other lists."""
        rows, scores = self._completer.complete(held, k, allowed)
        if len(rows) == k:
            return rows, scores
        lists = self._filler.recommend_basket(held, k, allowed=allowed)
        there = lists.rows[0] >= 0
        return lists.rows[0][there], lists.scores[0][there]

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
        return self._catalogue.goods.titles[self._catalogue.row(product_id)]


def _basket_fallback(by_rule: int, listed: int, *, filtered: bool) -> str | None:
    if not listed and filtered:
        return "Nothing is left to list with these filters."
    if not listed:
        return "The basket holds every product; nothing is left to list."
    if not by_rule:
        return "No rule matched the basket; these products suit customers who hold it."
    return None
