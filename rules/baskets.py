"""Orders as a sparse boolean matrix, baskets by items: what every miner here reads.

A line without an order joins the other such lines of its user on the same UTC day. A basket with
one item, or with none at this level, stays: it is part of the denominator of every support.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from graph.ids import IdMap
from graph.interactions import InteractionGraph
from graph.shop import Shop

__all__ = [
    "BRAND",
    "PRODUCT",
    "Baskets",
    "brand_baskets",
    "brand_rows",
    "category_baskets",
    "category_level",
    "product_baskets",
]

PRODUCT = "product"
"""The level whose items are products; those of categories are ``category:<level>``."""
BRAND = "brand"
"""The level whose items are brands."""


@dataclass(frozen=True)
class Baskets:
    """Which basket holds which item.

    Attributes:
        level: ``product`` or ``category:<level>``.
        items: ids of the columns.
        matrix: bool CSR [n_baskets, n_items].
        capped: baskets that held more than ``max_basket`` items and lost some.
        removed: basket-item entries so lost, the least frequent of their basket.
        users: user row of each basket, int32 [n_baskets]; empty where it is not known.
        days: its day since 1970-01-01 UTC, float64 [n_baskets]; likewise.
    """

    level: str
    items: IdMap
    matrix: sparse.csr_array[np.bool_, tuple[int, int]]
    capped: int = 0
    removed: int = 0
    users: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    days: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Baskets with each item, int64 [n_items]."""
        return np.bincount(self.matrix.indices, minlength=len(self.items)).astype(np.int64)

    def where(self, mask: npt.NDArray[np.bool_]) -> Baskets:
        """The baskets that ``mask`` bool [n_baskets] keeps; users and days must be known."""
        matrix = sparse.csr_array(self.matrix[mask])
        return replace(self, matrix=matrix, users=self.users[mask], days=self.days[mask])


def category_level(level: int) -> str:
    """Name of a category level in a rule table."""
    return f"category:{level}"


def product_baskets(graph: InteractionGraph, max_basket: int) -> Baskets:
    """Baskets of products, over all purchases of ``graph``."""
    bought = graph.purchases()
    return _baskets(PRODUCT, graph.products, bought, bought.product_rows, max_basket)


def category_baskets(shop: Shop, level: int, max_basket: int) -> Baskets:
    """Baskets of the categories at ``level``; a product without a category adds nothing."""
    bought = shop.graph.purchases()
    items = shop.category_rows(level)[bought.product_rows]
    categories = IdMap(pl.Series("id", shop.categories["category_id"]))
    return _baskets(category_level(level), categories, bought, items, max_basket)


def brand_baskets(shop: Shop, max_basket: int) -> Baskets:
    """Baskets of brands; a product without one adds nothing."""
    bought = shop.graph.purchases()
    brands, rows = brand_rows(shop)
    return _baskets(BRAND, brands, bought, rows[bought.product_rows], max_basket)


def brand_rows(shop: Shop) -> tuple[IdMap, npt.NDArray[np.int32]]:
    """The shop's brands, and the brand's row for each product, int32 [n], -1 for none."""
    names = shop.products["brand"]
    brands = IdMap(names.drop_nulls().unique().sort())
    return brands, brands.to_rows(names, missing="negative").astype(np.int32)


def _baskets(
    level: str,
    items: IdMap,
    bought: InteractionGraph,
    columns: npt.NDArray[np.int32],
    max_basket: int,
) -> Baskets:
    basket = _basket_rows(bought)
    shape = (int(basket.max(initial=-1)) + 1, len(items))
    known = columns >= 0
    entries = (np.ones(int(known.sum()), np.bool_), (basket[known], columns[known]))
    matrix = sparse.csr_array(sparse.coo_array(entries, shape=shape))
    matrix.sum_duplicates()
    first = np.unique(basket, return_index=True)[1]
    whole = Baskets(level, items, matrix, users=bought.user_rows[first], days=bought.days[first])
    return _cap(whole, max_basket)


def _basket_rows(bought: InteractionGraph) -> npt.NDArray[np.int64]:
    """Basket of each purchase, 0..n-1, int64 [n_events]."""
    day = np.floor(bought.days).astype(np.int64)
    first = int(day.min(initial=0)) if len(day) else 0
    span = int(day.max(initial=0)) - first + 1
    visit = bought.user_rows.astype(np.int64) * span + (day - first)
    key = np.where(bought.orders >= 0, bought.orders, -1 - visit)
    return np.unique(key, return_inverse=True)[1].astype(np.int64)


def _cap(baskets: Baskets, limit: int) -> Baskets:
    """Keep the ``limit`` most frequent items of each basket; ties go to the earlier item."""
    matrix = baskets.matrix
    size = np.diff(matrix.indptr)
    if not (size > limit).any():
        return baskets
    row = np.repeat(np.arange(len(size)), size)
    order = np.lexsort((matrix.indices, -baskets.counts[matrix.indices], row))
    place = np.empty(len(row), np.int64)
    place[order] = np.arange(len(row)) - np.repeat(matrix.indptr[:-1], size)
    keep = place < limit
    entries = (matrix.data[keep], (row[keep], matrix.indices[keep]))
    capped = sparse.csr_array(sparse.coo_array(entries, shape=matrix.shape))
    removed = int((~keep).sum())
    touched = int((size > limit).sum())
    return replace(baskets, matrix=capped, capped=touched, removed=removed)
