"""Members of an audience as CSV, NDJSON or Parquet, with the columns that are asked for.

A spreadsheet runs a cell of CSV that starts with one of ``= + - @`` or a tab or line break; such
text gets an apostrophe before it. See https://owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

import numpy as np
import polars as pl

from audiences.tables import Mask, Tables
from loaders.errors import OptionError

__all__ = ["FORMS", "Form", "columns_of", "member_frame", "written"]

Form = Literal["csv", "ndjson", "parquet"]
FORMS: Final[dict[Form, str]] = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
"""Media type of each form."""
ROWS: Final = 100_000
"""Rows written at a time."""
_DANGEROUS: Final = r"^[=+\-@\t\r\n]"


def columns_of(tables: Tables) -> list[str]:
    """What may be exported: the id, the segment, traits, then the shop's own attributes."""
    own = [c for c in tables.attributes.columns if c not in tables.traits.columns]
    return ["user_id", "segment", *tables.traits.columns, *own]


def member_frame(tables: Tables, mask: Mask, columns: Sequence[str] = ("user_id",)) -> pl.DataFrame:
    """The members, one row each in the order of their rows.

    Args:
        tables: of the build.
        mask: members, bool [n_users].
        columns: what to tell of each; see ``columns_of``.

    Raises:
        OptionError: a column is not there; the message names those that are.
    """
    known = columns_of(tables)
    if unknown := [c for c in dict.fromkeys(columns) if c not in known]:
        raise OptionError(
            "columns", f"there is no {', '.join(unknown)}; there are {', '.join(known)}"
        )
    rows = np.flatnonzero(mask)
    return pl.DataFrame({name: _column(tables, name, rows) for name in dict.fromkeys(columns)})


def _column(
    tables: Tables, name: str, rows: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> pl.Series:
    if name == "user_id":
        return tables.users.ids.gather(rows)
    if name == "segment":
        group = tables.groupings[0]
        place = pl.Series(group.member[rows], dtype=pl.Int64)
        return pl.Series(group.ids, dtype=pl.String).gather(place.set(place < 0, None))
    frame = tables.traits if name in tables.traits.columns else tables.attributes
    return frame[name].gather(rows)


def written(frame: pl.DataFrame, form: Form) -> Iterator[bytes]:
    """``frame`` in pieces; Parquet is one piece."""
    if form == "parquet":
        out = io.BytesIO()
        frame.write_parquet(out)
        yield out.getvalue()
        return
    write = _csv if form == "csv" else _ndjson
    if form == "csv":
        yield ",".join(frame.columns).encode() + b"\n"
    for part in frame.iter_slices(ROWS):
        yield write(part)


def _csv(part: pl.DataFrame) -> bytes:
    texts = [name for name, kind in part.schema.items() if kind == pl.String]
    return _bytes(part.with_columns(map(_safe, texts)).write_csv, include_header=False)


def _safe(name: str) -> pl.Expr:
    text = pl.col(name)
    quoted = pl.concat_str(pl.lit("'"), text)
    return pl.when(text.str.contains(_DANGEROUS)).then(quoted).otherwise(text).alias(name)


def _ndjson(part: pl.DataFrame) -> bytes:
    return _bytes(part.write_ndjson)


def _bytes(write: Callable[..., None], **options: bool) -> bytes:
    out = io.BytesIO()
    write(out, **options)
    return out.getvalue()
