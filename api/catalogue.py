"""Products and categories of a snapshot, laid out so that an answer looks nothing up twice."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from api.models.base import Product, trusted
from api.models.lists import ProductProfile
from api.models.shop import Category
from api.nearest import nearest_names
from loaders.errors import UnknownCategory, UnknownProduct
from pipeline.snapshot import Snapshot

__all__ = ["Catalogue"]

_KNOWN = ("product_id", "title", "price", "category_id", "brand")


def _shared(column: pl.Series) -> list[Any]:
    """The values of a column, one object for all that are equal: most are there many times."""
    known: dict[Any, Any] = {}
    return [known.setdefault(value, value) for value in column.to_list()]


class Catalogue:
    """Products by row or id, and categories with everything below them."""

    def __init__(self, snapshot: Snapshot) -> None:
        products = snapshot.products
        self._table, self._stats = products, snapshot.product_stats
        self.ids = snapshot.product_ids
        titles = products.select(pl.coalesce("title", "product_id")).to_series()
        self.titles: list[str] = _shared(titles)
        self._prices = _shared(products["price"])
        self._brands = _shared(products["brand"])
        self._category_ids = _shared(products["category_id"])
        self._tree = _Tree(snapshot.categories, self._category_ids)
        self.purchases = snapshot.product_stats["purchases"].to_numpy()

    def row(self, product_id: str) -> int:
        """The row of a product.

        Raises:
            UnknownProduct: no product has this id.
        """
        row = self.ids.row(product_id)
        if row is None:
            raise UnknownProduct(f"no product has the id {product_id!r}")
        return row

    def product(self, row: int) -> Product:
        """The product at ``row``, as lists show it."""
        category_id = self._category_ids[row]
        return trusted(
            Product,
            product_id=self.ids.id(row),
            title=self.titles[row],
            price=self._prices[row],
            category_id=category_id,
            category=self._tree.names.get(category_id),
            brand=self._brands[row],
        )

    def profile(self, row: int) -> ProductProfile:
        """The product at ``row`` in full."""
        stats = self._stats.row(row, named=True)
        others = self._table.drop(_KNOWN, strict=False).row(row, named=True)
        attributes = {name: value for name, value in others.items() if value is not None}
        return ProductProfile(product=self.product(row), attributes=attributes, **stats)

    def search(self, text: str, limit: int, offset: int = 0) -> list[Product]:
        """Products whose title or id holds ``text``, the most bought first."""
        wanted = text.lower()
        found = np.flatnonzero(self._searched.str.contains(wanted, literal=True).to_numpy())
        best = found[np.argsort(-self.purchases[found], kind="stable")[offset : offset + limit]]
        return [self.product(int(row)) for row in best]

    @cached_property
    def _searched(self) -> pl.Series:
        titles = pl.DataFrame({"title": self.titles, "id": self.ids.ids})
        return titles.select(pl.format("{} {}", "title", "id").str.to_lowercase()).to_series()

    @property
    def categories(self) -> list[Category]:
        """All categories, broadest first, by name within a level."""
        return self._tree.categories

    def within(self, category_id: str) -> npt.NDArray[np.bool_]:
        """Which products are in a category or below it, bool [n_products].

        Raises:
            UnknownCategory: the shop has no such category.
        """
        return self._tree.within(category_id)

    @property
    def category_places(self) -> npt.NDArray[np.int64]:
        """A number for each product's own category, int64 [n_products]; -1 where it has none."""
        return self._tree.places

    def ancestor_names(self, row: int) -> list[tuple[str, str]]:
        """Id and name of the product's categories, broadest first."""
        return self._tree.path(self._category_ids[row])


class _Tree:
    """Categories in the order of a walk, so that all below one stand in one span."""

    def __init__(self, table: pl.DataFrame, product_categories: list[str | None]) -> None:
        rows = table.to_dicts()
        self.names: dict[str | None, str] = {r["category_id"]: r["name"] for r in rows}
        self._parents = {r["category_id"]: r["parent_id"] for r in rows}
        children: dict[str | None, list[str]] = {}
        for r in rows:
            children.setdefault(r["parent_id"], []).append(r["category_id"])
        self._spans: dict[str, tuple[int, int]] = {}
        self._walk(children)
        places = [self._spans[c][0] if c is not None else -1 for c in product_categories]
        self.places = np.array(places, np.int64)
        self.categories = [self._category(r) for r in rows]
        self.categories.sort(key=lambda c: (c.level, c.name, c.category_id))

    def _walk(self, children: dict[str | None, list[str]]) -> None:
        place, stack = 0, [(c, False) for c in children.get(None, [])]
        starts: dict[str, int] = {}
        while stack:
            category, left = stack.pop()
            if left:
                self._spans[category] = (starts[category], place)
                continue
            starts[category] = place
            place += 1
            stack.append((category, True))
            stack.extend((c, False) for c in children.get(category, []))

    def _category(self, row: dict[str, str]) -> Category:
        inside = int(self.within(row["category_id"]).sum())
        return Category.model_validate({**row, "products": inside})

    def within(self, category_id: str) -> npt.NDArray[np.bool_]:
        if category_id not in self._spans:
            near = nearest_names(
                category_id, list(self._spans), [self.names[c] for c in self._spans]
            )
            raise UnknownCategory(f"the shop has no category {category_id!r}{near}")
        start, end = self._spans[category_id]
        return (self.places >= start) & (self.places < end)

    def path(self, category_id: str | None) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        while category_id is not None:
            found.append((category_id, self.names[category_id]))
            category_id = self._parents[category_id]
        return found[::-1]
