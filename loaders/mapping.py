"""Any shop's own files, through a mapping file: TOML in, ``Dataset`` out.

``load_mapping`` reads and checks the mapping; ``load_shop`` reads the files it names and runs the
cleaning steps in their order, about 1.5 million lines in a few seconds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from collections.abc import Mapping as AbstractMapping
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from loaders.cleaning import (
    Cleaned,
    drop_duplicates,
    drop_flagged,
    drop_unpriced,
    drop_without_product,
    keep_period,
    limit_non_products,
    mark_changed,
    name_visitors,
)
from loaders.dataset import Dataset
from loaders.describe import (
    merged,
    products_of,
    read_products,
    read_users,
    title_steps,
    users_of,
)
from loaders.errors import ConfigError, DataError
from loaders.lines import read_lines
from loaders.mapping_example import EXAMPLE_MAPPING
from loaders.mapping_schema import Mapping
from loaders.outliers import limit_outliers
from loaders.progress import Progress, silent
from loaders.report import LoadReport, Step
from loaders.returns import net_returns
from loaders.schema import ANONYMOUS_PREFIX
from loaders.taxonomy import category_paths, read_categories, unify_spelling

__all__ = ["EXAMPLE_MAPPING", "Mapping", "load_mapping", "load_shop", "parse_mapping"]

Files = AbstractMapping[str, str | Path]


def load_mapping(path: Path | str) -> Mapping:
    """Read a mapping file.

    Raises:
        ConfigError: the file is missing, not TOML, or has a key that is unknown, missing or wrong;
            the message names every such key.
    """
    try:
        content = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the mapping file cannot be read: {error}") from error
    return parse_mapping(content, str(path))


def parse_mapping(content: str, name: str = "mapping") -> Mapping:
    """Check a mapping given as text; ``name`` stands in messages.

    Raises:
        ConfigError: as ``load_mapping``.
    """
    try:
        return Mapping.model_validate(tomllib.loads(content))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{name}: {'; '.join(_complaints(error))}") from error


def _complaints(error: ValidationError) -> Iterator[str]:
    for found in error.errors():
        key = ".".join(str(part) for part in found["loc"]) or "mapping"
        what = {"extra_forbidden": "no such key", "missing": "this key is needed"}
        yield f"{key}: {what.get(found['type'], found['msg'].removeprefix('Value error, '))}"


def load_shop(
    mapping: Mapping,
    base_dir: Path | str = ".",
    files: Files | None = None,
    progress: Progress = silent,
) -> Dataset:
    """Read a shop's files as a mapping says, clean them and say what became of each line.

    Args:
        mapping: what is what.
        base_dir: folder that the mapping's paths are relative to.
        files: paths that replace the mapping's, by table: ``events``, ``products``, ``users``,
            ``categories``.
        progress: told the stage.

    Raises:
        DataError: a file cannot be used, or no line of it can; nothing was stored.
    """
    place = _Places(mapping, Path(base_dir), files or {})
    progress("read", 0, 3)
    lines = read_lines(mapping, place["events"])
    read = lines.height
    progress("clean", 1, 3)
    lines, steps = clean(lines, mapping)
    if lines.is_empty():
        gone = ", ".join(f"{s.name}: {s.lines:,}" for s in steps if s.removed)
        raise DataError(f"cleaning leaves no line ({gone})", file=str(place["events"]))
    progress("describe", 2, 3)
    tables, more = _tables(lines, mapping, place)
    report = LoadReport(str(place["events"]), read, lines.height, (*steps, *more))
    data = Dataset.of(lines, report, currency=mapping.currency, **tables)
    progress("describe", 3, 3)
    return data


def clean(lines: pl.DataFrame, mapping: Mapping) -> tuple[pl.DataFrame, list[Step]]:
    """Run every cleaning step over the lines; steps that met no line are left out."""
    steps: list[Step] = []
    for act in _actions(mapping):
        lines, done = act(lines)
        steps += [s for s in done if s.lines]
    visitor = pl.col("user_id").str.starts_with(ANONYMOUS_PREFIX)
    return lines.with_columns(anonymous=visitor), steps


def _actions(mapping: Mapping) -> Iterator[Any]:
    """The steps in order; who and what a line is comes before what it is worth."""
    rule = mapping.cleaning
    yield drop_flagged
    if rule.duplicates == "drop":
        yield drop_duplicates
    yield lambda x: keep_period(x, rule.earliest, rule.latest)
    yield _clock_changes
    yield drop_without_product
    yield lambda x: limit_non_products(x, mapping.non_products.action)
    yield lambda x: drop_unpriced(x, rule.no_price)
    yield lambda x: name_visitors(x, rule.anonymous)
    yield lambda x: net_returns(x, mapping.cancellations.effect)
    yield lambda x: limit_outliers(x, rule.outliers, rule.outlier_limit)
    yield unify_spelling


def _clock_changes(lines: pl.DataFrame) -> Cleaned:
    twice = "local hours that come twice when the clock goes back: the first is taken"
    never = "local hours skipped when the clock goes forward: counted on from before"
    lines, first = mark_changed(lines, "ambiguous time", twice, pl.col("ambiguous"))
    lines, second = mark_changed(lines, "nonexistent time", never, pl.col("nonexistent"))
    return lines, first + second


class _Places:
    """Where each table's file is."""

    def __init__(self, mapping: Mapping, base: Path, files: Files) -> None:
        unknown = sorted(set(files) - {"events", "products", "users", "categories"})
        if unknown:
            raise ConfigError(f"files: no table called {', '.join(unknown)}")
        self._mapping, self._base, self._files = mapping, base, files

    def __getitem__(self, table: str) -> Path:
        given = self._files.get(table)
        return Path(given) if given else self._base / getattr(self._mapping, table).file


def _tables(
    lines: pl.DataFrame, mapping: Mapping, place: _Places
) -> tuple[dict[str, pl.DataFrame], list[Step]]:
    """Products, users and categories, with what was noticed about them."""
    steps = title_steps(lines)
    described, categories = category_paths(lines)
    products, users = products_of(described), users_of(lines)
    if mapping.products:
        own, notes, table = _products_file(mapping, place)
        products = merged(own, products, "product_id")
        categories = pl.concat([table, categories]).unique("category_id", maintain_order=True)
        steps += notes
    if mapping.users:
        own, notes = read_users(mapping.users, place["users"])
        users = merged(own, users, "user_id").with_columns(pl.col("anonymous").fill_null(False))
        steps += notes
    tables = {"products": products, "users": users, "categories": categories}
    return tables, [s for s in steps if s.lines]


def _products_file(
    mapping: Mapping, place: _Places
) -> tuple[pl.DataFrame, list[Step], pl.DataFrame]:
    assert mapping.products is not None
    own, notes = read_products(mapping.products, place["products"], mapping)
    own, spelling = unify_spelling(own)
    own, categories = category_paths(own)
    if mapping.categories:
        categories = read_categories(mapping.categories, place["categories"])
    return own, notes + spelling, categories
