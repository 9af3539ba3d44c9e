"""``choices_of``: what conditions may ask of a shop: stages, attributes, values, columns.

Only values that enough customers share are told, and ranges leave out the outermost, so that the
choices tell of nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from audiences.export import columns_of
from audiences.tables import Tables
from loaders.schema import EVENT_NAMES

__all__ = ["AttributeChoice", "Choices", "choices_of"]

MOST_VALUES: Final = 50
OUTERMOST: Final = 0.01
"""Share of customers at each end of a range that is not told."""


@dataclass(frozen=True)
class AttributeChoice:
    """A column of the shop's table of users.

    Attributes:
        name: as conditions take it.
        values: the most frequent ones that enough customers share, as text.
        low, high: range of numbers without the outermost; ``None`` for text.
        known: share of customers with a value.
    """

    name: str
    values: tuple[str, ...]
    low: float | None
    high: float | None
    known: float


@dataclass(frozen=True)
class Choices:
    """What conditions may ask.

    Attributes:
        stages: that some customer is at.
        rfm: cells that some customer is in.
        measures: columns of numbers that are known of some customer.
        events: kinds of events there are.
        attributes: of the shop's table.
        segments: ids and names.
        columns: that an export may tell.
        minimum: the fewest customers that are told of.
    """

    stages: tuple[str, ...]
    rfm: tuple[str, ...]
    measures: tuple[str, ...]
    events: tuple[str, ...]
    attributes: tuple[AttributeChoice, ...]
    segments: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    minimum: int


def choices_of(tables: Tables, minimum: int) -> Choices:
    """What conditions may ask of one build.

    Args:
        tables: the build.
        minimum: fewest customers that share a value which is told.
    """
    traits = tables.traits
    numeric = [c for c in traits.columns if traits[c].dtype.is_numeric()]
    kinds = np.unique(tables.events.kinds)
    return Choices(
        stages=_texts(traits, "stage"),
        rfm=_texts(traits, "rfm"),
        measures=tuple(c for c in numeric if traits[c].null_count() < len(traits)),
        events=tuple(EVENT_NAMES[int(k)] for k in kinds),
        attributes=tuple(
            _attribute(tables.attributes[name], tables, minimum)
            for name in tables.attributes.columns
        ),
        segments=tuple(pair for g in tables.groupings for pair in zip(g.ids, g.names, strict=True)),
        columns=tuple(columns_of(tables)),
        minimum=minimum,
    )


def _texts(frame: pl.DataFrame, name: str) -> tuple[str, ...]:
    if name not in frame.columns:
        return ()
    return tuple(frame[name].drop_nulls().unique().sort().to_list())


def _attribute(series: pl.Series, tables: Tables, minimum: int) -> AttributeChoice:
    mine = series.filter(pl.Series(tables.open))
    known = mine.drop_nulls()
    counted = known.cast(pl.String).value_counts(sort=True).filter(pl.col("count") >= minimum)
    low: Any = None
    high: Any = None
    if series.dtype.is_numeric() and len(known) >= minimum:
        low, high = known.quantile(OUTERMOST, "lower"), known.quantile(1 - OUTERMOST, "higher")
    return AttributeChoice(
        name=series.name,
        values=tuple(counted.head(MOST_VALUES)[series.name].to_list()),
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        known=len(known) / len(mine) if len(mine) else 0.0,
    )
