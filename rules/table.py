"""``RuleTable``: mined rules as a frame, saved beside a snapshot and asked by the service.

Light on purpose: Polars and numpy alone, so a server answers from it without what mining needs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from loaders.errors import DataError
from rules.baskets import PRODUCT
from rules.index import RuleIndex, Suggestion

__all__ = ["COLUMNS", "SCHEMA", "RuleTable"]

SCHEMA: Final[dict[str, pl.DataType]] = {
    "level": pl.String(),
    "antecedent": pl.List(pl.String()),
    "consequent": pl.List(pl.String()),
    "count": pl.Int64(),
    "support": pl.Float64(),
    "confidence": pl.Float64(),
    "lift": pl.Float64(),
    "leverage": pl.Float64(),
    "conviction": pl.Float64(),
    "p_value": pl.Float64(),
    "q_value": pl.Float64(),
}

COLUMNS: Final[dict[str, str]] = {
    "level": "`product`, or `category:<level>`.",
    "antecedent": "Ids of the items a basket has.",
    "consequent": "Id of the item it then tends to have; always one.",
    "count": "Baskets with all of them.",
    "support": "That, as a share of all baskets.",
    "confidence": "Share of the baskets with the antecedent that have the consequent.",
    "lift": "Confidence over the consequent's share of all baskets; 1 is chance.",
    "leverage": "Support beyond what chance gives.",
    "conviction": "How much more often the rule would fail by chance; empty where it never fails.",
    "p_value": "One-sided Fisher exact test.",
    "q_value": "The same, adjusted for all rules tried (Benjamini-Hochberg).",
}

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

    def level(self, level: str) -> pl.DataFrame:
        """Rules of one level."""
        return self.frame.filter(pl.col("level") == level)

    @cached_property
    def index(self) -> RuleIndex:
        """Product rules, ready to be asked; built on first use."""
        return RuleIndex(self.level(PRODUCT))

    def bought_together(self, product_id: str, k: int) -> list[Suggestion]:
        """Products that go with one product, best first; none where nothing is known."""
        return self.index.suggest([product_id], k)

    def for_basket(self, product_ids: Iterable[str], k: int) -> list[Suggestion]:
        """Products that complete a basket, best first, each with the rules that caused it."""
        return self.index.suggest(product_ids, k)

    def as_edges(self) -> pl.DataFrame:
        """One product to one other, as ``BOUGHT_WITH`` edges.

        Returns:
            Columns source, target, support, confidence, lift.
        """
        pairs = self.level(PRODUCT).filter(pl.col("antecedent").list.len() == 1)
        return pairs.select(
            pl.col("antecedent").list.first().alias("source"),
            pl.col("consequent").list.first().alias("target"),
            "support",
            "confidence",
            "lift",
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
            table = parquet.read_table(path)
            counts = json.loads(table.schema.metadata[_COUNTS])
        except (OSError, KeyError, TypeError, pa.ArrowException) as error:
            message = f"expected a rule table; build it again ({error})"
            raise DataError(message, file=str(path)) from error
        return RuleTable(pl.DataFrame(table), **counts)
