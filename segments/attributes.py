"""What a shop knows of its customers beside their events, made fit for counting and for distance.

Attributes are whatever further columns the users table has; columns that nearly tell customers
apart (ids, names, post codes) and dates say nothing about a group and are left out.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from loaders.impute import Method, impute
from loaders.schema import TABLES

__all__ = ["attribute_columns", "attribute_edges", "attribute_values", "attribute_vectors"]

MOST_VALUES = 50
"""A text column with more different values is no attribute of a group."""

FEW_NUMBERS = 12
"""Numbers with more different values are shown in ranges."""

RANGES = 4


def attribute_columns(users: pl.DataFrame) -> list[str]:
    """Columns of ``users`` that describe groups of customers."""
    own = TABLES["users"].dtypes
    return [c for c in users.columns if c not in own and _describes(users[c])]


def attribute_values(values: pl.Series) -> pl.Series:
    """One attribute as text, numbers of many values in quartile ranges; nulls stay."""
    edges = attribute_edges(values)
    if edges is None:
        return values.cast(pl.String)
    numbers = values.cast(pl.Float64)
    place = np.clip(np.searchsorted(edges, numbers.to_numpy(), "right") - 1, 0, len(edges) - 2)
    labels = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    named = pl.Series(values.name, [labels[p] for p in place], dtype=pl.String)
    return named.zip_with(numbers.is_not_null(), pl.Series([None], dtype=pl.String))


def attribute_edges(values: pl.Series) -> npt.NDArray[np.float64] | None:
    """Edges of the quartile ranges an attribute's numbers are shown in; ``None`` for no ranges."""
    if not values.dtype.is_numeric() or values.n_unique() <= FEW_NUMBERS:
        return None
    numbers = values.cast(pl.Float64).drop_nulls().to_numpy()
    return np.asarray(np.unique(np.quantile(numbers, np.linspace(0, 1, RANGES + 1))))


def attribute_vectors(
    users: pl.DataFrame, columns: list[str], method: Method
) -> npt.NDArray[np.float32]:
    """Attributes as vectors, float32 [n, dim], missing ones imputed by ``method`` first.

    Numbers are standardised, every other value gets a column of its own.
    """
    full = impute(users.select(columns), columns, method)
    parts = [_standard(full[c]) if full[c].dtype.is_numeric() else _hot(full[c]) for c in columns]
    return np.hstack(parts).astype(np.float32)


def _describes(values: pl.Series) -> bool:
    different = values.drop_nulls().n_unique()
    if values.dtype.is_numeric():
        return different > 1
    return values.dtype in (pl.String, pl.Boolean) and 1 < different <= MOST_VALUES


def _standard(values: pl.Series) -> npt.NDArray[np.float64]:
    numbers = values.cast(pl.Float64).to_numpy()
    return np.asarray((numbers - numbers.mean()) / (numbers.std() or 1.0))[:, None]


def _hot(values: pl.Series) -> npt.NDArray[np.float64]:
    kinds = values.unique().sort()
    return np.column_stack([(values == kind).cast(pl.Float64).to_numpy() for kind in kinds])
