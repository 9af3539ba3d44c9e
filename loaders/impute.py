"""Missing attributes filled in, for the models that cannot do without.

Nothing is filled while loading: a made-up age in the store would look like a real one. A model
that needs complete columns asks for them here, by the method its configuration names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from loaders.errors import ConfigError, DataError

__all__ = ["Method", "impute"]

Method = Literal["median", "most_frequent", "knn"]

_NEIGHBOURS = 5
_UNKNOWN = "unknown"


def impute(frame: pl.DataFrame, columns: Sequence[str], method: Method) -> pl.DataFrame:
    """Fill the nulls of ``columns``.

    Args:
        frame: the table; other columns are left as they are and not looked at.
        columns: numeric, boolean or text columns.
        method: ``median`` of numbers, with the most frequent value elsewhere; ``most_frequent``
            everywhere; ``knn``, the value that the five rows nearest in the other ``columns``
            have: their mean for numbers, their majority elsewhere. Distance is Euclidean over
            standardised numbers and one-hot categories, leaving missing parts out
            (``sklearn.impute.KNNImputer``).

    Returns:
        ``frame`` with no nulls in ``columns``. A column with no value at all becomes 0, false or
        ``"unknown"``. Integers stay integers.

    Raises:
        ConfigError: there is no such method.
        DataError: a column is missing or of another type.
    """
    if method not in ("median", "most_frequent", "knn"):
        raise ConfigError(f"impute: expected median, most_frequent or knn, found '{method}'")
    for column in columns:
        if column not in frame.columns:
            raise DataError(f"expected it among {', '.join(frame.columns)}", column=column)
        if not _fillable(frame[column].dtype):
            raise DataError(f"cannot fill values of type {frame[column].dtype}", column=column)
    if method == "knn":
        frame = _nearest(frame, [c for c in columns if frame[c].null_count() < frame.height])
    return frame.with_columns(_simple(frame[c], method) for c in columns)


def _fillable(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype in (pl.Boolean, pl.String, pl.Null)


def _simple(values: pl.Series, method: Method) -> pl.Series:
    if not values.null_count():
        return values
    if values.dtype == pl.Null:
        return values.cast(pl.String).fill_null(_UNKNOWN)
    numeric = values.dtype.is_numeric()
    if values.null_count() == len(values):
        return values.fill_null(
            0 if numeric else (_UNKNOWN if values.dtype == pl.String else False)
        )
    if numeric and method != "most_frequent":
        middle = values.median()
        whole = values.dtype.is_integer() and isinstance(middle, float)
        return values.fill_null(round(middle) if whole else middle)  # type: ignore[arg-type]
    return values.fill_null(values.drop_nulls().mode().sort()[0])


def _nearest(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Fill by nearest neighbours over all ``columns`` at once."""
    if not any(frame[c].null_count() for c in columns):
        return frame
    from sklearn.impute import KNNImputer

    parts = {c: _coded(frame[c]) for c in columns}
    matrix = np.hstack(list(parts.values()))
    filled = KNNImputer(n_neighbors=_NEIGHBOURS, keep_empty_features=True).fit_transform(matrix)
    ends = np.cumsum([part.shape[1] for part in parts.values()])
    blocks = np.split(filled, ends[:-1], axis=1)
    return frame.with_columns(
        _decoded(frame[c], block) for c, block in zip(columns, blocks, strict=True)
    )


def _coded(values: pl.Series) -> npt.NDArray[np.float64]:
    """Standardised numbers [n, 1], or one column a category [n, categories]; NaN where missing."""
    if values.dtype.is_numeric():
        numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        spread = float(np.nanstd(numbers)) or 1.0
        return np.asarray((numbers - np.nanmean(numbers)) / spread, np.float64)[:, None]
    found = values.drop_nulls().unique().sort()
    hot = np.column_stack([(values == kind).cast(pl.Float64).to_numpy() for kind in found])
    return np.where(values.is_null().to_numpy()[:, None], np.nan, hot)


def _decoded(values: pl.Series, block: npt.NDArray[np.float64]) -> pl.Series:
    """Put the imputed block's values where ``values`` has none."""
    if values.dtype.is_numeric():
        numbers = values.cast(pl.Float64)
        spread = numbers.std(ddof=0)
        scale = spread if isinstance(spread, float) and spread else 1.0
        guess = pl.Series(block[:, 0] * scale + float(numbers.mean()))  # type: ignore[arg-type]
        fitting = guess.round() if values.dtype.is_integer() else guess
        return values.zip_with(values.is_not_null(), fitting.cast(values.dtype)).alias(values.name)
    found = values.drop_nulls().unique().sort()
    guess = found.gather(block.argmax(axis=1))
    return values.zip_with(values.is_not_null(), guess).alias(values.name)
