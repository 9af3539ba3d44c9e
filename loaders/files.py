"""Tables of a shop read as they are: CSV, Parquet and JSON lines, each row with its line number.

Text files stay text here; ``loaders.values`` gives the columns their types. Everything that can
be wrong with a file becomes a ``DataError`` with file, row and column where they can be known.
"""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from loaders.csv_scan import CsvScan, CsvShape
from loaders.errors import DataError
from loaders.text import MAX_LINE_BYTES, is_gzip, open_input, utf8_chunks

__all__ = ["LINE", "FileFormat", "missing_column", "read_table"]

LINE = "__line__"
"""Column of 1-based line numbers (record numbers for Parquet), added to every table read."""


class FileFormat(BaseModel):
    """How a file is written; the defaults fit most exports."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    separator: str = Field(
        default=",", min_length=1, max_length=1, description="Between fields of a CSV."
    )
    quote: str = Field(
        default='"', max_length=1, description='Around fields of a CSV; "" for none.'
    )
    encoding: str = Field(
        default="utf-8", description='Encoding of text: "utf-8", "cp1252", "utf-16".'
    )
    nulls: tuple[str, ...] = Field(
        default=("", "NULL", "null", "NA", "N/A", "NaN", "nan", "\\N"),
        description="Values that mean nothing is there.",
    )
    max_line_bytes: int = Field(
        default=MAX_LINE_BYTES, ge=100, description="A longer line is refused before it is parsed."
    )


def read_table(
    path: Path | str, fmt: FileFormat | None = None, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Read a Parquet file, JSON lines (``.jsonl``, ``.ndjson``, ``.json``) or else a CSV.

    Args:
        path: the file; CSV and JSON lines may be gzip.
        fmt: how it is written.
        columns: those that must be there; every column is read.

    Returns:
        All columns (text of CSV and JSON lines as strings, ``nulls`` as null) after ``LINE``.

    Raises:
        DataError: the file cannot be read as such a table, holds no rows or lacks a column.
    """
    path, fmt = Path(path), fmt or FileFormat()
    frame = _reader(path)(path, fmt)
    if frame.is_empty():
        raise DataError("the file holds no rows", file=str(path))
    for column in columns or ():
        if column not in frame.columns:
            raise missing_column(path, column, frame.columns)
        if f"{column}_duplicated_0" in frame.columns:
            raise DataError("the header has this name twice", file=str(path), column=column)
        if frame[column].dtype.is_nested():
            raise DataError("expected plain values, found nested ones; flatten them first",
                            file=str(path), column=column)  # fmt: skip
    blank = pl.col(pl.String).is_in(list(fmt.nulls))
    return frame.with_columns(pl.when(~blank).then(pl.col(pl.String)))


def _reader(path: Path) -> Callable[[Path, FileFormat], pl.DataFrame]:
    """How to read a file: by its first bytes where they tell, else by its name."""
    with open_input(path) as file:
        start = file.read(4)
    kind = path.name.lower().removesuffix(".gz").rsplit(".", 1)[-1]
    if start == b"PAR1" or kind in ("parquet", "pq"):
        return _parquet
    if start == b"PK\x03\x04" or kind in ("xlsx", "xls", "ods"):
        raise DataError("spreadsheets are not read; save the sheet as CSV", file=str(path))
    return _json_lines if kind in ("jsonl", "ndjson", "json") else _csv


def missing_column(path: Path, column: str, found: Sequence[str]) -> DataError:
    """The error for a column that is not there, with the nearest that is."""
    there = [c for c in found if c != LINE]
    near = difflib.get_close_matches(column.lower(), [c.lower() for c in there], n=1)
    nearest = [c for c in there if near and c.lower() == near[0]]
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    if len(there) == 1:
        hint = "; is the separator right?"
    message = f"expected this column, found {', '.join(there)}{hint}"
    return DataError(message, file=str(path), column=column)


def _parquet(path: Path, _: FileFormat) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"not a readable Parquet file: {error}", file=str(path)) from error
    _refuse_reserved(path, frame.columns)
    return frame.with_row_index(LINE, offset=1)


def _csv(path: Path, fmt: FileFormat) -> pl.DataFrame:
    scan = CsvScan(fmt.separator, fmt.quote)
    content = io.BytesIO()
    direct = not is_gzip(path) and fmt.encoding.lower() in ("utf-8", "utf8", "ascii")
    for chunk in utf8_chunks(path, fmt.encoding, fmt.max_line_bytes):
        scan.see(chunk)
        if not direct:
            content.write(chunk)
    shape = _records(path, fmt, scan.shape())
    content.seek(0)
    try:
        frame = pl.read_csv(
            path if direct else content,
            separator=fmt.separator,
            quote_char=fmt.quote or None,
            infer_schema=False,
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"not a readable CSV file: {error}{_quotes(fmt)}", file=str(path)) from None
    if frame.height != len(shape.lines) - 1:
        raise DataError(
            f"{frame.height:,} rows parsed of {len(shape.lines) - 1:,} records{_quotes(fmt)}",
            file=str(path),
        )
    _refuse_reserved(path, frame.columns)
    numbered = frame.insert_column(0, pl.Series(LINE, shape.lines[1:].astype(np.uint32)))
    return numbered.filter(pl.Series(~shape.blank[1:])) if shape.blank[1:].any() else numbered


def _records(path: Path, fmt: FileFormat, shape: CsvShape) -> CsvShape:
    """The records from the header on, all of one length."""
    first = int(np.argmin(shape.blank))
    shape = CsvShape(
        shape.lines[first:], shape.fields[first:], shape.blank[first:], shape.open_quote
    )
    expected = int(shape.fields[0])
    ragged = np.flatnonzero((shape.fields != expected) & ~shape.blank)
    if shape.open_quote is not None:
        raise DataError(f"a quote opens and never closes{_quotes(fmt)}", file=str(path),
                        row=shape.open_quote)  # fmt: skip
    if len(ragged):
        hint = "; is the separator right?" if expected == 1 else _quotes(fmt)
        raise DataError(
            f"expected {expected} fields as in the header, found {shape.fields[ragged[0]]} "
            f"({len(ragged):,} such rows){hint}",
            file=str(path),
            row=int(shape.lines[ragged[0]]),
        )
    return shape


def _quotes(fmt: FileFormat) -> str:
    return '; if the file does not quote its fields, set quote = ""' if fmt.quote else ""


def _refuse_reserved(path: Path, columns: Sequence[str]) -> None:
    if LINE in columns:
        raise DataError("this column name is reserved; rename it", file=str(path), column=LINE)


def _json_lines(path: Path, fmt: FileFormat) -> pl.DataFrame:
    content = b"".join(utf8_chunks(path, fmt.encoding, fmt.max_line_bytes)).lstrip(b"\xef\xbb\xbf")
    lines = content.split(b"\n")
    kept = [i + 1 for i, line in enumerate(lines) if line.strip()]
    try:
        frame = pl.read_ndjson(io.BytesIO(content), infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise _bad_json(path, lines, error) from error
    if frame.height != len(kept):
        raise _bad_json(path, lines, ValueError("expected one object a line"))
    _refuse_reserved(path, frame.columns)
    flat = frame.with_columns((~pl.selectors.nested()).cast(pl.String))
    return flat.insert_column(0, pl.Series(LINE, kept, dtype=pl.UInt32))


def _bad_json(path: Path, lines: list[bytes], error: Exception) -> DataError:
    """Name the first line that is no JSON object; the parser does not."""
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line) if line.strip() else {}
        except ValueError as wrong:
            return DataError(f"expected a JSON object: {wrong}", file=str(path), row=number)
        if not isinstance(found, dict):
            return DataError(f"expected a JSON object, found {found!r:.60}", file=str(path),
                             row=number)  # fmt: skip
    return DataError(f"not readable as JSON lines: {error}", file=str(path))
