"""``Dataset``: a shop's tables, validated against the contract, with the report of their cleaning.

Every source ends here, so whatever follows may rely on: columns and types as in ``schema.TABLES``,
keys present and unique, events pointing at users and products that exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import polars as pl

from loaders.errors import DataError
from loaders.report import LoadReport
from loaders.schema import EVENT_NAMES, TABLES, empty

__all__ = ["Dataset"]


@dataclass(frozen=True)
class Dataset:
    """A shop's tables. Build it with ``Dataset.of``, which conforms and validates.

    Attributes:
        users, products, events: as in the contract; the rest may be empty.
        currency: ISO 4217 code of all money.
        report: what the loader did with each line.
    """

    users: pl.DataFrame
    products: pl.DataFrame
    events: pl.DataFrame
    report: LoadReport
    currency: str = "USD"
    categories: pl.DataFrame = field(default_factory=partial(empty, "categories"))
    campaigns: pl.DataFrame = field(default_factory=partial(empty, "campaigns"))
    campaign_targets: pl.DataFrame = field(default_factory=partial(empty, "campaign_targets"))
    campaign_products: pl.DataFrame = field(default_factory=partial(empty, "campaign_products"))
    redemptions: pl.DataFrame = field(default_factory=partial(empty, "redemptions"))

    @staticmethod
    def of(
        events: pl.DataFrame,
        report: LoadReport,
        *,
        users: pl.DataFrame | None = None,
        products: pl.DataFrame | None = None,
        currency: str = "USD",
        **others: pl.DataFrame,
    ) -> Dataset:
        """Conform tables to the contract, add users and products that only events name, validate.

        Raises:
            DataError: a required column is missing, a key is empty or repeated, an event has an
                unknown name, or a table refers to something that no table holds.
        """
        events = conform("events", events)
        data = Dataset(
            users=_with_ids_of(events, "user_id", conform("users", users)),
            products=_with_ids_of(events, "product_id", conform("products", products)),
            events=events,
            report=report,
            currency=currency,
            **{name: conform(name, table) for name, table in others.items()},
        )
        data.validate()
        return data

    def table(self, name: str) -> pl.DataFrame:
        """The table called ``name`` in the contract."""
        frame: pl.DataFrame = getattr(self, name)
        return frame

    def validate(self) -> None:
        """Check keys, event names and references.

        Raises:
            DataError: with the count of offending rows and examples.
        """
        for name in TABLES:
            _check_keys(name, self.table(name))
        unknown = self.events.filter(~pl.col("event").is_in(EVENT_NAMES))
        _refuse(unknown, "events", "event", f"expected one of {', '.join(EVENT_NAMES)}")
        for child, column, parent in _REFERENCES:
            _check_reference(self.table(child), child, column, self.table(parent), parent)
        _check_levels(self.categories)


_REFERENCES = (
    ("products", "category_id", "categories"),
    ("categories", "parent_id", "categories"),
    ("campaign_targets", "campaign_id", "campaigns"),
    ("campaign_targets", "user_id", "users"),
    ("campaign_products", "campaign_id", "campaigns"),
    ("campaign_products", "product_id", "products"),
    ("redemptions", "campaign_id", "campaigns"),
    ("redemptions", "user_id", "users"),
)


def conform(name: str, frame: pl.DataFrame | None) -> pl.DataFrame:
    """Give ``frame`` the columns and types of table ``name``; ``None`` becomes an empty table.

    Raises:
        DataError: a required column is missing, or one cannot be cast to its type.
    """
    table = TABLES[name]
    if frame is None:
        return empty(name)
    missing = [c.name for c in table.columns if c.required and c.name not in frame.columns]
    if missing:
        raise DataError(f"table '{name}' lacks {', '.join(missing)}; it has {frame.columns}")
    extra = [c for c in frame.columns if c not in table.dtypes] if table.open else []
    columns = [
        pl.col(c.name).cast(c.dtype)
        if c.name in frame.columns
        else pl.lit(None, dtype=c.dtype).alias(c.name)
        for c in table.columns
    ]
    try:
        conformed = frame.select(*columns, *extra)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"table '{name}' has values of the wrong type: {error}") from error
    if name == "users":
        return conformed.with_columns(pl.col("anonymous").fill_null(False))
    if name == "events":
        return conformed.with_columns(pl.col("quantity").fill_null(1.0))
    return conformed


def _with_ids_of(events: pl.DataFrame, key: str, table: pl.DataFrame) -> pl.DataFrame:
    """``table`` plus a bare row for each id that only the events name."""
    named = events.select(key).drop_nulls().unique(maintain_order=True)
    bare = named.join(table, on=key, how="anti")
    if bare.is_empty():
        return table
    grown = pl.concat([table, bare], how="diagonal")
    return grown.with_columns(pl.col("anonymous").fill_null(False)) if key == "user_id" else grown


def _refuse(rows: pl.DataFrame, table: str, column: str, expected: str) -> None:
    if rows.height:
        found = ", ".join(repr(v) for v in rows[column].head(3).to_list())
        raise DataError(
            f"{expected}; {rows.height:,} rows of table '{table}' have {found}", column=column
        )


def _check_keys(name: str, frame: pl.DataFrame) -> None:
    key = list(TABLES[name].key)
    for column in key:
        blank = pl.col(column).is_null() | (pl.col(column) == "")
        _refuse(frame.filter(blank), name, column, "expected an id")
    repeated = frame.filter(pl.struct(key).is_duplicated()) if frame.height else frame
    _refuse(repeated, name, key[0], "expected each key once")
    for column in ("user_id", "product_id", "at") if name == "events" else ():
        _refuse(frame.filter(pl.col(column).is_null()), name, column, "expected a value")


def _check_reference(
    child: pl.DataFrame, name: str, column: str, parent: pl.DataFrame, parent_name: str
) -> None:
    key = TABLES[parent_name].key[0]
    known = parent.select(pl.col(key).alias(column))
    orphans = child.filter(pl.col(column).is_not_null()).join(known, on=column, how="anti")
    _refuse(orphans, name, column, f"expected an id of table '{parent_name}'")


def _check_levels(categories: pl.DataFrame) -> None:
    """Refuse parents that are not broader, and with them circles."""
    parents = categories.select(parent_id="category_id", above="level")
    placed = categories.join(parents, on="parent_id")
    message = "expected each category's parent at a lower level"
    _refuse(placed.filter(pl.col("above") >= pl.col("level")), "categories", "parent_id", message)
