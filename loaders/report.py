"""What loading did with each line: counts that add up, with examples, never silent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

__all__ = ["LoadReport", "Step"]

EXAMPLES = 3


@dataclass(frozen=True)
class Step:
    """One thing a loader did: why, to how many lines, with a few of them.

    ``removed`` says whether the lines left the data (and so count in the sum) or were only
    changed or flagged.
    """

    name: str
    doc: str
    lines: int
    removed: bool
    examples: tuple[dict[str, Any], ...] = ()

    @staticmethod
    def of(name: str, doc: str, lines: pl.DataFrame, *, removed: bool) -> Step:
        """A step over the offending ``lines``, keeping the first few as examples."""
        return Step(name, doc, lines.height, removed, tuple(lines.head(EXAMPLES).to_dicts()))


@dataclass(frozen=True)
class LoadReport:
    """Lines read, what became of them, and events kept: ``read = kept + sum(removed)``."""

    source: str
    read: int
    kept: int
    steps: tuple[Step, ...] = field(default=())

    @property
    def removed(self) -> int:
        """Lines that left the data."""
        return sum(s.lines for s in self.steps if s.removed)

    @property
    def balanced(self) -> bool:
        """Whether every line read is accounted for."""
        return self.read == self.kept + self.removed
