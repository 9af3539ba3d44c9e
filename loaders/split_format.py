"""The text format of published recommender splits (NGCF, LightGCN): ``user item item ...``.

One line a user, integers between blanks. The format knows no time and no orders. Published splits
list a user's items mostly in time order, so the place in the line is kept as one: the last item
of every line happens at ``END`` and each item before it a minute earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.progress import Progress, silent
from loaders.report import LoadReport
from loaders.text import utf8_chunks

__all__ = ["END", "Split", "load_split", "read_split"]

END: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The moment of the last item of every line."""

_MAX_LINE = 50_000_000


@dataclass(frozen=True)
class Split:
    """Pairs in the order of the file.

    Attributes:
        users, items: int64 [n], the file's own numbers.
        lines: number of lines that name a user, with or without items.
    """

    users: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    lines: int


def read_split(path: Path | str) -> Split:
    """Read a split as arrays, for evaluation on fixed train and test files.

    A user may come on several lines, and a line may hold no items.

    Raises:
        DataError: the file cannot be read, or a line holds something that is no whole number
            from 0 on; the row is named.
    """
    path = Path(path)
    content = b"".join(utf8_chunks(path, max_line=_MAX_LINE)).decode()
    lines = pl.DataFrame({"line": content.removeprefix("\ufeff").split("\n")}).with_row_index(
        "row", offset=1
    )
    tokens = lines.select("row", pl.col("line").str.extract_all(r"\S+")).filter(
        pl.col("line").list.len() > 0
    )
    if tokens.is_empty():
        raise DataError("the file holds no lines of 'user item item ...'", file=str(path))
    flat = tokens.explode("line").with_columns(number=pl.col("line").cast(pl.Int64, strict=False))
    _refuse_garbage(flat, path)
    user = pl.col("number").first().over("row")
    pairs = flat.with_columns(user=user).filter(~pl.col("row").is_first_distinct())
    return Split(pairs["user"].to_numpy(), pairs["number"].to_numpy(), tokens.height)


def _refuse_garbage(flat: pl.DataFrame, path: Path) -> None:
    bad = flat.filter(pl.col("number").is_null() | (pl.col("number") < 0))
    if bad.height:
        raise DataError(
            f"expected whole numbers 'user item item ...', found {bad['line'][0]!r:.40} "
            f"({bad.height:,} such of {flat.height:,})",
            file=str(path),
            row=int(bad["row"][0]),
        )


def load_split(path: Path | str, progress: Progress = silent) -> Dataset:
    """Load a split file as a shop of purchases without orders.

    Raises:
        DataError: as ``read_split``.
    """
    progress("read", 0, 2)
    split = read_split(path)
    progress("describe", 1, 2)
    place = pl.int_range(pl.len()).over("user")
    left = pl.col("user").count().over("user") - 1 - pl.col("place")
    pairs = pl.DataFrame({"user": split.users, "item": split.items}).with_columns(place=place)
    events = pairs.select(
        event_id=pl.format("{}/{}", "user", "place"),
        event=pl.lit("purchase"),
        user_id=pl.col("user").cast(pl.String),
        product_id=pl.col("item").cast(pl.String),
        at=pl.lit(END) - pl.duration(minutes=left),
    )
    return Dataset.of(events, LoadReport(str(path), len(split.users), events.height))
