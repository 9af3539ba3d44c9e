"""``RuleTable``: mined rules as a frame, saved beside a snapshot and asked by the service.

Light on purpose: Polars and numpy alone, so a server answers from it without what mining needs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from loaders.errors import DataError
from rules.baskets import PRODUCT
from rules.index import Rule, RuleIndex, Suggestion

__all__ = ["COLUMNS", "MEASURES", "SCHEMA", "THEN", "TOGETHER", "RuleTable"]

TOGETHER: Final = "together"
THEN: Final = "then"
"""The two kinds of rules."""

SCHEMA: Final[dict[str, pl.DataType]] = {
    "level": pl.String(),
    "kind": pl.String(),
    "antecedent": pl.List(pl.String()),
    "consequent": pl.List(pl.String()),
    "count": pl.Int64(),
    "support": pl.Float64(),
    "confidence": pl.Float64(),
    "lift": pl.Float64(),
    "leverage": pl.Float64(),
    "conviction": pl.Float64(),
    "zhang": pl.Float64(),
    "kulczynski": pl.Float64(),
    "imbalance": pl.Float64(),
    "p_value": pl.Float64(),
    "q_value": pl.Float64(),
    "later_baskets": pl.Int64(),
    "later_confidence": pl.Float64(),
    "later_low": pl.Float64(),
    "later_high": pl.Float64(),
    "later_lift": pl.Float64(),
    "segments_tested": pl.Int64(),
    "segments_held": pl.Int64(),
    "lift_within": pl.Float64(),
    "wait_days": pl.Float64(),
    "wait_low": pl.Float64(),
    "wait_high": pl.Float64(),
}

COLUMNS: Final[dict[str, str]] = {
    "level": "`product`, `category:<level>`, `brand`, or `mixed` (ids with their kind in front).",
    "kind": "`together`: in one basket; `then`: the consequent starts within some days.",
    "antecedent": "Ids of the items a basket has.",
    "consequent": "Id of the item it then tends to have; always one.",
    "count": "Baskets with all of them.",
    "support": "That, as a share of all baskets.",
    "confidence": "Share of the baskets with the antecedent that have the consequent.",
    "lift": "Confidence over the consequent's share of all baskets; 1 is chance.",
    "leverage": "Support beyond what chance gives.",
    "conviction": "How much more often the rule would fail by chance; empty where it never fails.",
    "zhang": "Confidence against that without the antecedent, -1 to 1; 0 is chance.",
    "kulczynski": "Mean of the confidences of both directions.",
    "imbalance": "How much more frequent one side is, 0 to 1.",
    "p_value": "One-sided Fisher exact test.",
    "q_value": "The same, adjusted for all rules tried (Benjamini-Hochberg).",
    "later_baskets": "Baskets with the antecedent in the days held out.",
    "later_confidence": "Confidence in them.",
    "later_low": "Lower end of its 95 % interval (Wilson).",
    "later_high": "Upper end.",
    "later_lift": "Lift in the days held out.",
    "segments_tested": "Segments of customers with enough baskets to show the rule.",
    "segments_held": "Those in which it is above chance.",
    "lift_within": "Lift against what chance gives inside each segment, over all of them.",
    "wait_days": "Sequences: median days from antecedent to consequent.",
    "wait_low": "A quarter waits no longer than this.",
    "wait_high": "Three quarters wait no longer than this.",
}

MEASURES: Final = tuple(
    name
    for name in SCHEMA
    if name not in ("level", "kind", "antecedent", "consequent") and not name.startswith("wait")
)
"""What a rule is measured by."""

_COUNTS = b"counts"


@dataclass(frozen=True)
class RuleTable:
    """Rules of all levels.

    Attributes:
        frame: columns as in ``SCHEMA``, one row a rule; each level by leverage, the
            rules that matter in most baskets first.
        baskets: all baskets, by level.
        capped: baskets by level that were too large and lost their least frequent items.
    """

    frame: pl.DataFrame
    baskets: Mapping[str, int]
    capped: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.frame.height

    def level(self, level: str, kind: str = TOGETHER) -> pl.DataFrame:
        """Rules of one level and kind."""
        return self.frame.filter(pl.col("level") == level, pl.col("kind") == kind)

    @cached_property
    def index(self) -> RuleIndex:
        """Product rules, ready to be asked; built on first use."""
        return RuleIndex(self.level(PRODUCT), MEASURES)

    def bought_together(self, product_id: str, k: int) -> list[Suggestion]:
        """Products that go with one product, best first; none where nothing is known."""
        return self.index.suggest([product_id], k)

    def for_basket(self, product_ids: Iterable[str], k: int) -> list[Suggestion]:
        """Products that complete a basket, best first, each with the rules that caused it."""
        return self.index.suggest(product_ids, k)

    def because(
        self, product_ids: Iterable[str], suggested: Sequence[str]
    ) -> list[tuple[Rule, ...]]:
        """For each product of ``suggested`` the strongest rules from the basket to it."""
        return self.index.because(product_ids, suggested)

    def as_edges(self) -> pl.DataFrame:
        """One product to one other, as ``BOUGHT_WITH`` edges.

        Returns:
            Columns source, target, and ``MEASURES``.
        """
        pairs = self.level(PRODUCT).filter(pl.col("antecedent").list.len() == 1)
        return pairs.select(
            pl.col("antecedent").list.first().alias("source"),
            pl.col("consequent").list.first().alias("target"),
            *MEASURES,
        )

    def save(self, path: Path) -> None:
        """Write to one Parquet file."""
        counts = json.dumps({"baskets": dict(self.baskets), "capped": dict(self.capped)})
        table = self.frame.to_arrow().replace_schema_metadata({_COUNTS: counts})
        parquet.write_table(table, path)

    @staticmethod
    def load(path: Path) -> RuleTable:
        """Read what ``save`` wrote.

        Raises:
            DataError: the file is missing, or is no rule table.
        """
        try:
            # Not read_table, which would import all of pandas into a server.
            with parquet.ParquetFile(path) as file:
                table = file.read()
            counts = json.loads(table.schema.metadata[_COUNTS])
            table = table.select(list(SCHEMA))
        except (OSError, KeyError, TypeError, pa.ArrowException) as error:
            message = f"expected a rule table; build it again ({error})"
            raise DataError(message, file=str(path)) from error
        return RuleTable(pl.DataFrame(table), **counts)
