"""Typing: columns of text (or already typed) into ids, numbers and UTC times.

Each function returns the typed series, null where a value cannot be read; ``unreadable`` tells
those from values that were missing to begin with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from loaders.errors import ConfigError, DataError
from loaders.files import LINE

__all__ = ["Times", "check_zone", "ids", "numbers", "refuse", "text", "times", "unreadable"]

_EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_LOCAL_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
_OFFSET = r"\d[Tt ]\d\d:?\d\d.*(Z|z|[+-]\d\d:?\d\d)$"


def text(values: pl.Series) -> pl.Series:
    """Text for people: ends trimmed, runs of white space made one blank, nothing left made null."""
    return _per_distinct(values.cast(pl.String), _clean)


def _clean(values: pl.Series) -> pl.Series:
    clean = values.str.strip_chars().str.replace_all(r"\s+", " ")
    return clean.set(clean == "", None)


def _per_distinct(values: pl.Series, convert: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """``convert(values)``, done once for each distinct value where values repeat.

    Columns of a sales file repeat themselves; text work on the few distinct values and a join
    take a fifth of the time.
    """
    distinct = values.unique()
    if 2 * len(distinct) > len(values):
        return convert(values)
    table = pl.DataFrame({"from": distinct, "to": convert(distinct)})
    asked = pl.DataFrame({"from": values})
    found = asked.join(table, on="from", how="left", nulls_equal=True, maintain_order="left")
    return found["to"].alias(values.name)


def ids(values: pl.Series, case: str = "keep") -> pl.Series:
    """Ids as strings: trimmed, ``13085.0`` as ``13085`` (a whole number some export made a float).

    Args:
        values: the column.
        case: ``upper`` or ``lower`` make ids that differ in case one; ``keep`` does not.
    """
    if values.dtype.is_float() and values.is_not_null().any():
        whole = values.cast(pl.Int64, strict=False)
        values = whole if (whole.cast(values.dtype) == values).all() else values

    def plain(found: pl.Series) -> pl.Series:
        clean = text(found).str.replace(r"^(-?\d+)\.0$", "${1}")
        if case == "keep":
            return clean
        return clean.str.to_uppercase() if case == "upper" else clean.str.to_lowercase()

    return _per_distinct(values, plain)


def numbers(values: pl.Series, decimal: str = ".", thousands: str = "") -> pl.Series:
    """Numbers as float64; currency signs and blanks are passed over, infinities are unreadable."""
    if values.dtype.is_numeric():
        typed = values.cast(pl.Float64)
    else:
        typed = _per_distinct(values, lambda found: _number(text(found), decimal, thousands))
    return typed.set(~typed.is_finite(), None)


def _number(values: pl.Series, decimal: str, thousands: str) -> pl.Series:
    plain = values.str.replace_all(r"[\s£$€¥]", "")
    if thousands:
        plain = plain.str.replace_all(thousands, "", literal=True)
    if decimal != ".":
        plain = plain.str.replace_all(r"\.", "#").str.replace_all(decimal, ".", literal=True)
    return plain.cast(pl.Float64, strict=False)


@dataclass(frozen=True)
class Times:
    """Moments in UTC, with what the change to summer and winter time did to them.

    Attributes:
        values: Datetime[us, UTC], null where unreadable.
        ambiguous: bool; the local hour came twice, and the first is taken.
        nonexistent: bool; the local hour was skipped, and counts from before the change.
    """

    values: pl.Series
    ambiguous: pl.Series
    nonexistent: pl.Series


def times(values: pl.Series, date_format: str = "iso", zone: str = "UTC") -> Times:
    """Read dates and times, local to ``zone`` unless they say their own offset, into UTC.

    A year before 1900 or after 2200 is unreadable: it comes of a wrong format.

    Args:
        values: text, numbers since 1970, or dates and times as Parquet stores them.
        date_format: ``iso``, ``epoch_s``, ``epoch_ms``, ``epoch_us`` or a strptime format.
        zone: IANA name of the shop's zone.
    """
    distinct = values.unique()
    if 2 * len(distinct) > len(values):
        return _plausible(_times(values, date_format, zone))
    found = _plausible(_times(distinct, date_format, zone))
    table = pl.DataFrame(
        {"from": distinct, "to": found.values, "twice": found.ambiguous, "never": found.nonexistent}
    )
    asked = pl.DataFrame({"from": values})
    joined = asked.join(table, on="from", how="left", nulls_equal=True, maintain_order="left")
    return Times(joined["to"], joined["twice"], joined["never"])


def _plausible(found: Times) -> Times:
    """Years like 24 or 20240 come of a wrong format and are no dates."""
    year = found.values.dt.year()
    odd = (year < _FIRST_YEAR) | (year > _LAST_YEAR)
    return Times(found.values.set(odd, None), found.ambiguous, found.nonexistent)


def _times(values: pl.Series, date_format: str, zone: str) -> Times:
    if date_format in _EPOCHS and not values.dtype.is_temporal():
        micros = (numbers(values) * _EPOCHS[date_format]).round().cast(pl.Int64, strict=False)
        return _certain(micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
    if values.dtype.is_temporal():
        if getattr(values.dtype, "time_zone", None):
            return _certain(values.cast(pl.Datetime("us", "UTC")))
        return _localised(values.cast(pl.Datetime("us")), zone)
    plain = text(values)
    if "%z" in date_format:
        return _certain(_parsed(plain, date_format).cast(pl.Datetime("us", "UTC")))
    if date_format != "iso":
        return _localised(_parsed(plain, date_format), zone)
    return _iso(plain, zone)


def unreadable(raw: pl.Series, typed: pl.Series) -> pl.Series:
    """Where a value stood that could not be read, bool."""
    return raw.is_not_null() & typed.is_null()


def refuse(
    frame: pl.DataFrame, bad: pl.Series, column: str, expected: str, path: Path | str
) -> None:
    """Raise for the first unreadable value, with how many there are.

    Raises:
        DataError: any of ``bad`` is true.
    """
    rows = frame.filter(bad)
    if rows.height:
        found, total = rows[column][0], frame[column].count()
        raise DataError(
            f"expected {expected}, found {found!r} ({rows.height:,} such of {total:,} values)",
            file=str(path),
            row=int(rows[LINE][0]),
            column=column,
        )


def check_zone(zone: str) -> str:
    """Return ``zone`` if the time zone exists.

    Raises:
        ConfigError: it does not.
    """
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"time zone '{zone}' is unknown; write one like Europe/Paris") from error
    return zone


def _parsed(plain: pl.Series, date_format: str) -> pl.Series:
    return plain.str.to_datetime(date_format, time_unit="us", strict=False)


def _iso(plain: pl.Series, zone: str) -> Times:
    """ISO 8601, with or without offset, seconds or time; formats are tried until all are read."""
    spaced = plain.str.replace("[Tt]", " ")
    offset = plain.str.contains(_OFFSET).fill_null(False)
    local = spaced.set(offset, None)
    read = pl.Series(values=[None] * len(plain), dtype=pl.Datetime("us"))
    for date_format in _LOCAL_FORMATS:
        if read.null_count() == local.null_count():
            break
        read = read.zip_with(read.is_not_null(), _parsed(local, date_format))
    found = _localised(read, zone)
    if not offset.any():
        return found
    zulu = spaced.set(~offset, None).str.replace("[Zz]$", "+00:00")
    aware = _parsed(zulu, "%Y-%m-%d %H:%M:%S%.f%#z").cast(pl.Datetime("us", "UTC"))
    return Times(found.values.zip_with(~offset, aware), found.ambiguous, found.nonexistent)


def _certain(values: pl.Series) -> Times:
    no = pl.repeat(False, len(values), dtype=pl.Boolean, eager=True)
    return Times(values, no, no)


def _localised(local: pl.Series, zone: str) -> Times:
    """Local times of ``zone`` as UTC."""
    if zone == "UTC":
        return _certain(local.dt.replace_time_zone("UTC"))
    first = _in_zone(local, zone, "earliest")
    once = _in_zone(local, zone, "null")
    # A skipped hour keeps the offset that held before: the day before, moved on by 24 hours.
    day = pl.duration(days=1)
    before = pl.select(pl.lit(local) - day).to_series()
    shifted = pl.select(pl.lit(_in_zone(before, zone, "earliest")) + day).to_series()
    skipped = local.is_not_null() & first.is_null()
    return Times(first.zip_with(~skipped, shifted), first.is_not_null() & once.is_null(), skipped)


def _in_zone(local: pl.Series, zone: str, ambiguous: str) -> pl.Series:
    aware = local.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")  # type: ignore[arg-type]
    return aware.dt.convert_time_zone("UTC")
