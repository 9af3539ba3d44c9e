"""Conditions on what is known of each customer: whole columns at once.

Whoever has no value meets no condition on it, but ``missing``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from audiences.conditions import (
    Attribute,
    Churn,
    Likes,
    Rfm,
    Rhythm,
    Segment,
    Similar,
    Stage,
    Value,
)
from audiences.tables import Mask, Tables

__all__ = ["Column", "column_of", "similar_to"]

MOST_LISTED = 5


@dataclass(frozen=True)
class Column:
    """Who meets a condition, and the true values of one customer.

    Attributes:
        members: gives bool [n_users].
        tell: true values of the customer at a row.
    """

    members: Callable[[], Mask]
    tell: Callable[[int], dict[str, Any]]


Known: TypeAlias = Segment | Stage | Rfm | Value | Churn | Rhythm | Attribute | Likes


def column_of(condition: Known, tables: Tables) -> Column:
    """How ``condition`` is decided; its columns and segments must be there."""
    if isinstance(condition, Segment):
        return _segment(condition, tables)
    if isinstance(condition, Likes):
        return _likes(condition, tables)
    if isinstance(condition, Attribute):
        series, name = tables.attributes[condition.name], condition.name
    else:
        name = {"stage": "stage", "rfm": "rfm"}.get(condition.kind, getattr(condition, "of", ""))
        series = tables.traits[name]
    return Column(lambda: _test(condition, series), lambda row: {name: series[row]})


def _test(condition: Any, series: pl.Series) -> Mask:
    if isinstance(condition, Attribute) and condition.missing:
        return series.is_null().to_numpy()
    if isinstance(condition, Rfm):
        return _cells(condition.any_of, series)
    values = getattr(condition, "any_of", ())
    return _among(values, series) if values else _within(condition.min, condition.max, series)


def _among(values: tuple[Any, ...], series: pl.Series) -> Mask:
    """Equal to one of ``values``; text and numbers as they read, so 5 is "5"."""
    if series.dtype.is_numeric():
        wanted = [float(v) for v in values if _is_number(v)]
        found = series.cast(pl.Float64).is_in(wanted)
    elif series.dtype == pl.Boolean:
        found = series.is_in([str(v).lower() == "true" for v in values])
    else:
        found = series.cast(pl.String).is_in([str(v) for v in values])
    return found.fill_null(False).to_numpy()


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return not isinstance(value, bool)


def _within(least: float | None, most: float | None, series: pl.Series) -> Mask:
    numbers = series.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    mask = ~np.isnan(numbers)
    if least is not None:
        mask &= numbers >= least
    if most is not None:
        mask &= numbers <= most
    return np.asarray(mask, np.bool_)


def _cells(patterns: tuple[str, ...], series: pl.Series) -> Mask:
    wanted = "|".join(re.escape(p).replace(r"\?", ".") for p in patterns)
    text = series.cast(pl.String)
    kept = [v for v in text.unique().drop_nulls() if re.fullmatch(wanted, v)]
    return text.is_in(kept).fill_null(False).to_numpy()


def _segment(condition: Segment, tables: Tables) -> Column:
    wanted = set(condition.any_of)

    def members() -> Mask:
        mask = np.zeros(len(tables), np.bool_)
        for group in tables.groupings:
            # Place -1, of those in none, is the last entry.
            chosen = np.array([*(id_ in wanted for id_ in group.ids), False])
            mask |= chosen[group.member] & (group.strength >= condition.min_strength)
        return mask

    def tell(row: int) -> dict[str, Any]:
        inside = [(g, int(g.member[row])) for g in tables.groupings if g.member[row] >= 0]
        return {
            "segments": [g.ids[place] for g, place in inside],
            "strength": [round(float(g.strength[row]), 4) for g, _ in inside],
        }

    return Column(members, tell)


def _likes(condition: Likes, tables: Tables) -> Column:
    matching = tables.matching(condition)
    assert matching is not None
    wanted = np.append(matching, False)  # row -1 is the end of a list

    def members() -> Mask:
        return np.asarray(wanted[tables.liked[:, : condition.top]].any(axis=1), np.bool_)

    def tell(row: int) -> dict[str, Any]:
        mine = tables.liked[row, : condition.top]
        ranks = np.flatnonzero(wanted[mine])
        listed = tables.products["product_id"].gather(mine[ranks[:MOST_LISTED]]).to_list()
        return {"liked": listed, "best_rank": int(ranks[0]) + 1 if len(ranks) else None}

    return Column(members, tell)


def similar_to(condition: Similar, tables: Tables, examples: Mask) -> Column:
    """Look-alikes: customers by the cosine of their vector to the mean of the examples'.

    Args:
        condition: how many, and how alike.
        tables: where the vectors are.
        examples: bool [n_users].
    """
    # The mean needs no more of very many examples, and reads their vectors only.
    rows = np.flatnonzero(examples)
    known = tables.vectors[rows].astype(np.float32)
    lengths = np.linalg.norm(known, axis=1, keepdims=True)
    mean = np.divide(known, lengths, out=np.zeros_like(known), where=lengths > 0).sum(axis=0)
    cosines = _cosines(tables.vectors, mean)
    cosines[np.isnan(cosines)] = -np.inf

    def members() -> Mask:
        free = tables.open if condition.themselves else tables.open & ~examples
        may = np.flatnonzero(free & (cosines >= condition.min_similarity))
        # The row settles ties, so that a rerun finds the same.
        best = may[np.lexsort((may, -cosines[may]))[: condition.top]]
        mask = np.zeros(len(tables), np.bool_)
        mask[best] = True
        return mask

    def tell(row: int) -> dict[str, Any]:
        known = np.isfinite(cosines[row])
        return {
            "similarity": round(float(cosines[row]), 4) if known else None,
            "rank": int((cosines[tables.open] > cosines[row]).sum()) + 1 if known else None,
            "an_example": bool(examples[row]),
        }

    return Column(members, tell)


def _cosines(
    vectors: npt.NDArray[np.float32], to: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Cosine of every row to ``to``, float32 [n_users]; NaN for rows of zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors)) * np.linalg.norm(to)
    out = np.full(len(vectors), np.nan, np.float32)
    np.divide(vectors @ to, lengths, out=out, where=lengths > 0)
    return out
