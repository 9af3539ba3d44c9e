"""Returns netted against their sales: what stays is what customers kept.

Per customer and product, a return takes units off the latest earlier sale, then the one before,
and so on. That is a stack, and a stack needs no loop: with D the units held after each line
(never below zero), a sale keeps ``min over all later D, minus D before it``, cut to its own size.
"""

from __future__ import annotations

import polars as pl

from loaders.cleaning import Cleaned, step
from loaders.files import LINE

__all__ = ["net_returns"]

_TINY = 1e-9
_GROUP = ("user_id", "product_id")


def net_returns(lines: pl.DataFrame, effect: str) -> Cleaned:
    """Take returned units and their value off sales; remove the returns and emptied sales.

    Args:
        lines: cleaned lines with ``takes_back``.
        effect: ``net``, or ``drop`` to remove the marked lines and touch nothing else.
    """
    back = lines.filter(pl.col("takes_back"))
    if effect == "drop" or back.is_empty():
        name, doc = "cancelled", "marked as cancelled"
        return lines.filter(~pl.col("takes_back")), [step(name, doc, back, removed=True)]
    fate = _fate(lines, back)
    lines = lines.join(fate, on=LINE, how="left", maintain_order="left")
    matched, kept = pl.col("matched") > _TINY, pl.col("left")
    sale = ~pl.col("takes_back")
    emptied = sale & (kept <= _TINY)
    reduced = sale & (kept > _TINY) & (kept < pl.col("quantity") - _TINY)
    steps = [
        step("netted", "returns and cancellations netted against their sale",
             lines.filter(~sale & matched), removed=True),
        step("returned", "sales fully returned", lines.filter(emptied), removed=True),
        step("return without sale", "returns of which no earlier sale is known",
             lines.filter(~sale & ~matched), removed=True),
        step("partly returned", "sales reduced by a return", lines.filter(reduced), removed=False),
        step("returned beyond sale", "netted returns of more units than were sold",
             lines.filter(~sale & matched & (pl.col("quantity") - pl.col("matched") > _TINY)),
             removed=False),
    ]  # fmt: skip
    remaining = lines.filter(sale & ~emptied.fill_null(False)).with_columns(
        value=pl.when(kept.is_null())
        .then("value")
        .otherwise(pl.col("value") * kept / pl.col("quantity")),
        quantity=pl.coalesce(kept, "quantity"),
    )
    return remaining.drop("matched", "left"), steps


def _fate(lines: pl.DataFrame, back: pl.DataFrame) -> pl.DataFrame:
    """For lines of customers and products with returns: units ``matched`` or ``left``."""
    touched = lines.filter(pl.col("event") == "purchase").join(
        back.select(_GROUP).unique(), on=_GROUP, how="semi"
    )
    ordered = touched.sort(*_GROUP, "at", "takes_back", LINE)
    signed = pl.when("takes_back").then(-pl.col("quantity")).otherwise("quantity")
    total = signed.cum_sum().over(_GROUP)
    held = ordered.with_columns(total=total).with_columns(
        held=pl.col("total") - pl.min_horizontal(pl.col("total").cum_min().over(_GROUP), 0.0)
    )
    before = pl.col("held").shift(1, fill_value=0.0).over(_GROUP)
    later = pl.col("held").cum_min(reverse=True).over(_GROUP)
    return held.select(
        LINE,
        matched=pl.when("takes_back").then(before - pl.col("held")),
        left=pl.when(~pl.col("takes_back")).then((later - before).clip(0, pl.col("quantity"))),
    )
