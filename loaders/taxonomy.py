"""Categories: paths of level names, or a file of ids and parents, as one table.

Names are the same category where only case or white space differ; the most frequent spelling is
shown. A path's id is its lower-cased names joined by `` > ``, so that it survives a change of
spelling.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from loaders.cleaning import step
from loaders.errors import DataError
from loaders.files import LINE, read_table
from loaders.lines import category_columns
from loaders.mapping_schema import CategoriesFile
from loaders.report import Step
from loaders.schema import empty
from loaders.values import ids, text

__all__ = ["SEPARATOR", "category_paths", "read_categories", "unify_spelling"]

SEPARATOR = " > "
_MOST_LEVELS = 50


def unify_spelling(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Step]]:
    """Write each category level in its most frequent spelling; count the rows that changed."""
    levels = category_columns(rows)
    if not levels:
        return rows, []
    chosen = rows.with_columns(_most_frequent_spelling(rows[level]) for level in levels)
    changed = pl.any_horizontal(rows[level].ne_missing(chosen[level]) for level in levels)
    doc = "category names that differ from a more frequent spelling in case only"
    return chosen, [step("category spelling", doc, rows.filter(changed), removed=False)]


def _most_frequent_spelling(names: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"name": names, "key": names.str.to_lowercase()})
    counted = frame.drop_nulls().group_by("key", "name").len()
    ranked = counted.sort("key", "len", "name", descending=[False, True, False])
    best = ranked.group_by("key", maintain_order=True).first()
    joined = frame.join(best, on="key", how="left", suffix="_best", maintain_order="left")
    return joined["name_best"].alias(names.name)


def category_paths(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Turn level columns into categories.

    A path ends at its first empty level.

    Returns:
        ``rows`` with ``category_id`` in place of the level columns, and the table of categories.
    """
    levels = category_columns(rows)
    if not levels:
        return rows, empty("categories")
    paths = rows.with_columns(
        _path(levels[: depth + 1]).alias(f"path.{depth}") for depth in range(len(levels))
    )
    tables = [
        paths.select(
            category_id=f"path.{depth}",
            name=level,
            level=pl.lit(depth, pl.Int64),
            parent_id=pl.col(f"path.{depth - 1}") if depth else pl.lit(None, pl.String),
        ).drop_nulls("category_id")
        for depth, level in enumerate(levels)
    ]
    categories = pl.concat(tables).unique("category_id", keep="first", maintain_order=True)
    deepest = pl.coalesce(*(f"path.{d}" for d in reversed(range(len(levels)))))
    leaf = paths.with_columns(category_id=deepest)
    return leaf.drop(*levels, *(f"path.{d}" for d in range(len(levels)))), categories


def _path(levels: list[str]) -> pl.Expr:
    """The id of a path; null where any level is. A ``>`` inside a name must not look like ours."""
    names = [pl.col(c).str.to_lowercase().str.replace_all(">", "/", literal=True) for c in levels]
    return pl.concat_str(names, separator=SEPARATOR)


def read_categories(spec: CategoriesFile, path: Path) -> pl.DataFrame:
    """Read a file of categories and work out their levels.

    Raises:
        DataError: an id is missing or repeated, a parent unknown, or a category above itself.
    """
    columns = [c for c in (spec.category, spec.name, spec.parent) if c]
    raw = read_table(path, spec, columns)
    key = ids(raw[spec.category]).alias("category_id")
    name = text(raw[spec.name]) if spec.name else key
    parent = ids(raw[spec.parent]) if spec.parent else key.clear(len(key))
    table = pl.DataFrame([raw[LINE], key, name.alias("name"), parent.alias("parent_id")])
    _refuse(table, pl.col("category_id").is_null(), "expected an id", path, spec.category)
    repeated = ~pl.col("category_id").is_first_distinct()
    _refuse(table, repeated, "this id was given before", path, spec.category)
    known = pl.col("parent_id").is_in(key.implode())
    _refuse(table, ~known, "expected the id of a category", path, spec.parent or "")
    levelled = table.join(_levels(table, path), on="category_id", maintain_order="left")
    return levelled.select("category_id", pl.coalesce("name", "category_id"), "level", "parent_id")


def _levels(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Level of each category, by walking down from those without a parent."""
    found = table.filter(pl.col("parent_id").is_null()).select("category_id", level=pl.lit(0))
    floor = found
    for depth in range(1, _MOST_LEVELS):
        below = table.join(floor.select(parent_id="category_id"), on="parent_id", how="semi")
        floor = below.select("category_id", level=pl.lit(depth))
        found = pl.concat([found, floor])
        if floor.is_empty():
            break
    lost = ~pl.col("category_id").is_in(found["category_id"].implode())
    _refuse(table, lost, "the category is above itself", path, "parent")
    return found.with_columns(pl.col("level").cast(pl.Int64))


def _refuse(frame: pl.DataFrame, bad: pl.Expr, expected: str, path: Path, column: str) -> None:
    rows = frame.filter(bad.fill_null(False))
    if rows.height:
        row = rows.row(0, named=True)
        found = f"category '{row['category_id']}', parent '{row['parent_id']}'"
        raise DataError(f"{expected}; found {found} ({rows.height:,} such rows)", file=str(path),
                        row=row[LINE], column=column)  # fmt: skip
