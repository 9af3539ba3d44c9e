"""The events file as typed lines: one row a line read, with flags for what cleaning will ask.

Nothing is removed here, so every event id is made from the whole file and stays the same whatever
the cleaning options are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from loaders.files import LINE, read_table
from loaders.mapping_schema import Cancellations, EventsFile, Mapping, NonProducts
from loaders.values import ids, numbers, refuse, text, times, unreadable

__all__ = ["category_columns", "event_ids", "is_non_product", "read_lines"]


def category_columns(lines: pl.DataFrame) -> list[str]:
    """Names of the columns that hold category levels, broadest first."""
    return [c for c in lines.columns if c.startswith("category.")]


def read_lines(mapping: Mapping, path: Path) -> pl.DataFrame:
    """Read the events file.

    Returns:
        A row a line: ``LINE``, the columns of the contract's events, ``title``, ``brand``,
        ``category.0`` and on, ``product.<attribute>``, ``user.<attribute>``, and booleans
        ``duplicate``, ``unreadable``, ``not_product``, ``takes_back``, ``trimmed``,
        ``ambiguous``, ``nonexistent``. ``event`` is null where the word means no event of ours;
        quantity and value of a line that takes back a sale are positive.

    Raises:
        DataError: the file cannot be read, lacks a column, or (unless the mapping says to drop
            them) has a number or date that cannot be read.
    """
    spec = mapping.events
    raw = read_table(path, spec, _columns(mapping))
    source = _Source(raw, path, strict=mapping.cleaning.unreadable == "refuse")
    amounts, amounts_bad = _amounts(source, spec)
    moments, moments_bad = _moments(source, mapping)
    described = _described(raw, spec)
    lines = pl.DataFrame(
        [raw[LINE], *_keys(raw, mapping), *amounts, *moments, *described]
    ).with_columns(
        unreadable=amounts_bad | moments_bad,
        duplicate=_duplicate(raw),
        trimmed=_trimmed(raw, spec),
        not_product=is_non_product(
            ids(raw[spec.product]),
            text(raw[spec.title]) if spec.title else None,
            mapping.non_products,
        ),
    )
    lines = _taken_back(raw, lines, mapping)
    if spec.event_id:
        return lines.with_columns(event_id=ids(raw[spec.event_id]))
    return lines.with_columns(event_id=event_ids(lines))


def event_ids(lines: pl.DataFrame) -> pl.Series:
    """Ids made of what a line is: ``order/product/n`` for its n-th line of that product.

    Without an order the session, else customer and moment, stand in; events other than purchases
    start with their name. A slash inside a part is written ``%2F``.
    """
    visit = pl.coalesce("order_id", "session_id", pl.format("{}@{}", "user_id", _micros()))
    parts = lines.select(
        LINE,
        "event",
        _part(visit.fill_null("?")).alias("visit"),
        _part(pl.col("product_id").fill_null("?")).alias("product"),
    )
    count = pl.int_range(1, pl.len() + 1).over("event", "visit", "product")
    plain = pl.format("{}/{}/{}", "visit", "product", count)
    named = pl.format("{}/{}", pl.col("event"), plain)
    return parts.select(
        pl.when(pl.col("event") == "purchase").then(plain).otherwise(pl.coalesce(named, plain))
    ).to_series()


def _micros() -> pl.Expr:
    return pl.col("at").dt.epoch("us")


def _part(value: pl.Expr) -> pl.Expr:
    return value.str.replace_all("%", "%25", literal=True).str.replace_all("/", "%2F", literal=True)


@dataclass(frozen=True)
class _Source:
    """The raw frame with what is needed to refuse a value of it."""

    raw: pl.DataFrame
    path: Path
    strict: bool

    def bad(self, column: str, typed: pl.Series, expected: str) -> pl.Series:
        """Where ``column`` could not be read; raises instead if unreadable values are refused."""
        bad = unreadable(self.raw[column], typed)
        if self.strict:
            refuse(self.raw, bad, column, expected, self.path)
        return bad

    def no(self) -> pl.Series:
        return pl.repeat(False, self.raw.height, dtype=pl.Boolean, eager=True)


def _columns(mapping: Mapping) -> list[str]:
    """Every column of the events file that the mapping names."""
    spec = mapping.events
    single = (
        spec.user, spec.product, spec.at, spec.order, spec.session, spec.event_id,
        spec.event_column, spec.quantity, spec.unit_price, spec.value, spec.rating, spec.title,
        spec.brand, mapping.cancellations.column,
    )  # fmt: skip
    several = (*spec.categories, *spec.product_attributes.values(), *spec.user_attributes.values())
    return [c for c in single if c] + list(several)


def _keys(raw: pl.DataFrame, mapping: Mapping) -> list[pl.Series]:
    spec = mapping.events
    case = mapping.cleaning.product_case
    return [
        _event(raw, spec).alias("event"),
        ids(raw[spec.user]).alias("user_id"),
        ids(raw[spec.product], case).alias("product_id"),
        _optional(raw, spec.order).alias("order_id"),
        _optional(raw, spec.session).alias("session_id"),
    ]


def _optional(raw: pl.DataFrame, column: str | None) -> pl.Series:
    return ids(raw[column]) if column else _nothing(raw, pl.String())


def _nothing(raw: pl.DataFrame, dtype: pl.DataType) -> pl.Series:
    return pl.repeat(None, raw.height, dtype=dtype, eager=True)


def _event(raw: pl.DataFrame, spec: EventsFile) -> pl.Series:
    if spec.event_column is None:
        return pl.repeat(spec.event, raw.height, dtype=pl.String, eager=True)
    words = text(raw[spec.event_column])
    return words.replace_strict(
        list(spec.event_names),
        list(spec.event_names.values()),
        default=None,
        return_dtype=pl.String,
    )


def _amounts(source: _Source, spec: EventsFile) -> tuple[list[pl.Series], pl.Series]:
    """Quantity (1 where unknown), value and rating, and where one could not be read."""
    bad = source.no()
    found: dict[str, pl.Series] = {}
    for name in ("quantity", "unit_price", "value", "rating"):
        column = getattr(spec, name)
        if column is None:
            found[name] = _nothing(source.raw, pl.Float64())
            continue
        found[name] = numbers(source.raw[column], spec.decimal, spec.thousands)
        bad |= source.bad(column, found[name], "a number")
    quantity = found["quantity"].fill_null(1.0)
    value = found["value"] if spec.value else (found["unit_price"] * quantity).round(6)
    named = [quantity.alias("quantity"), value.alias("value"), found["rating"].alias("rating")]
    return named, bad


def _moments(source: _Source, mapping: Mapping) -> tuple[list[pl.Series], pl.Series]:
    column = mapping.events.at
    found = times(source.raw[column], mapping.events.date_format, mapping.time_zone)
    form = mapping.events.date_format
    bad = source.bad(column, found.values, f"a date and time written as {form}")
    if source.strict:
        missing = source.raw[column].is_null()
        refuse(source.raw, missing, column, "a date and time", source.path)
    named = [
        found.values.alias("at"),
        found.ambiguous.alias("ambiguous"),
        found.nonexistent.alias("nonexistent"),
    ]
    return named, bad | found.values.is_null()


def _described(raw: pl.DataFrame, spec: EventsFile) -> list[pl.Series]:
    """What the lines say of products and customers, as clean text."""
    named = {"title": spec.title, "brand": spec.brand}
    found = [
        text(raw[column]).alias(name) if column else _nothing(raw, pl.String()).alias(name)
        for name, column in named.items()
    ]
    found += [text(raw[c]).alias(f"category.{i}") for i, c in enumerate(spec.categories)]
    found += [_plain(raw[c]).alias(f"product.{a}") for a, c in spec.product_attributes.items()]
    return found + [_plain(raw[c]).alias(f"user.{a}") for a, c in spec.user_attributes.items()]


def _plain(values: pl.Series) -> pl.Series:
    """Attributes keep the type a Parquet file gave them; text is cleaned."""
    return values if values.dtype.is_numeric() or values.dtype == pl.Boolean else text(values)


def _duplicate(raw: pl.DataFrame) -> pl.Series:
    """Rows equal to an earlier one in every column; only rows of equal hash are compared."""
    flat = raw.select(~pl.selectors.nested())
    alike = flat.filter(~flat.drop(LINE).hash_rows().is_unique())
    first = alike.unique(pl.selectors.exclude(LINE), keep="first")[LINE]
    again = alike.filter(~pl.col(LINE).is_in(first.implode()))[LINE]
    return raw[LINE].is_in(again.implode())


def _trimmed(raw: pl.DataFrame, spec: EventsFile) -> pl.Series:
    """Where a title was more than its trimmed self."""
    if spec.title is None:
        return pl.repeat(False, raw.height, dtype=pl.Boolean, eager=True)
    return raw[spec.title].cast(pl.String).ne_missing(text(raw[spec.title]))


def is_non_product(codes: pl.Series, titles: pl.Series | None, rule: NonProducts) -> pl.Series:
    """Where a code or title is one the rule names; ``codes`` as the file writes them."""
    found = codes.is_in(list(rule.codes))
    if rule.matches is not None:
        found |= codes.str.contains(rule.matches)
    if rule.titles is not None and titles is not None:
        found |= titles.str.contains(rule.titles).fill_null(False)
    return found.fill_null(False)


def _taken_back(raw: pl.DataFrame, lines: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Mark lines that take back a sale and make their amounts positive."""
    marked = _marked(raw, mapping.cancellations)
    negative = pl.lit(False)
    if mapping.cancellations.negative:
        counted = mapping.events.quantity is not None
        negative = pl.col("quantity" if counted else "value").fill_null(0) < 0
    back = (pl.lit(marked) | negative) & (pl.col("event") == "purchase").fill_null(False)
    magnitude = pl.when(back).then(pl.col("quantity", "value").abs())
    return lines.with_columns(back.alias("takes_back")).with_columns(
        magnitude.otherwise(pl.col("quantity", "value"))
    )


def _marked(raw: pl.DataFrame, rule: Cancellations) -> pl.Series:
    if rule.column is None:
        return pl.repeat(False, raw.height, dtype=pl.Boolean, eager=True)
    values = text(raw[rule.column])
    if rule.starts_with is not None:
        found = values.str.starts_with(rule.starts_with)
    elif rule.matches is not None:
        found = values.str.contains(rule.matches)
    else:
        found = values.is_in(list(rule.equals))
    return found.fill_null(False)
