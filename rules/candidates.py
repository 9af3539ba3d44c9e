"""``Candidates``: counted rules before their measures, as arrays; and how they become a frame."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.ids import IdMap
from rules.config import RulesConfig
from rules.measures import benjamini_hochberg, fisher_tail, measures, telling

__all__ = ["Candidates"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """Rules with one consequent over the rows of a level's items.

    Attributes:
        antecedent: int64 [n, width], padded with -1.
        consequent: int64 [n].
        both, left, right: baskets with all items, with the antecedent, with the consequent,
            int64 [n].
    """

    antecedent: Rows
    consequent: Rows
    both: Rows
    left: Rows
    right: Rows

    @staticmethod
    def none() -> Candidates:
        """No rules."""
        empty = np.empty(0, np.int64)
        return Candidates(np.empty((0, 1), np.int64), empty, empty, empty, empty)

    def __len__(self) -> int:
        return len(self.consequent)

    def where(self, mask: npt.NDArray[np.bool_]) -> Candidates:
        """The rules that ``mask`` bool [n] keeps."""
        return Candidates(
            self.antecedent[mask],
            self.consequent[mask],
            self.both[mask],
            self.left[mask],
            self.right[mask],
        )

    def strongest(self, top: int, baskets: int) -> Candidates:
        """Of rules of each length the ``top`` most telling of each antecedent, or consequent.

        A pair is asked by its antecedent, so each has its own; longer antecedents are as many as
        the rules themselves, so those stay bounded by what they lead to.

        Args:
            top: how many.
            baskets: all baskets, which lift is of.
        """
        length = (self.antecedent >= 0).sum(axis=1)
        lone = length == 1
        group = np.where(lone, self.antecedent[:, 0], self.consequent)
        confidence = self.both / self.left
        weight = telling(confidence, confidence / (self.right / baskets))
        order = np.lexsort((-weight, group, length))
        new = np.ones(len(order), np.bool_)
        new[1:] = (np.diff(length[order]) != 0) | (np.diff(group[order]) != 0)
        place = np.arange(len(order)) - np.flatnonzero(new)[np.cumsum(new) - 1]
        return self.where(np.isin(np.arange(len(self)), order[place < top]))

    def joined(self, other: Candidates) -> Candidates:
        """These rules and then those of ``other``."""
        width = max(self.antecedent.shape[1], other.antecedent.shape[1])
        return Candidates(
            np.vstack([_padded(self.antecedent, width), _padded(other.antecedent, width)]),
            np.concatenate([self.consequent, other.consequent]),
            np.concatenate([self.both, other.both]),
            np.concatenate([self.left, other.left]),
            np.concatenate([self.right, other.right]),
        )

    def surviving(
        self, baskets: int, tested: int, config: RulesConfig
    ) -> tuple[Candidates, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The rules that hold, with their p-values and q-values, float64 [n].

        Args:
            baskets: all baskets.
            tested: items frequent enough to stand in a rule; what the false-discovery control
                counts its tests by.
            config: the thresholds.
        """
        lift = self.both * baskets / (self.left * self.right)
        sure = self.both >= config.min_confidence * self.left
        kept = self.where((lift >= config.min_lift) & (lift > 1) & sure)
        p = fisher_tail(kept.both, kept.left, kept.right, baskets)
        q = kept._q_values(p, tested)
        holds = q <= config.max_false_discovery
        return kept.where(holds), p[holds], q[holds]

    def _q_values(self, p: npt.NDArray[np.float64], tested: int) -> npt.NDArray[np.float64]:
        """q-values by length of rule: each length is its own family of tests."""
        length = (self.antecedent >= 0).sum(axis=1) + 1
        q = np.ones(len(p))
        for size in np.unique(length):
            family = length == size
            q[family] = benjamini_hochberg(p[family], comb(tested, int(size)) * int(size))
        return q

    def named(self, items: IdMap, baskets: int) -> pl.DataFrame:
        """Ids, count and measures of each rule: those columns of ``rules.table.SCHEMA``."""
        conviction = {"conviction": pl.col("conviction").replace(float("inf"), None)}
        return pl.DataFrame(
            {
                "antecedent": _id_lists(items, self.antecedent),
                "consequent": _id_lists(items, self.consequent[:, None]),
                "count": self.both,
                **measures(self.both, self.left, self.right, baskets),
            }
        ).with_columns(**conviction)


def _padded(rows: Rows, width: int) -> Rows:
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=-1)


def _id_lists(items: IdMap, rows: Rows) -> pl.Series:
    """Ids of each line of ``rows`` int64 [n, width] as a list column, -1 left out."""
    columns = [
        items.ids.gather(pl.Series(column, dtype=pl.Int64).replace(-1, None).cast(pl.UInt32))
        for column in rows.T
    ]
    frame = pl.DataFrame({str(i): column for i, column in enumerate(columns)})
    return frame.select(pl.concat_list(pl.all()).list.drop_nulls())[:, 0]
