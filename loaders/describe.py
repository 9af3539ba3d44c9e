"""Product, customer and category tables, out of the sale lines and the files beside them.

What a file of its own says goes before the lines; among lines that disagree the most frequent
wins, and equal counts go to the first in alphabetical order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from loaders.cleaning import step
from loaders.errors import DataError
from loaders.files import LINE, read_table
from loaders.lines import is_non_product
from loaders.mapping_schema import Mapping, ProductsFile, UsersFile
from loaders.report import Step
from loaders.values import ids, numbers, refuse, text, unreadable

__all__ = ["most_frequent", "products_of", "read_products", "read_users", "title_steps", "users_of"]


def most_frequent(lines: pl.DataFrame, key: str, column: str) -> pl.DataFrame:
    """The most frequent value of ``column`` for each ``key``: two columns, one row a key."""
    counted = lines.select(key, column).drop_nulls().group_by(key, column).len()
    ranked = counted.sort(key, "len", column, descending=[False, True, False])
    return ranked.group_by(key, maintain_order=True).first().drop("len")


def products_of(lines: pl.DataFrame) -> pl.DataFrame:
    """What the lines say of each product: title, brand, category, attributes, median unit price."""
    prices = (
        lines.filter(pl.col("event") == "purchase")
        .group_by("product_id")
        .agg(price=(pl.col("value") / pl.col("quantity")).median())
    )
    table = lines.select("product_id").unique(maintain_order=True)
    table = table.join(prices, on="product_id", how="left", maintain_order="left")
    return _attributes(table, lines, "product_id", ["title", "brand", "category_id"], "product.")


def users_of(lines: pl.DataFrame) -> pl.DataFrame:
    """What the lines say of each customer."""
    table = lines.group_by("user_id", maintain_order=True).agg(
        anonymous=pl.col("anonymous").first()
    )
    return _attributes(table, lines, "user_id", [], "user.")


def title_steps(lines: pl.DataFrame) -> list[Step]:
    """Count titles that were trimmed, and lines whose title another, more frequent one replaces."""
    chosen = most_frequent(lines, "product_id", "title").rename({"title": "chosen"})
    joined = lines.join(chosen, on="product_id", how="left", maintain_order="left")
    other = joined.filter(pl.col("title").is_not_null() & (pl.col("title") != pl.col("chosen")))
    products = other["product_id"].n_unique()
    return [
        step("trimmed", "titles with white space to spare", lines.filter("trimmed"), removed=False),
        step(
            "several titles",
            f"titles other than their product's most frequent one, of {products:,} products",
            other,
            removed=False,
        ),
    ]


def _attributes(
    table: pl.DataFrame, lines: pl.DataFrame, key: str, columns: Sequence[str], prefix: str
) -> pl.DataFrame:
    extra = [c for c in lines.columns if c.startswith(prefix)]
    for column in [*(c for c in columns if c in lines.columns), *extra]:
        chosen = most_frequent(lines, key, column)
        table = table.join(chosen, on=key, how="left", maintain_order="left")
    return table.rename({c: c.removeprefix(prefix) for c in extra})


def read_products(
    spec: ProductsFile, path: Path, mapping: Mapping
) -> tuple[pl.DataFrame, list[Step]]:
    """Read the products file.

    Returns:
        ``product_id`` with whatever the mapping names (category levels as ``category.0`` and on),
        and a step counting repeated rows.

    Raises:
        DataError: an id is missing, or comes twice with different content, or a price cannot be
            read.
    """
    named = {"title": spec.title, "brand": spec.brand, "category_id": spec.category}
    named |= {f"category.{i}": c for i, c in enumerate(spec.categories)} | dict(spec.attributes)
    columns = {name: c for name, c in named.items() if c}
    wanted = [spec.product, *columns.values(), *([spec.price] if spec.price else [])]
    raw = read_table(path, spec, wanted)
    table = raw.select(LINE).with_columns(
        ids(raw[spec.product], mapping.cleaning.product_case).alias("product_id")
    )
    table = table.with_columns(text(raw[c]).alias(name) for name, c in columns.items())
    if "category_id" in columns:
        table = table.with_columns(ids(raw[columns["category_id"]]).alias("category_id"))
    if spec.price:
        price = numbers(raw[spec.price], spec.decimal, spec.thousands)
        refuse(raw, unreadable(raw[spec.price], price), spec.price, "a number", path)
        table = table.with_columns(price.alias("price"))
    if mapping.non_products.action == "drop":
        titles = text(raw[spec.title]) if spec.title else None
        table = table.filter(~is_non_product(ids(raw[spec.product]), titles, mapping.non_products))
    return _one_each(table, "product_id", columns | {"product_id": spec.product}, path)


def read_users(spec: UsersFile, path: Path) -> tuple[pl.DataFrame, list[Step]]:
    """Read the customers file: ``user_id`` and attributes, with a step counting repeated rows.

    Raises:
        DataError: an id is missing, or comes twice with different content.
    """
    raw = read_table(path, spec, [spec.user, *spec.attributes.values()])
    plain = [
        (raw[c] if raw[c].dtype.is_numeric() else text(raw[c])).alias(name)
        for name, c in spec.attributes.items()
    ]
    table = pl.DataFrame([raw[LINE], ids(raw[spec.user]).alias("user_id"), *plain])
    return _one_each(table, "user_id", dict(spec.attributes) | {"user_id": spec.user}, path)


def _one_each(
    table: pl.DataFrame, key: str, columns: dict[str, str], path: Path
) -> tuple[pl.DataFrame, list[Step]]:
    """One row an id; rows that only repeat another are dropped, contradictions refused."""
    for line in table.filter(pl.col(key).is_null())[LINE].head(1):
        raise DataError("expected an id", file=str(path), row=line, column=columns[key])
    once = table.unique(pl.selectors.exclude(LINE), keep="first", maintain_order=True)
    for name in [c for c in once.columns if c not in (LINE, key)]:
        _refuse_contradiction(once, key, name, columns.get(name, name), path)
    repeated = table.filter(~pl.col(LINE).is_in(once[LINE].implode()))
    note = step(f"repeated {key}", f"rows of {path.name} that repeat another", repeated,
                removed=False)  # fmt: skip
    return once.drop(LINE), [note]


def _refuse_contradiction(once: pl.DataFrame, key: str, name: str, column: str, path: Path) -> None:
    first = pl.col(name).first().over(key)
    wrong = once.with_columns(first=first).filter(pl.col(name).ne_missing(pl.col("first")))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise DataError(
            f"{key} '{row[key]}' was {row['first']!r} before and is {row[name]!r} here "
            f"({wrong[key].n_unique():,} ids like it); expected one row an id",
            file=str(path),
            row=row[LINE],
            column=column,
        )


def merged(own: pl.DataFrame, said: pl.DataFrame, key: str) -> pl.DataFrame:
    """Rows of both tables; where both know a column, ``own`` (the file) goes before ``said``."""
    joined = own.join(said, on=key, how="full", coalesce=True, suffix="__said")
    shared = [c for c in said.columns if c in own.columns and c != key]
    filled = joined.with_columns(pl.coalesce(c, f"{c}__said").alias(c) for c in shared)
    return filled.drop(f"{c}__said" for c in shared)
