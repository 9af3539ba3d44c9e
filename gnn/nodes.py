"""``NodeFeatures``: what is known of users and products beside their events, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.ids import IdMap
from graph.interactions import InteractionGraph
from loaders.errors import DataError

__all__ = ["NodeFeatures"]

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NodeFeatures:
    """Features and belongings over the rows of an interaction graph.

    Attributes:
        users: float32 [n_users, a], attributes of customers; zeros where nothing is known.
        products: float32 [n_products, b], such as title and price.
        categories: ids of the categories.
        brands: ids of the brands.
        category: row of each product's category, int64 [n_products], -1 for none.
        brand: row of each product's brand, likewise.
        parent: row of the category above each category, int64 [n_categories], -1 for none.

    Raises:
        DataError: lengths do not fit together.
    """

    users: Matrix
    products: Matrix
    categories: IdMap
    brands: IdMap
    category: Rows
    brand: Rows
    parent: Rows

    def __post_init__(self) -> None:
        found = (len(self.category), len(self.brand), len(self.parent))
        if found != (len(self.products), len(self.products), len(self.categories)):
            raise DataError(
                "expected a category and a brand for each product and a parent for each category,"
                f" found {found} for {len(self.products):,} and {len(self.categories):,}"
            )

    @staticmethod
    def unknown(graph: InteractionGraph) -> NodeFeatures:
        """Features of a shop that is known by its events alone."""
        users, products = graph.shape
        none = np.full(products, -1, np.int64)
        return NodeFeatures(
            np.zeros((users, 0), np.float32),
            np.zeros((products, 0), np.float32),
            IdMap.of([]),
            IdMap.of([]),
            none,
            none,
            np.empty(0, np.int64),
        )

    def fits(self, graph: InteractionGraph) -> None:
        """Check that there is a row for each user and product of ``graph``.

        Raises:
            DataError: there is not.
        """
        found = (len(self.users), len(self.products))
        if found != graph.shape:
            raise DataError(
                f"expected features of {graph.shape[0]:,} users and {graph.shape[1]:,} products,"
                f" found {found[0]:,} and {found[1]:,}"
            )
