"""``History``: who bought what, how often, when last and in what rhythm.

Recommendation modes, reasons and profile pages read it; one CSR matrix in five arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graph.interactions import InteractionGraph
from ranking.arrays import load_arrays, save_arrays

__all__ = ["History", "UserHistory", "build_history"]


@dataclass(frozen=True)
class UserHistory:
    """What one user bought, one entry a product, in product order.

    Attributes:
        products: product rows, int32 [n].
        times: orders that held the product, int32 [n]; lines of unknown order count one each.
        last_days: float64 [n], days since 1970-01-01 UTC of the latest purchase.
        intervals: float32 [n], mean days between days of purchase; NaN where bought on one day.
        values: float32 [n], money spent on it in the shop's currency; unknown values count 0.
    """

    products: npt.NDArray[np.int32]
    times: npt.NDArray[np.int32]
    last_days: npt.NDArray[np.float64]
    intervals: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.products)


@dataclass(frozen=True)
class History:
    """All users' histories, CSR by user: entries ``starts[u]:starts[u + 1]`` are user u's.

    Attributes:
        starts: int64 [n_users + 1].
        products, times, last_days, intervals, values: [n_pairs], as in ``UserHistory``.
        buyers: int32 [n_products], users who bought each product.
        now: float64 [1], the day of the last event, from which ages are counted.
    """

    starts: npt.NDArray[np.int64]
    products: npt.NDArray[np.int32]
    times: npt.NDArray[np.int32]
    last_days: npt.NDArray[np.float64]
    intervals: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    buyers: npt.NDArray[np.int32]
    now: npt.NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        """(users, products)."""
        return len(self.starts) - 1, len(self.buyers)

    def of(self, user_row: int) -> UserHistory:
        """One user's history; empty for row -1, an unknown user."""
        place = slice(0, 0)
        if user_row >= 0:
            place = slice(int(self.starts[user_row]), int(self.starts[user_row + 1]))
        return UserHistory(
            self.products[place],
            self.times[place],
            self.last_days[place],
            self.intervals[place],
            self.values[place],
        )

    def known(self, user_rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether each user ever bought anything, bool [len(user_rows)]; not for row -1."""
        return (user_rows >= 0) & (self.starts[user_rows + 1] > self.starts[user_rows])

    def bought(self, user_rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which products each user ever bought, bool [len(user_rows), n_products]."""
        mask = np.zeros((len(user_rows), self.shape[1]), np.bool_)
        for i, row in enumerate(user_rows):
            mask[i, self.of(int(row)).products] = True
        return mask

    def save(self, folder: Path) -> None:
        """Write the arrays to ``folder``, one file each."""
        save_arrays(folder, {f.name: getattr(self, f.name) for f in fields(self)})

    @staticmethod
    def load(folder: Path, *, mmap: bool = True) -> History:
        """Read what ``save`` wrote, memory-mapped by default.

        Raises:
            SnapshotMissing: the folder does not hold one.
        """
        return History(**load_arrays(folder, [f.name for f in fields(History)], mmap=mmap))


def build_history(graph: InteractionGraph) -> History:
    """Gather the purchases of ``graph`` by user and product; other events are ignored."""
    bought = graph.purchases()
    key = bought.user_rows.astype(np.int64) * graph.shape[1] + bought.product_rows
    pairs, pair = np.unique(key, return_inverse=True)
    user, product = pairs // graph.shape[1], (pairs % graph.shape[1]).astype(np.int32)
    first, last = _ends(bought.days, pair, len(pairs))
    visits = _distinct(pair, np.floor(bought.days).astype(np.int64), len(pairs))
    with np.errstate(invalid="ignore", divide="ignore"):
        interval = np.where(visits > 1, (last - first) / (visits - 1), np.nan)
    return History(
        starts=np.searchsorted(user, np.arange(graph.shape[0] + 1)).astype(np.int64),
        products=product,
        times=_distinct(pair, _order_keys(bought.orders), len(pairs)),
        last_days=last,
        intervals=interval.astype(np.float32),
        values=np.bincount(
            pair, np.nan_to_num(bought.values).astype(np.float64), len(pairs)
        ).astype(np.float32),
        buyers=np.bincount(product, minlength=graph.shape[1]).astype(np.int32),
        now=np.array([graph.last_day]),
    )


def _ends(
    days: npt.NDArray[np.float64], pair: npt.NDArray[np.int64], n: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """First and last day of each pair, float64 [n]."""
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, pair, days)
    np.maximum.at(last, pair, days)
    return first, last


def _order_keys(orders: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Order numbers, each unknown one replaced by a number of its own."""
    own = -1 - np.arange(len(orders), dtype=np.int64)
    return np.where(orders >= 0, orders.astype(np.int64), own)


def _distinct(
    pair: npt.NDArray[np.int64], what: npt.NDArray[np.int64], n: int
) -> npt.NDArray[np.int32]:
    """How many different values of ``what`` each pair has, int32 [n]."""
    order = np.lexsort((what, pair))
    pair, what = pair[order], what[order]
    new = np.ones(len(pair), np.bool_)
    new[1:] = (pair[1:] != pair[:-1]) | (what[1:] != what[:-1])
    return np.bincount(pair[new], minlength=n).astype(np.int32)
