"""Profiles: each segment's size, worth, habits and traits against the whole shop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from graph.interactions import InteractionGraph
from graph.shop import Shop
from segments.attributes import attribute_columns, attribute_values
from segments.config import SegmentsConfig
from segments.model import Behaviour, Profile, Trait
from segments.titles import distinct_themes, theme_matrix
from segments.traits import (
    Overuse,
    attribute_overuse,
    buyer_overuse,
    preference_overuse,
    top_traits,
)
from segments.words import readable

__all__ = [
    "Items",
    "attribute_items",
    "behaviour",
    "brand_items",
    "category_items",
    "customer_table",
    "profiles",
]

Members = npt.NDArray[np.int32]
Told = dict[int, list[tuple[float, Trait]]]
"""Traits of each segment with how much they tell."""


@dataclass(frozen=True)
class Items:
    """One kind of things that segments are held against: ids, names, and each segment's use."""

    kind: str
    ids: list[str]
    names: list[str]
    overuse: Overuse


THEMES = 200
"""Words of titles looked at for each segment before those that say the same are joined."""


def profiles(shop: Shop, member: Members, segments: int, config: SegmentsConfig) -> list[Profile]:
    """A profile of each segment.

    Args:
        shop: purchases of registered customers count.
        member: segment of each user or -1, int32 [n_users].
        segments: number of segments.
        config: what a trait must have behind it.
    """
    bought = shop.graph.purchases()
    bought = bought.where(bought.registered[bought.user_rows])
    customers = customer_table(bought)
    categories = _gathered(category_items(shop, bought, member, segments, config), config)
    bare = [segment for segment in range(segments) if not categories[segment]]
    titles = _titles(shop, bought, member, segments, config) if bare else []
    products = _products(shop, bought, member, segments, config)
    brands = _gathered(brand_items(shop, bought, member, segments, config), config)
    attributes = _gathered(attribute_items(shop.users, member, segments, config), config)
    everyone, spend = behaviour(customers), float(customers["spend"].sum())
    profiles = []
    for segment in range(segments):
        mine = customers.filter(pl.Series(member[customers["user"].to_numpy()] == segment))
        profiles.append(
            Profile(
                customers=mine.height,
                customer_share=float((member == segment).sum() / max(bought.registered.sum(), 1)),
                spend_share=float(mine["spend"].sum()) / spend if spend > 0 else None,
                behaviour=behaviour(mine),
                shop=everyone,
                categories=_best(categories[segment], config.traits * max(shop.levels, 1)),
                titles=distinct_themes(
                    titles[segment] if segment in bare else (), mine.height, config
                ),
                products=_best(products[segment], config.traits),
                brands=_best(brands[segment], config.traits),
                attributes=_best(attributes[segment], config.traits),
            )
        )
    return profiles


def customer_table(bought: InteractionGraph) -> pl.DataFrame:
    """One row a customer with purchases: user (row), spend, orders, days since the last one.

    A line without an order counts with its user's others of that UTC day as one. Spend is empty
    where the shop knows no value of any line.
    """
    priced = bool(np.isfinite(bought.values).any())
    lines = pl.DataFrame(
        {
            "user": bought.user_rows,
            "order": bought.orders,
            "day": np.floor(bought.days).astype(np.int64),
            "at": bought.days,
            "spend": np.nan_to_num(bought.values.astype(np.float64)),
        }
    )
    visit = pl.struct("order", pl.when(pl.col("order") < 0).then(pl.col("day")))
    return (
        lines.group_by("user")
        .agg(
            spend=pl.when(priced).then(pl.col("spend").sum()),
            orders=visit.n_unique(),
            days_since=bought.last_day - pl.col("at").max(),
        )
        .sort("user")
    )


def behaviour(customers: pl.DataFrame) -> Behaviour:
    """Habits of the customers in rows of ``customer_table``."""
    if customers.is_empty():
        return Behaviour(None, None, None, None)
    spend, orders = float(customers["spend"].sum()), float(customers["orders"].sum())
    priced = customers["spend"].null_count() == 0
    median: Any = customers["days_since"].median()
    return Behaviour(
        spend_per_customer=spend / customers.height if priced else None,
        orders_per_customer=orders / customers.height,
        basket_value=spend / orders if priced else None,
        days_since_purchase=float(median),
    )


def category_items(
    shop: Shop, bought: InteractionGraph, member: Members, segments: int, config: SegmentsConfig
) -> Iterator[Items]:
    """Preference of each segment for the categories of each level."""
    ids, names = shop.categories["category_id"].to_list(), shop.categories["name"].to_list()
    depth = shop.categories["level"].to_numpy()
    for level in range(shop.levels):
        # A product above this level shows with its category's own level already.
        rows = shop.category_rows(level)
        rows = np.where((rows >= 0) & (depth[rows] == level), rows, -1)
        spend = _spend(bought, rows, len(ids))
        overuse = preference_overuse(spend, member, segments, config.min_customers)
        yield Items(f"category:{level}", ids, names, overuse)


def _titles(
    shop: Shop, bought: InteractionGraph, member: Members, segments: int, config: SegmentsConfig
) -> list[list[Trait]]:
    """Words shared by titles of products that members spend a larger share on."""
    themes, of_theme = theme_matrix(shop.products["title"].to_list())
    rows = np.arange(len(shop.products))
    spend = _spend(bought, rows, len(rows))
    total = np.asarray(spend.sum(axis=1), np.float64)
    on_theme = sparse.csr_array(spend @ of_theme)
    overuse = preference_overuse(on_theme, member, segments, config.min_customers, total)
    names = [readable(theme) for theme in themes]
    found = (
        top_traits(overuse, segment, "title", themes, names, config, THEMES)
        for segment in range(segments)
    )
    return [[trait for _, trait in traits] for traits in found]


def _products(
    shop: Shop, bought: InteractionGraph, member: Members, segments: int, config: SegmentsConfig
) -> Told:
    """Products that more of the members bought."""
    ids, titles = shop.products["product_id"].to_list(), shop.products["title"].to_list()
    spend = _spend(bought, np.arange(len(ids)), len(ids))
    # What too few bought is not tested; leaving it out spares a column for each segment.
    sold = np.flatnonzero(np.bincount(spend.indices, minlength=len(ids)) >= config.min_customers)
    overuse = buyer_overuse(
        sparse.csr_array(spend[:, sold]), member, segments, config.min_customers
    )
    names = [titles[row] or ids[row] for row in sold]
    items = Items("product", [ids[row] for row in sold], names, overuse)
    return _gathered(iter([items]), config)


def brand_items(
    shop: Shop, bought: InteractionGraph, member: Members, segments: int, config: SegmentsConfig
) -> Iterator[Items]:
    """Preference of each segment for brands; nothing where the shop knows none."""
    brand = shop.products["brand"]
    ids = brand.drop_nulls().unique().sort().to_list()
    place = {id_: row for row, id_ in enumerate(ids)}
    rows = np.array([place.get(b, -1) for b in brand], np.int64)
    if ids:
        spend = _spend(bought, rows, len(ids))
        overuse = preference_overuse(spend, member, segments, config.min_customers)
        yield Items("brand", ids, ids, overuse)


def attribute_items(
    users: pl.DataFrame, member: Members, segments: int, config: SegmentsConfig
) -> Iterator[Items]:
    """Values of each attribute of customers in each segment."""
    for column in attribute_columns(users):
        values = attribute_values(users[column])
        ids, overuse = attribute_overuse(values, member, segments, config.min_customers)
        yield Items(column, ids, ids, overuse)


def _gathered(found: Iterator[Items], config: SegmentsConfig) -> Told:
    told: Told = defaultdict(list)
    for items in found:
        _add(told, items, config)
    return told


def _add(told: Told, items: Items, config: SegmentsConfig) -> None:
    for segment in range(len(items.overuse.share)):
        told[segment] += top_traits(
            items.overuse, segment, items.kind, items.ids, items.names, config
        )


def _best(told: list[tuple[float, Trait]], most: int) -> tuple[Trait, ...]:
    return tuple(trait for _, trait in sorted(told, key=lambda entry: -entry[0])[:most])


def _spend(
    bought: InteractionGraph, items: npt.NDArray[Any], size: int
) -> sparse.csr_array[np.float64, tuple[int, int]]:
    """Spend of each user on each item, float64 CSR; lines where the shop knows no values.

    Lines of a product in no item still count in no column: shares are of what has one.
    """
    column = items[bought.product_rows]
    value = np.clip(np.nan_to_num(bought.values.astype(np.float64)), 0, None)
    weight = value if value.any() else np.ones(len(bought))
    kept = column >= 0
    entries = (weight[kept], (bought.user_rows[kept], column[kept]))
    shape = (len(bought.users), size)
    matrix = sparse.csr_array(sparse.coo_array(entries, shape=shape))
    matrix.eliminate_zeros()
    return matrix
