"""``RuleIndex``: rules over integer rows, asked with a basket in well under a millisecond.

Each rule is posted under one item of its antecedent. A basket gathers the postings of its items,
drops the rules whose antecedent it does not fully hold, and adds up what the rest say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.ids import IdMap
from rules.measures import telling

__all__ = ["Rule", "RuleIndex", "Suggestion"]

EVIDENCE = 3
SAID = ("support", "confidence", "lift", "q_value", "later_confidence")
"""What is said of a rule beside a suggestion; reading more would take longer than finding it."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rule:
    """One rule with its measures by name, ``None`` where one is not known.

    Names are those of ``rules.table.MEASURES``; ``count``, ``confidence`` and ``lift`` are always
    known.
    """

    antecedent: tuple[str, ...]
    consequent: str
    measures: Mapping[str, float | None]

    def known(self, name: str) -> float:
        """A measure that every rule has."""
        value = self.measures[name]
        if value is None:
            raise KeyError(name)
        return value


@dataclass(frozen=True)
class Suggestion:
    """A product to add, how strongly, and the rules that say so, the strongest first."""

    product_id: str
    score: float
    rules: tuple[Rule, ...]


class RuleIndex:
    """Answers baskets from product rules.

    A rule's weight is ``measures.telling``, a product's score the sum over its rules.

    Args:
        frame: rules of one level, columns as in ``rules.table.SCHEMA``.
        measures: names of the columns that answers show.
    """

    def __init__(self, frame: pl.DataFrame, measures: Sequence[str] = ()) -> None:
        self._measures = {
            name: frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in measures
        }
        names = pl.concat([frame["antecedent"].explode(), frame["consequent"].explode()])
        self.items = IdMap(names.drop_nulls().unique(maintain_order=True))
        self._antecedent = _rows(self.items, frame["antecedent"])
        self._consequent = _rows(self.items, frame["consequent"])[:, 0]
        confidence, lift = frame["confidence"].to_numpy(), frame["lift"].to_numpy()
        self._weight = telling(confidence, lift)
        self._postings, self._starts = _posted(self._antecedent[:, 0], len(self.items))

    def suggest(self, product_ids: Iterable[str], k: int) -> list[Suggestion]:
        """Up to ``k`` products for a basket; unknown ids and products in the basket are left out.

        Time grows with the rules of the basket's items: 30 items with 50 rules each take about
        0.2 ms.
        """
        found = self._matching(product_ids)
        if not len(found):
            return []
        items, place = np.unique(self._consequent[found], return_inverse=True)
        score = np.bincount(place, weights=self._weight[found])
        best = np.argsort(-score, kind="stable")[:k]
        return [
            Suggestion(self.items.id(items[i]), float(score[i]), self._evidence(found[place == i]))
            for i in best.tolist()
        ]

    def because(
        self, product_ids: Iterable[str], suggested: Sequence[str]
    ) -> list[tuple[Rule, ...]]:
        """For each product of ``suggested`` the rules from the basket to it, strongest first."""
        found = self._matching(product_ids)
        consequents = self._consequent[found]
        rows = [self.items.row(id_) for id_ in suggested]
        return [
            () if row is None else self._evidence(found[consequents == row], SAID) for row in rows
        ]

    def _matching(self, product_ids: Iterable[str]) -> Rows:
        """Rules whose antecedent the basket holds and whose consequent it lacks."""
        known = {row for id_ in product_ids if (row := self.items.row(id_)) is not None}
        if not known:
            return np.empty(0, np.int64)
        # The last place stands for the padding of short antecedents, which always holds.
        held = np.zeros(len(self.items) + 1, np.bool_)
        held[[*known, -1]] = True
        spans = [self._postings[self._starts[r] : self._starts[r + 1]] for r in sorted(known)]
        rules = np.concatenate(spans)
        return rules[held[self._antecedent[rules]].all(axis=1) & ~held[self._consequent[rules]]]

    def _evidence(self, rules: Rows, names: Iterable[str] | None = None) -> tuple[Rule, ...]:
        strongest = rules[np.argsort(-self._weight[rules], kind="stable")][:EVIDENCE]
        return tuple(self._rule(int(r), names) for r in strongest)

    def _rule(self, rule: int, names: Iterable[str] | None = None) -> Rule:
        shown = self._measures if names is None else [n for n in names if n in self._measures]
        values = {name: float(self._measures[name][rule]) for name in shown}
        return Rule(
            tuple(self.items.id(item) for item in self._antecedent[rule] if item >= 0),
            self.items.id(self._consequent[rule]),
            {name: None if value != value else value for name, value in values.items()},
        )

    def find(self, antecedent: Iterable[str], consequent: str) -> Rule | None:
        """The rule between just these items, if there is one."""
        wanted = self.items.to_rows(list(antecedent), missing="negative")
        row = self.items.row(consequent)
        if row is None or (wanted < 0).any():
            return None
        held = np.sort(self._antecedent, axis=1)
        width = held.shape[1]
        if len(wanted) > width:
            return None
        padded = np.sort(np.concatenate([wanted, np.full(width - len(wanted), -1)]))
        match = np.flatnonzero((self._consequent == row) & (held == padded).all(axis=1))
        return self._rule(int(match[0])) if len(match) else None


def _rows(items: IdMap, lists: pl.Series) -> Rows:
    """Item rows of a list column, int64 [n, longest], padded with -1."""
    length = lists.list.len().to_numpy().astype(np.int64)
    rows = np.full((len(lists), max(int(length.max(initial=1)), 1)), -1, np.int64)
    line = np.repeat(np.arange(len(lists)), length)
    place = np.arange(len(line)) - np.repeat(np.cumsum(length) - length, length)
    rows[line, place] = items.to_rows(lists.explode().drop_nulls(), missing="error")
    return rows


def _posted(key: Rows, size: int) -> tuple[Rows, Rows]:
    """Rules in order of their key and where each key starts, int64 [n] and [size + 1]."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=size))])
    return np.argsort(key, kind="stable"), starts.astype(np.int64)
