"""The order in which each customer came to their products, for scorers that look at it.

A product bought again counts where it was bought last, so everyone's products stand in one line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import FloatMatrix, InteractionGraph

__all__ = ["Lines", "lines_of"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """Who bought what, each pair once, by user and then by the time it was last bought.

    Attributes:
        users, products: int64 [n_pairs]; pairs of one user lie together, latest last.
        later: int64 [n_pairs], products the user bought strictly later; 0 for the latest basket.
        shape: users and products of the shop.
    """

    users: Rows
    products: Rows
    later: Rows
    shape: tuple[int, int]

    def matrix(self, weights: npt.NDArray[np.floating] | None = None) -> FloatMatrix:
        """``weights`` [n_pairs] (1 each by default) by user and product, CSR float32."""
        data = np.ones(len(self.users)) if weights is None else weights
        place = (self.users, self.products)
        matrix = sparse.coo_array((data.astype(np.float32), place), shape=self.shape).tocsr()
        matrix.sort_indices()
        return matrix

    def recent(self, reach: float, floor: float = 0.0) -> FloatMatrix:
        """Pairs weighted by ``floor + 1 / (1 + later / reach)``, CSR float32 [n_users, n_products].

        Counted in products and not in days, so that it means the same for customers who come
        daily and yearly, and where places in a line are all that is known of time.

        Args:
            reach: how many later products halve a weight; infinity keeps all alike.
            floor: what the oldest still count.
        """
        return self.matrix(floor + 1 / (1 + self.later / reach))


def lines_of(graph: InteractionGraph) -> Lines:
    """The lines of a shop; only purchases count."""
    bought = graph.purchases()
    order = np.lexsort((bought.product_rows, bought.days, bought.user_rows))
    users = bought.user_rows[order].astype(np.int64)
    products = bought.product_rows[order].astype(np.int64)
    days = bought.days[order]
    kept = _last_of_each(users * graph.shape[1] + products)
    users, products, days = users[kept], products[kept], days[kept]
    return Lines(users, products, _strictly_later(users, days), graph.shape)


def _last_of_each(keys: Rows) -> Rows:
    """Places of the last occurrence of each key, ascending."""
    _, from_end = np.unique(keys[::-1], return_index=True)
    return np.sort(len(keys) - 1 - from_end)


def _strictly_later(users: Rows, days: npt.NDArray[np.float64]) -> Rows:
    """How many entries of the same user have a later day; both arrays in order."""
    n = len(users)
    if not n:
        return np.zeros(0, np.int64)
    new_user = np.append(users[1:] != users[:-1], True)
    new_day = new_user | np.append(days[1:] != days[:-1], True)
    # Where the run of equal days, and the user's whole line, end: the next such place.
    place = np.arange(n)
    day_end = _next_true(new_day, place)
    user_end = _next_true(new_user, place)
    return np.asarray(user_end - day_end, np.int64)


def _next_true(mask: npt.NDArray[np.bool_], place: Rows) -> Rows:
    """For each place the first place from it on where ``mask`` holds; its last entry must."""
    ends = np.flatnonzero(mask)
    return np.asarray(ends[np.searchsorted(ends, place)], np.int64)
