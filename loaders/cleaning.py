"""Cleaning, one small step at a time: each takes lines, gives lines and says what it did.

A step either removes lines, which then count in the sum ``read = kept + removed``, or changes or
flags some, which it only counts. Lines are as ``loaders.lines.read_lines`` gives them.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from loaders.files import LINE
from loaders.report import EXAMPLES, Step
from loaders.schema import ANONYMOUS_PREFIX

__all__ = [
    "drop_duplicates",
    "drop_flagged",
    "drop_unpriced",
    "drop_without_product",
    "keep_period",
    "limit_non_products",
    "mark_changed",
    "name_visitors",
    "split",
    "step",
]

Cleaned = tuple[pl.DataFrame, list[Step]]

_SHOWN = (
    LINE, "event", "order_id", "user_id", "product_id", "title", "at", "quantity", "value",
)  # fmt: skip
_PURCHASE = pl.col("event") == "purchase"


def step(name: str, doc: str, lines: pl.DataFrame, *, removed: bool) -> Step:
    """A ``Step`` over ``lines`` whose examples show what a person would look up, JSON-ready."""
    shown = lines.head(EXAMPLES).select(c for c in _SHOWN if c in lines.columns)
    ready = shown.rename({LINE: "line"}, strict=False).with_columns(
        pl.selectors.temporal().dt.to_string("iso")
    )
    return Step(name, doc, lines.height, removed, tuple(ready.to_dicts()))


def split(lines: pl.DataFrame, name: str, doc: str, gone: pl.Expr) -> Cleaned:
    """Remove the lines for which ``gone`` holds; null counts as false."""
    mask = lines.select(gone.fill_null(False)).to_series()
    return lines.filter(~mask), [step(name, doc, lines.filter(mask), removed=True)]


def mark_changed(lines: pl.DataFrame, name: str, doc: str, changed: pl.Expr) -> Cleaned:
    """Count the lines for which ``changed`` holds and leave them be."""
    return lines, [step(name, doc, lines.filter(changed), removed=False)]


def drop_flagged(lines: pl.DataFrame) -> Cleaned:
    """Remove lines with a date or number that cannot be read, and words that mean no event."""
    lines, first = split(
        lines, "unreadable", "a date or number that cannot be read", pl.col("unreadable")
    )
    lines, second = split(
        lines, "other events", "events the mapping gives no meaning", pl.col("event").is_null()
    )
    return lines, first + second


def drop_duplicates(lines: pl.DataFrame) -> Cleaned:
    """Remove rows equal to an earlier one in every column of the file."""
    return split(
        lines, "duplicates", "equal to an earlier row in every column", pl.col("duplicate")
    )


def drop_without_product(lines: pl.DataFrame) -> Cleaned:
    """Remove lines that name no product."""
    return split(lines, "no product", "no product is named", pl.col("product_id").is_null())


def limit_non_products(lines: pl.DataFrame, action: str) -> Cleaned:
    """Remove postage, fees and the like, or only count them where ``action`` is ``keep``."""
    name, doc = "non-products", "codes that are no goods: postage, fees, corrections"
    if action == "keep":
        return mark_changed(lines, name, doc + "; kept", pl.col("not_product"))
    return split(lines, name, doc, pl.col("not_product"))


def keep_period(lines: pl.DataFrame, earliest: date | None, latest: date | None) -> Cleaned:
    """Remove lines before ``earliest`` and from ``latest`` on (midnight UTC)."""
    if earliest is None and latest is None:
        return lines, []
    outside = pl.lit(False)
    if earliest is not None:
        outside |= pl.col("at").dt.date() < earliest
    if latest is not None:
        outside |= pl.col("at").dt.date() >= latest
    return split(lines, "outside the period", "before earliest, or latest and after", outside)


def drop_unpriced(lines: pl.DataFrame, action: str) -> Cleaned:
    """Remove purchases of no units, and of no price unless ``action`` is ``keep``.

    A known customer's return without a price stays: it still takes its units off a sale.
    """
    none = _PURCHASE & (pl.col("quantity") <= 0)
    doc = "zero units, or fewer on a line that is no return"
    lines, steps = split(lines, "no quantity", doc, none)
    if action == "keep":
        return lines, steps
    returned = pl.col("takes_back") & pl.col("user_id").is_not_null()
    free = _PURCHASE & (pl.col("value") <= 0) & ~returned
    doc = "price of zero or below: gifts, stock written off or found"
    lines, more = split(lines, "no price", doc, free)
    return lines, steps + more


def name_visitors(lines: pl.DataFrame, action: str) -> Cleaned:
    """Give lines without a customer a visitor's id made of order or session, or remove them."""
    missing = pl.col("user_id").is_null()
    if action == "drop":
        return split(lines, "no customer", "no customer is named", missing)
    visit = pl.coalesce("order_id", "session_id")
    doc = "neither customer nor order nor session is named"
    lines, steps = split(lines, "no customer", doc, missing & visit.is_null())
    doc = f"no customer: kept as visitor {ANONYMOUS_PREFIX}<order>"
    lines, more = mark_changed(lines, "anonymous", doc, missing & ~pl.col("takes_back"))
    visitor = pl.concat_str(pl.lit(ANONYMOUS_PREFIX), visit)
    return lines.with_columns(user_id=pl.coalesce("user_id", visitor)), steps + more
