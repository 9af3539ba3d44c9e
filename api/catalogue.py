"""Products and categories of a snapshot, laid out so that an answer looks nothing up twice.

Products are as they are now (``api.goods``), categories as the snapshot has them.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from api.goods import FIELDS, Goods
from api.models.base import Product, trusted
from api.models.lists import ProductProfile
from api.models.shop import Category
from api.nearest import nearest_names
from events.recent_changes import RecentChanges, Said
from loaders.errors import UnknownCategory, UnknownProduct
from pipeline.snapshot import Snapshot

__all__ = ["Catalogue"]


class Catalogue:
    """Products by row or id, and categories with everything below them.

    Args:
        snapshot: what was published.
        changes: what was said of products since it learned; nothing where there is none.

    Attributes:
        goods: the products as they are now.
    """

    def __init__(self, snapshot: Snapshot, changes: RecentChanges | None = None) -> None:
        products = snapshot.products
        self._table, self._stats, self._changes = products, snapshot.product_stats, changes
        self.ids = snapshot.product_ids
        self.goods = Goods(products, frozenset(snapshot.categories["category_id"]))
        self._tree = _Tree(snapshot.categories, self.goods.category_ids)
        self.purchases = snapshot.product_stats["purchases"].to_numpy()

    def follow(self) -> None:
        """Take up what was said of products since the last look."""
        if self._changes is not None:
            self._changes.follow(self._put)

    def _put(self, product_id: str, said: Said) -> None:
        row = self.ids.row(product_id)
        if row is not None:  # others cannot be ranked before a build learns of them
            self.goods.put(row, said)
            self._tree.move(row, self.goods.category_ids[row])

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
        goods = self.goods
        category_id = goods.category_ids[row]
        return trusted(
            Product,
            product_id=self.ids.id(row),
            title=goods.titles[row],
            price=goods.prices[row],
            category_id=category_id,
            category=self._tree.names.get(category_id),
            brand=goods.brands[row],
        )

    def profile(self, row: int) -> ProductProfile:
        """The product at ``row`` in full."""
        stats = self._stats.row(row, named=True)
        others = self._table.drop(FIELDS, strict=False).row(row, named=True)
        others |= self.goods.attributes.get(row, {})
        attributes = {name: value for name, value in others.items() if value is not None}
        return ProductProfile(product=self.product(row), attributes=attributes, **stats)

    def search(self, text: str, limit: int, offset: int = 0) -> list[Product]:
        """Products whose title or id holds ``text``, the most bought first."""
        wanted = text.lower()
        holds = np.array(self._searched.str.contains(wanted, literal=True).to_numpy())
        for row in tuple(self.goods.retitled):
            holds[row] = wanted in f"{self.goods.titles[row]} {self.ids.id(row)}".lower()
        found = np.flatnonzero(holds)
        best = found[np.argsort(-self.purchases[found], kind="stable")[offset : offset + limit]]
        return [self.product(int(row)) for row in best]

    @cached_property
    def _searched(self) -> pl.Series:
        """Titles of the snapshot and ids, in lower case."""
        titles = self._table.select(pl.coalesce("title", "product_id"), id="product_id")
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
        return self._tree.path(self.goods.category_ids[row])


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
        self.places = np.array([self._place(c) for c in product_categories], np.int64)
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

    def _place(self, category_id: str | None) -> int:
        return self._spans[category_id][0] if category_id is not None else -1

    def move(self, row: int, category_id: str | None) -> None:
        """Have the product at ``row`` be of another category, or of none."""
        self.places[row] = self._place(category_id)

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
