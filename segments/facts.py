"""Facts of customers that profiles hold segments and single customers against the shop by.

Each is of purchases up to the shop's last event, one number a customer, null where it cannot be
told: a shop without prices has no price level, one without campaigns no redemptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.interactions import InteractionGraph
from graph.shop import Shop
from segments.features import customer_features

__all__ = ["FACTS", "Fact", "Group", "Unit", "customer_facts"]

Group = Literal["basics", "behaviour", "preference", "risk"]
Unit = Literal["share", "money", "days", "count", "score"]


@dataclass(frozen=True)
class Fact:
    """What a column tells.

    Attributes:
        group: where a profile shows it.
        unit: of its numbers; a ``share`` is 0..1.
        doc: its definition.
        yes: whether each customer's is 0 or 1, so that the shop's is a share of customers.
    """

    group: Group
    unit: Unit
    doc: str
    yes: bool = False


FACTS: Final[Mapping[str, Fact]] = {
    "days_since_last": Fact("behaviour", "days", "days since the last purchase"),
    "orders_per_30_days": Fact("behaviour", "count", "orders in 30 days, from the first one on"),
    "spend": Fact("behaviour", "money", "all that was spent"),
    "basket_value": Fact("behaviour", "money", "mean spend of an order"),
    "basket_lines": Fact("behaviour", "count", "mean purchase lines of an order"),
    "weekend": Fact("behaviour", "share", "share of orders on Saturday or Sunday, UTC"),
    "morning": Fact("behaviour", "share", "share of orders before noon, UTC"),
    "evening": Fact("behaviour", "share", "share of orders from 18 o'clock on, UTC"),
    "repeats": Fact("behaviour", "share", "share of lines of a product that an order before held"),
    "redeemed": Fact("behaviour", "share", "whether a campaign was ever redeemed", yes=True),
    "below_price": Fact("behaviour", "share", "share of lines paid at 95 % of the usual price or"
                        " less"),
    "price_level": Fact("preference", "score", "mean place of the products bought among those of"
                        " their category by price, 0 the cheapest, 1 the dearest"),
    "variety": Fact("preference", "score", "entropy of the mix over categories, in bits"),
    "large_lines": Fact("risk", "share", "whether a line's quantity or value ever was six robust"
                        " deviations above its product's usual, on a log scale", yes=True),
    "returned": Fact("risk", "share", "whether a line was ever returned: a quantity or value below"
                     " 0, in shops that have any", yes=True),
    "irregular": Fact("risk", "score", "standard deviation of the days between orders over their"
                      " mean"),
    "churn_risk": Fact("risk", "share", "probability of no purchase in the next days"),
}  # fmt: skip
"""Name and meaning of each, in the order shown."""

LOWER: Final = 0.95
ROBUST: Final = 6.0
LEAST_LINES: Final = 5
LEAST_SPREAD: Final = float(np.log(1.5))
"""A shop where nearly all lines are alike must not find every pair large."""

_NONE: Final = pl.Series([None], dtype=pl.Float64)


def customer_facts(shop: Shop, others: Mapping[str, pl.Series] | None = None) -> pl.DataFrame:
    """``FACTS`` of every user, float64, row i of user row i; null for who never bought.

    Args:
        shop: its purchases count, and its redemptions.
        others: facts found elsewhere, such as ``churn_risk``, aligned to rows.
    """
    bought = shop.graph.purchases()
    users = len(shop.graph.users)
    features = customer_features(shop)
    known = features["orders"].is_not_null()
    lines = pl.DataFrame(
        {
            "user": bought.user_rows.astype(np.int64),
            "below_price": _below_price(shop, bought),
            "price_level": price_places(shop)[bought.product_rows],
            "large_lines": _large(bought),
            "returned": _returned(bought),
        }
    ).with_columns(pl.all().exclude("user").fill_nan(None))
    told = lines.group_by("user").agg(
        pl.col("below_price", "price_level").mean(), pl.col("large_lines", "returned").max()
    )
    rows = pl.DataFrame({"user": np.arange(users)})
    found = rows.join(told, on="user", how="left", maintain_order="left").drop("user")
    whole = pl.concat([features, found], how="horizontal").with_columns(
        basket_lines=pl.col("lines") / pl.col("orders"),
        irregular=pl.col("gap_spread") / pl.when(pl.col("gap") > 0).then(pl.col("gap")),
        redeemed=_redeemed(shop),
        **(others or {}),
    )
    missing = [pl.lit(None).alias(name) for name in FACTS if name not in whole.columns]
    return whole.with_columns(missing).select(
        pl.when(known).then(pl.col(name).cast(pl.Float64)).alias(name) for name in FACTS
    )


def price_places(shop: Shop) -> npt.NDArray[np.float64]:
    """Place of each product's price in its broadest category, float64 [n_products], 0..1.

    Ties share the mean of their ranks; NaN without a price, or alone in the category.
    """
    from scipy import stats  # takes a server .3 s and is of builds alone

    prices = shop.products["price"].cast(pl.Float64) if "price" in shop.products.columns else None
    places = np.full(len(shop.products), np.nan)
    if prices is None:
        return places
    price = prices.fill_null(np.nan).to_numpy()
    category = shop.category_rows(0) if shop.levels else np.zeros(len(price), np.int32)
    for kind in np.unique(category[np.isfinite(price)]):
        rows = np.flatnonzero((category == kind) & np.isfinite(price))
        if len(rows) > 1:
            places[rows] = (stats.rankdata(price[rows]) - 1) / (len(rows) - 1)
    return places


def _below_price(shop: Shop, bought: InteractionGraph) -> npt.NDArray[np.float64]:
    """1 for a line paid below the product's usual price, NaN where either is unknown."""
    if "price" not in shop.products.columns:
        return np.full(len(bought), np.nan)
    prices = shop.products["price"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    usual = prices[bought.product_rows] * bought.quantities
    known = np.isfinite(usual) & (usual > 0) & np.isfinite(bought.values)
    return np.where(known, bought.values <= LOWER * usual, np.nan)


def _large(bought: InteractionGraph) -> npt.NDArray[np.float64]:
    """1 for a line of an outlying quantity or value."""
    products = pl.Series(bought.product_rows)
    return np.maximum(_outlying(products, bought.quantities), _outlying(products, bought.values))


def _outlying(products: pl.Series, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """1 where ``log x`` lies more than ``ROBUST`` deviations above its product's median.

    The deviation is 1.4826 times the median absolute one over all lines (Rousseeuw and Croux,
    "Alternatives to the median absolute deviation", 1993). 0 where unknown, and for products of
    fewer than ``LEAST_LINES`` lines.
    """
    known = np.isfinite(values) & (values > 0)
    logs = pl.Series(np.log(np.where(known, values, 1), dtype=np.float64))
    lines = pl.DataFrame({"product": products, "log": logs.zip_with(pl.Series(known), _NONE)})
    usual = pl.col("log").median().over("product")
    enough = pl.col("log").count().over("product") >= LEAST_LINES
    off = lines.select(pl.when(enough).then(pl.col("log") - usual)).to_series()
    spread: Any = off.abs().median()
    limit = ROBUST * max(1.4826 * float(spread or 0.0), LEAST_SPREAD)
    return (off > limit).fill_null(False).cast(pl.Float64).to_numpy()


def _returned(bought: InteractionGraph) -> npt.NDArray[np.float64]:
    back = (bought.quantities < 0) | (np.nan_to_num(bought.values) < 0)
    return back.astype(np.float64) if back.any() else np.full(len(back), np.nan)


def _redeemed(shop: Shop) -> pl.Series:
    """1 for who ever redeemed a campaign; null throughout in a shop without redemptions."""
    if shop.redemptions.is_empty():
        return pl.Series([None] * len(shop.users), dtype=pl.Float64)
    ids = shop.redemptions["user_id"].unique()
    return shop.users["user_id"].is_in(ids.implode()).cast(pl.Float64)
