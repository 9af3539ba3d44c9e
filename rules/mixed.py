"""Across levels: products, categories of every level and brands side by side in one basket.

An item then brings its ancestors along, so two items that share a product never stand in one set:
one purchase would make both true, and a rule between them would be a tautology. Of the rest, a
rule stays only where it says more than the more general one does (Srikant and Agrawal, "Mining
generalized association rules", VLDB 1995).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from graph.ids import IdMap
from graph.shop import Shop
from rules.baskets import BRAND, PRODUCT, Baskets, brand_rows
from rules.candidates import Candidates
from rules.itemsets import Itemsets, Sets, held_in

__all__ = ["MIXED", "Mixed", "mixed_items", "without_general"]

MIXED = "mixed"
"""The level whose items are of several: ``product:<id>``, ``category:<id>`` and ``brand:<id>``."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Mixed:
    """Items of all levels.

    Attributes:
        items: their ids, with the kind in front.
        kind: which level each is of, int64 [n_items].
        parent: the item one level up, int64 [n_items], -1 for none.
        of_product: which items each product is, bool CSR [n_products, n_items].
    """

    items: IdMap
    kind: Rows
    parent: Rows
    of_product: sparse.csr_array

    def baskets(self, products: Baskets) -> Baskets:
        """Baskets of these items from those of products."""
        matrix = sparse.csr_array(products.matrix.astype(np.int32) @ self.of_product)
        matrix.data = np.ones(matrix.nnz, np.bool_)
        matrix = matrix.astype(np.bool_)
        matrix.sort_indices()
        return Baskets(MIXED, self.items, matrix, users=products.users, days=products.days)

    def overlaps(self, sets: Sets) -> npt.NDArray[np.bool_]:
        """Which of ``sets`` int64 [n, length] hold two items that share a product, bool [n]."""
        found = np.zeros(len(sets), np.bool_)
        for first in range(sets.shape[1]):
            for second in range(first + 1, sets.shape[1]):
                found |= held_in(sets[:, first] * len(self.items) + sets[:, second], self._shared)
        return found

    @cached_property
    def _shared(self) -> Rows:
        """Pairs of items with a product in common, as first times the items plus second, sorted."""
        counted = self.of_product.astype(np.int32)
        pairs = sparse.coo_array(sparse.csr_array(counted.T @ counted))
        return np.sort(pairs.coords[0].astype(np.int64) * len(self.items) + pairs.coords[1])

    def sensible(self, itemsets: Itemsets) -> Itemsets:
        """The sets without overlaps; with a set, its subsets stay."""
        return itemsets.kept([~self.overlaps(sets) for sets in itemsets.sets])

    def crossing(self, rules: Candidates) -> npt.NDArray[np.bool_]:
        """Which rules have items of more than one level, bool [n]."""
        last = self.kind[rules.consequent][:, None]
        kinds = np.where(rules.antecedent >= 0, self.kind[rules.antecedent], last)
        crosses: npt.NDArray[np.bool_] = (kinds != last).any(axis=1)
        return crosses


def mixed_items(shop: Shop) -> Mixed:
    """Every product, category and brand of ``shop``."""
    n = len(shop.graph.products)
    brands, brand = brand_rows(shop)
    categories = shop.categories["category_id"]
    depth = shop.categories["level"].to_numpy().astype(np.int64)
    start = {"category": n, BRAND: n + len(categories)}
    names = (
        (PRODUCT, shop.graph.products.ids),
        ("category", categories),
        (BRAND, brands.ids),
    )
    items = IdMap(
        pl.concat([pl.Series("id", [f"{k}:{i}" for i in ids], pl.String) for k, ids in names])
    )
    levels = [shop.category_rows(level).astype(np.int64) for level in range(shop.levels)]
    columns = [np.arange(n), *(np.where(r >= 0, r + n, -1) for r in levels)]
    columns.append(np.where(brand >= 0, brand + start[BRAND], -1))
    held = np.column_stack(columns)
    row, _ = np.nonzero(held >= 0)
    ones = np.ones(len(row), np.bool_)
    matrix = sparse.coo_array((ones, (row, held[held >= 0])), shape=(n, len(items)))
    of_product = sparse.csr_array(matrix)
    of_product.sum_duplicates()
    place = IdMap(categories)
    above = place.to_rows(shop.categories["parent_id"], missing="negative")
    leaf = place.to_rows(shop.products["category_id"], missing="negative")
    parents = [np.where(x >= 0, x + n, -1) for x in (leaf, above)]
    return Mixed(
        items,
        np.concatenate([np.zeros(n, np.int64), depth + 1, np.full(len(brands), -2)]),
        np.concatenate([*parents, np.full(len(brands), -1)]),
        of_product,
    )


def without_general(
    rules: Candidates, itemsets: Itemsets, parent: Rows, interest: float
) -> npt.NDArray[np.bool_]:
    """Which rules say more than those with one item replaced by its parent, bool [n].

    With a parent in the antecedent the confidence to expect is that of the general rule; with a
    parent as consequent, times the item's share of its parent's baskets.

    Args:
        rules: counted rules.
        itemsets: frequent sets, those of the parents among them.
        parent: of each item, int64 [n_items], -1 for none.
        interest: least ratio of confidence to what is to be expected.
    """
    says = np.ones(len(rules), np.bool_)
    confidence = rules.both / rules.left
    for width in np.unique((rules.antecedent >= 0).sum(axis=1)):
        these = np.flatnonzero((rules.antecedent >= 0).sum(axis=1) == width)
        left, right = rules.antecedent[these, :width], rules.consequent[these]
        for place in range(int(width) + 1):
            expected = _expected(left, right, place, itemsets, parent)
            says[these] &= ~(confidence[these] < interest * expected)
    return says


def _expected(
    left: Sets, right: Rows, place: int, itemsets: Itemsets, parent: Rows
) -> npt.NDArray[np.float64]:
    """Confidence by the rule with the item at ``place`` made general; NaN where there is none."""
    sets = np.column_stack([left, right])
    general = sets.copy()
    general[:, place] = parent[sets[:, place]]
    known = (general[:, place] >= 0) & ~(np.sort(general)[:, 1:] == np.sort(general)[:, :-1]).any(
        axis=1
    )
    both = itemsets.count(np.sort(general, axis=1))
    before = itemsets.count(np.sort(general[:, :-1], axis=1))
    share = itemsets.count(right[:, None]) / np.maximum(itemsets.count(general[:, -1:]), 1)
    known &= (both > 0) & (before > 0)
    return np.where(known, both / np.maximum(before, 1) * share, np.nan)
