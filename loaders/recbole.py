"""RecBole's atomic files: tab-separated tables whose header gives each column a type.

``NAME.inter`` holds the events, ``NAME.user`` and ``NAME.item`` what is known of users and items;
a header reads ``user_id:token  item_id:token  rating:float  timestamp:float``.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from loaders.cleaning import split
from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.files import LINE, FileFormat, read_table
from loaders.lines import event_ids
from loaders.mapping_schema import TAKEN_NAMES, attribute_name
from loaders.progress import Progress, silent
from loaders.report import LoadReport
from loaders.schema import empty
from loaders.taxonomy import category_paths
from loaders.values import ids, numbers, refuse, text, times, unreadable

__all__ = ["load_recbole"]

_FORMAT = FileFormat(separator="\t", quote="")
_TYPES = ("token", "token_seq", "float", "float_seq")
_TITLES = ("title", "name")
_GENRES = ("class", "genre", "categor")


def load_recbole(path: Path | str, progress: Progress = silent) -> Dataset:
    """Load a data set from its folder or its ``.inter`` file.

    With a ``rating`` column events are ``rate``, else ``purchase``. Timestamps are seconds since
    1970 in UTC; without them the place in the file counts, a minute a row from 2000-01-01 on. An
    item's title is its column called title or name, its category the first word of the one called
    class, genre or category.

    Raises:
        DataError: there is no single ``.inter`` file, a header lacks types or ids, or a value is
            not of its column's type.
    """
    inter = _inter_file(Path(path))
    progress("read", 0, 2)
    raw, columns = _typed(inter)
    user, item = _id_column(columns, "user", inter), _id_column(columns, "item", inter)
    events, steps = split(
        _events(raw, user, item),
        "no user or item",
        "the row names no user or no item",
        pl.col("user_id").is_null() | pl.col("product_id").is_null(),
    )
    progress("describe", 1, 2)
    products, categories = _items(inter.with_suffix(".item"))
    return Dataset.of(
        events,
        LoadReport(str(inter), raw.height, events.height, tuple(s for s in steps if s.lines)),
        users=_users(inter.with_suffix(".user")),
        products=products,
        categories=categories,
    )


def _inter_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.inter"))
    if len(found) != 1:
        raise DataError(f"expected one .inter file, found {len(found)}", file=str(path))
    return found[0]


def _typed(path: Path) -> tuple[pl.DataFrame, list[str]]:
    """The table with bare names and typed columns; sequences stay text."""
    raw = read_table(path, _FORMAT)
    columns: list[pl.Series] = [raw[LINE]]
    for header in raw.columns[1:]:
        name, _, kind = header.rpartition(":")
        if not name or kind not in _TYPES:
            raise DataError(f"expected a header of name:type with a type of {', '.join(_TYPES)}",
                            file=str(path), row=1, column=header)  # fmt: skip
        typed = numbers(raw[header]) if kind == "float" else text(raw[header])
        refuse(raw, unreadable(raw[header], typed), header, "a number", path)
        columns.append(typed.alias(name))
    frame = pl.DataFrame(columns)
    return frame, frame.columns[1:]


def _id_column(columns: list[str], what: str, path: Path) -> str:
    for column in columns:
        if what in column.lower():
            return column
    raise DataError(f"expected a column of {what} ids, found {', '.join(columns)}", file=str(path))


def _events(raw: pl.DataFrame, user: str, item: str) -> pl.DataFrame:
    rated = "rating" in raw.columns
    if "timestamp" in raw.columns:
        at = times(raw["timestamp"], "epoch_s").values
    else:
        start = pl.datetime(2000, 1, 1, time_zone="UTC")
        at = raw.select(start + pl.duration(minutes=pl.int_range(pl.len()))).to_series()
    none = pl.lit(None, pl.String)
    events = raw.select(
        LINE,
        event=pl.lit("rate" if rated else "purchase"),
        user_id=ids(raw[user]),
        product_id=ids(raw[item]),
        at=at,
        rating=pl.col("rating") if rated else pl.lit(None, pl.Float64),
        order_id=none,
        session_id=ids(raw["session_id"]) if "session_id" in raw.columns else none,
    )
    return events.with_columns(event_id=event_ids(events))


def _users(path: Path) -> pl.DataFrame | None:
    if not path.exists():
        return None
    raw, columns = _typed(path)
    key = _id_column(columns, "user", path)
    table = pl.DataFrame([ids(raw[key]).alias("user_id")])
    return table.with_columns(_attributes(raw, [c for c in columns if c != key], "user"))


def _items(path: Path) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """Items as products, and their categories."""
    if not path.exists():
        return None, empty("categories")
    raw, columns = _typed(path)
    key = _id_column(columns, "item", path)
    others = [c for c in columns if c != key]
    title, genre = _called(others, _TITLES), _called(others, _GENRES)
    table = pl.DataFrame([ids(raw[key]).alias("product_id")])
    table = table.with_columns(_attributes(raw, [c for c in others if c != title], "item"))
    if title:
        table = table.with_columns(raw[title].alias("title"))
    if genre:
        table = table.with_columns(raw[genre].str.extract(r"^(\S+)").alias("category.0"))
    return category_paths(table)


def _attributes(raw: pl.DataFrame, columns: list[str], of: str) -> list[pl.Series]:
    """Columns under names an attribute may have; price and brand are what the contract means."""
    found = []
    for column in columns:
        name = attribute_name(column)
        taken = name in TAKEN_NAMES and not (of == "item" and name in ("price", "brand"))
        found.append(raw[column].alias(f"{of}_{name}" if taken else name))
    return found


def _called(columns: list[str], words: tuple[str, ...]) -> str | None:
    """The first column whose name holds one of ``words``, earlier words first."""
    return next((c for word in words for c in columns if word in c.lower()), None)
