"""``Goods``: a snapshot's products as they are now, with what was said of them since it learned.

Column by column, and a value is replaced where it stands: that costs as much as what changed,
however many products there are, and whoever reads a value has the one before or the one after.
Masks over products are made of these columns as a request asks; ``moves`` tells those who keep one
when it is out of date.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from events.recent_changes import Said
from graph.frames import kind_of_column
from graph.properties import fitted, kind_of
from loaders.errors import DataError

__all__ = ["FIELDS", "STOCK", "Goods"]

FIELDS: Final = ("product_id", "title", "price", "category_id", "brand")
"""What every product has, known or not; all else are attributes."""
STOCK: Final = ("in_stock", "stock")
"""Attributes that tell what is in stock: true or false, or the number left. The first counts."""


class Goods:
    """Columns of products by row.

    Args:
        table: of the snapshot, as ``graph.shop.Shop.products``.
        categories: ids of its categories; a product that moves to another stays where it is.

    Attributes:
        titles: to read; the id where a product has none.
        prices, category_ids, brands: to show; ``None`` where unknown.
        amounts: prices, float64 [n_products]; not a number where unknown.
        brand_places: place in ``brand_names``, int32 [n_products]; -1 where unknown.
        brand_names: each brand once, whatever the case of its letters.
        stocked: what is in stock, bool [n_products]; false where unknown.
        tells_stock: whether that is known of any product.
        attributes: what was said of products by row since the snapshot learned, by name.
        retitled: rows whose titles are not the snapshot's.
        moves: how often a price, brand or category changed.
    """

    def __init__(self, table: pl.DataFrame, categories: Set[str]) -> None:
        self._table, self._categories = table, categories
        self._columns = {name.lower(): name for name in table.columns}
        self._kinds = {name: kind_of_column(dtype) for name, dtype in table.schema.items()}
        self.titles: list[str] = _shared(table.select(pl.coalesce("title", "product_id")))
        self.prices: list[float | None] = _shared(table.select("price"))
        self.category_ids: list[str | None] = _shared(table.select("category_id"))
        self.brands: list[str | None] = _shared(table.select("brand"))
        self.amounts = _numbers(table["price"])
        self.brand_names: list[str] = []
        self._brands: dict[str, int] = {}
        self.brand_places = np.array([self._placed(name) for name in self.brands], np.int32)
        known = [name for name in STOCK if name in table.columns and _counts(table[name])]
        self.tells_stock = bool(known)
        self.stocked = np.zeros(len(table), np.bool_)
        for name in reversed(known):
            told = _numbers(table[name])
            self.stocked = np.where(np.isnan(told), self.stocked, told > 0)
        self.attributes: dict[int, dict[str, Any]] = {}
        self.retitled: set[int] = set()
        self.moves = 0

    def brand(self, name: str) -> int | None:
        """The place of a brand in any case of letters; ``None`` where no product had it ever."""
        return self._brands.get(name.casefold())

    def put(self, row: int, said: Said) -> None:
        """Have the product at ``row`` be the snapshot's but for what was said of it.

        A value that does not fit its column is left out: the graph refuses it too.
        """
        base = self._table.row(row, named=True)
        given = dict(self._fitting(said))
        now = {**base, **given}
        chosen = now["price"], now["category_id"], now["brand"]
        if chosen != (self.prices[row], self.category_ids[row], self.brands[row]):
            self.moves += 1
        self.titles[row] = now["title"] if now["title"] is not None else now["product_id"]
        self.prices[row], self.category_ids[row], self.brands[row] = chosen
        self.amounts[row] = np.nan if now["price"] is None else now["price"]
        self.brand_places[row] = self._placed(now["brand"])
        (self.retitled.add if "title" in given else self.retitled.discard)(row)
        self.attributes[row] = {k: v for k, v in given.items() if k not in FIELDS}
        told = [now[name] for name in STOCK if isinstance(now.get(name), bool | int | float)]
        self.tells_stock = self.tells_stock or bool(told)
        self.stocked[row] = bool(told) and told[0] > 0

    def _fitting(self, said: Said) -> Iterator[tuple[str, Any]]:
        """Values with the names and the types that the table has."""
        for name, value in said.items():
            column = self._columns.get(name, name)
            fits = column != "category_id" or value in self._categories
            try:
                if fits:
                    yield column, fitted(value, self._kinds.get(column) or kind_of(value))
            except DataError:
                continue

    def _placed(self, brand: str | None) -> int:
        """The place of a brand, which it gets where it is new."""
        if brand is None:
            return -1
        place = self._brands.setdefault(brand.casefold(), len(self.brand_names))
        if place == len(self.brand_names):
            self.brand_names.append(brand)
        return place


def _shared(column: pl.DataFrame) -> list[Any]:
    """The values of a column, one object for all that are equal: most are there many times."""
    known: dict[Any, Any] = {}
    return [known.setdefault(value, value) for value in column.to_series().to_list()]


def _counts(values: pl.Series) -> bool:
    return values.dtype == pl.Boolean or values.dtype.is_numeric()


def _numbers(values: pl.Series) -> npt.NDArray[np.float64]:
    """Values as numbers of our own, float64 [n]; not a number where there is none."""
    return np.array(values.cast(pl.Float64).fill_null(np.nan).to_numpy())
