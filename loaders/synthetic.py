"""A seeded shop with planted communities, tastes and rules, scalable by one number.

Customers belong to groups; each group prefers a few categories; each customer has favourites
among their products and comes back to them; some products are bought together. Tests check that
the models find what was planted; benchmarks scale ``users`` and ``products``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from loaders.dataset import Dataset
from loaders.report import LoadReport

__all__ = ["Planted", "synthetic_lines", "synthetic_shop"]

GROUPS = 4
START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 180
PAIR_CHANCE = 0.8


@dataclass(frozen=True)
class Planted:
    """What was planted, for tests to find again.

    Attributes:
        dataset: the shop.
        group: group of each user, int64 [users], in the order of ``dataset.users``.
        pairs: product ids bought together, first leading to second.
    """

    dataset: Dataset
    group: npt.NDArray[np.int64]
    pairs: tuple[tuple[str, str], ...]


def synthetic_shop(users: int = 200, seed: int = 0, products: int | None = None) -> Planted:
    """Make a shop of ``users`` customers with 60 lines each.

    Args:
        users: how many customers.
        seed: of all that is drawn.
        products: how many products, a few less where that does not divide by groups; by default
            half as many as customers, at most 20,000.
    """
    rng = np.random.default_rng(seed)
    group, events, products = _drawn(rng, users, products)
    data = Dataset.of(
        _events(events),
        LoadReport(f"synthetic({users}, {products}, seed={seed})", events.height, events.height),
        users=_users(rng, group),
        products=_products(rng, products),
        categories=_categories(products),
    )
    return Planted(data, group, tuple((_product(a), _product(b)) for a, b in _pairs(products)))


def synthetic_lines(users: int, seed: int = 0) -> pl.DataFrame:
    """The lines of ``synthetic_shop`` as numbers: ``user``, ``product``, ``order``, ``day``.

    A shop of a million customers is made of several of these with users of their own, where names
    would fill the memory.
    """
    return _drawn(np.random.default_rng(seed), users)[1]


def _drawn(
    rng: np.random.Generator, users: int, products: int | None = None
) -> tuple[npt.NDArray[Any], pl.DataFrame, int]:
    """Group of each user, all lines, and the number of products."""
    products = (products or max(40, min(users // 2, 20_000))) // GROUPS * GROUPS
    group = rng.permutation(np.arange(users) % GROUPS)
    return group, _with_pairs(rng, _lines(rng, group, products), products), products


def _pairs(products: int) -> list[tuple[int, int]]:
    """One planted pair a group: its most popular product leads to a rare one of the same group."""
    size = products // GROUPS
    return [(g * size, g * size + size - 1) for g in range(GROUPS)]


def _lines(rng: np.random.Generator, group: npt.NDArray[Any], products: int) -> pl.DataFrame:
    """Lines: users x ~14 orders x ~5 products; 85 % within the group, many favourites."""
    size = products // GROUPS
    orders = rng.poisson(12, len(group)) + 2
    user = np.repeat(np.arange(len(group)), orders)
    day = rng.uniform(0, DAYS, len(user))
    order = np.repeat(np.arange(len(user)), rng.poisson(4, len(user)) + 1)
    user, day = user[order], day[order]
    favourite = _zipf(rng, size, (len(group), 8))[user, rng.integers(0, 8, len(user))]
    other = _zipf(rng, size, len(user))
    within = np.where(rng.random(len(user)) < 0.6, favourite, other)
    home = np.where(rng.random(len(user)) < 0.85, group[user], rng.integers(0, GROUPS, len(user)))
    return pl.DataFrame({"user": user, "product": home * size + within, "order": order, "day": day})


def _zipf(rng: np.random.Generator, size: int, shape: Any) -> npt.NDArray[np.int64]:
    """Places 0..size-1, popular ones first, by a truncated Zipf law of exponent 0.8."""
    weight = 1 / np.arange(1, size + 1) ** 0.8
    return np.asarray(rng.choice(size, shape, p=weight / weight.sum()), np.int64)


def _with_pairs(rng: np.random.Generator, lines: pl.DataFrame, products: int) -> pl.DataFrame:
    """Add the partner of each planted pair to most orders that hold its first product."""
    pairs = pl.DataFrame(_pairs(products), schema=["product", "partner"], orient="row")
    first = lines.unique(["order", "product"], maintain_order=True).join(
        pairs, on="product", maintain_order="left"
    )
    chosen = first.filter(pl.Series(rng.random(first.height) < PAIR_CHANCE))
    added = chosen.select("user", pl.col("partner").alias("product"), "order", "day")
    grown = pl.concat([lines, added])
    return grown.unique(["order", "product"], maintain_order=True).sort(
        "order", maintain_order=True
    )


def _events(lines: pl.DataFrame) -> pl.DataFrame:
    price = 1 + pl.col("product") % 20
    return lines.select(
        event_id=pl.format("{}-{}", "order", "product"),
        event=pl.lit("purchase"),
        user_id=pl.format("user-{}", "user"),
        product_id=pl.col("product").map_elements(_product, return_dtype=pl.String),
        at=pl.lit(START) + pl.duration(seconds=(pl.col("day") * 86_400).cast(pl.Int64)),
        quantity=pl.lit(1.0),
        value=price.cast(pl.Float64),
        order_id=pl.format("order-{}", "order"),
    )


def _product(row: int) -> str:
    return f"product-{row}"


def _users(rng: np.random.Generator, group: npt.NDArray[Any]) -> pl.DataFrame:
    """Users with an age band that leans on the group, missing for one in ten."""
    lean = np.where(rng.random(len(group)) < 0.7, group, rng.integers(0, GROUPS, len(group)))
    bands = np.array(["18-29", "30-44", "45-64", "65+"])[lean].astype(object)
    bands[rng.random(len(group)) < 0.1] = None
    return pl.DataFrame(
        {"user_id": [f"user-{u}" for u in range(len(group))], "age": bands.tolist()}
    )


def _products(rng: np.random.Generator, products: int) -> pl.DataFrame:
    row = np.arange(products)
    size = products // GROUPS
    return pl.DataFrame(
        {
            "product_id": [_product(r) for r in range(products)],
            "title": [f"Product {r} of aisle {r // size}" for r in row],
            "price": 1.0 + row % 20,
            "category_id": [f"aisle-{r // size}/shelf-{r % size % 3}" for r in row],
            "brand": [f"Brand {b}" for b in rng.integers(0, 6, products)],
        }
    )


def _categories(products: int) -> pl.DataFrame:
    aisles = [(f"aisle-{g}", f"Aisle {g}", 0, None) for g in range(GROUPS)]
    shelves = [
        (f"aisle-{g}/shelf-{s}", f"Shelf {s} of aisle {g}", 1, f"aisle-{g}")
        for g in range(GROUPS)
        for s in range(min(3, products // GROUPS))
    ]
    return pl.DataFrame(
        aisles + shelves, schema=["category_id", "name", "level", "parent_id"], orient="row"
    )
