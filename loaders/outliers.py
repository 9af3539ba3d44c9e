"""Absurd quantities and prices, by a robust rule on a log scale.

A line is absurd where ``|log x - m| > limit * s``: ``m`` is the median of ``log x`` over the lines
of the same product and ``s = 1.4826 * median |log x - m|`` over all lines (the median absolute
deviation, scaled to a standard deviation of a normal law). ``s`` is taken no smaller than
``log 1.5``, so that a shop where nearly all lines are alike does not flag every pair. Quantities
are absurd only upwards.
"""

from __future__ import annotations

import math

import polars as pl

from loaders.cleaning import Cleaned, step

__all__ = ["limit_outliers"]

MAD_TO_SD = 1.4826
LEAST_SD = math.log(1.5)
_ACTIONS = {"flag": "flagged only", "clip": "cut to the limit", "drop": "dropped"}
LEAST_LINES = 5
"""A product with fewer lines is held against the median over all (quantity), or passed (price)."""


def limit_outliers(lines: pl.DataFrame, action: str, limit: float) -> Cleaned:
    """Flag, clip or drop purchases with absurd quantities or unit prices.

    Args:
        lines: cleaned lines.
        action: ``flag`` counts them, ``clip`` cuts them to the limit (the value follows), ``drop``
            removes them.
        limit: robust standard deviations allowed.
    """
    price = pl.col("value") / pl.col("quantity")
    lines = _with_bounds(lines, pl.col("quantity"), limit, "quantity", fallback=True)
    lines = _with_bounds(lines, price, limit, "price", fallback=False)
    many = (pl.col("quantity") > pl.col("quantity.high")).fill_null(False)
    odd = ((price > pl.col("price.high")) | (price < pl.col("price.low"))).fill_null(False)
    removed = action == "drop"
    steps = [
        step("absurd quantity", _doc("many times the product's usual quantity", action),
             lines.filter(many), removed=removed),
        step("absurd price", _doc("far from the product's usual price", action),
             lines.filter(odd & ~many), removed=removed),
    ]  # fmt: skip
    if action == "drop":
        lines = lines.filter(~many & ~odd)
    if action == "clip":
        quantity = pl.when(many).then("quantity.high").otherwise("quantity")
        fair = pl.when(odd).then(price.clip("price.low", "price.high")).otherwise(price)
        lines = lines.with_columns(
            quantity=quantity, value=pl.when(many | odd).then(fair * quantity).otherwise("value")
        )
    return lines.drop("quantity.low", "quantity.high", "price.low", "price.high"), steps


def _doc(what: str, action: str) -> str:
    return f"{what}; {_ACTIONS[action]}"


def _with_bounds(
    lines: pl.DataFrame, value: pl.Expr, limit: float, name: str, *, fallback: bool
) -> pl.DataFrame:
    """Add ``<name>.low`` and ``<name>.high``, the least and greatest values that are not absurd."""
    usable = (pl.col("event") == "purchase") & (value > 0)
    logs = lines.select("product_id", log=pl.when(usable).then(value.log()))
    count, centre = pl.col("log").count().over("product_id"), pl.col("log").median()
    usual = pl.when(count >= LEAST_LINES).then(centre.over("product_id"))
    middle = logs.select(usual.fill_null(centre) if fallback else usual).to_series()
    spread = (logs["log"] - middle).abs().median()
    sd = max(MAD_TO_SD * (float(spread) if isinstance(spread, float) else 0.0), LEAST_SD)
    return lines.with_columns(
        (middle - limit * sd).exp().alias(f"{name}.low"),
        (middle + limit * sd).exp().alias(f"{name}.high"),
    )
