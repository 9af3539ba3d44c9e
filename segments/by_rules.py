"""Groups without learning from baskets: cells of recency, frequency and value; demographics."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.cluster import KMeans

from segments.attributes import attribute_columns, attribute_vectors
from segments.grouping import Customers, Grouping, closeness

__all__ = ["cells", "fit_people", "fit_rfm"]


def cells(table: npt.NDArray[np.float64], k: int) -> npt.NDArray[np.int64]:
    """``k`` cells of customers, int64 [n]: the largest is cut at the median of the next column.

    Columns take turns along a cell's own cuts, so cells are boxes as rules of thumb make them
    ("bought lately, often, for little"). A column on which a cell cannot be cut is passed over.

    Args:
        table: float64 [n, columns].
        k: how many cells; fewer where no cell can be cut any more.
    """
    found = np.zeros(len(table), np.int64)
    turn, whole = [0], set[int]()
    while len(turn) < k and len(whole) < len(turn):
        size = np.bincount(found, minlength=len(turn)).astype(np.float64)
        size[list(whole)] = -1
        cell = int(size.argmax())
        upper = _upper(table, found == cell, turn[cell])
        if upper is None:
            whole.add(cell)
            continue
        turn[cell] += 1
        found[upper] = len(turn)
        turn.append(turn[cell])
    return found


def _upper(
    table: npt.NDArray[np.float64], inside: npt.NDArray[np.bool_], turn: int
) -> npt.NDArray[np.bool_] | None:
    """Who of a cell is above the median of the next column that parts it, bool [n]."""
    for step in range(table.shape[1]):
        column = table[:, (turn + step) % table.shape[1]]
        upper = inside & (column > np.median(column[inside]))
        if upper.any():
            return upper
    return None


def fit_rfm(customers: Customers, k: int, seed: int) -> Grouping:
    """Cells of days since the last purchase, orders and spend; ``seed`` changes nothing."""
    labels = cells(customers.behaviour, k)
    return Grouping(labels, np.ones(len(labels), np.float32))


def fit_people(customers: Customers, k: int, seed: int) -> Grouping:
    """k-means on attributes of those with any, ``k`` - 1 groups; the others are a group."""
    columns = attribute_columns(customers.people)
    if not columns:
        nobody = np.full(customers.people.height, -1, np.int64)
        return Grouping(nobody, np.zeros(len(nobody), np.float32))
    some = pl.any_horizontal(pl.col(columns).is_not_null())
    known = customers.people.select(some).to_series().to_numpy()
    groups = k - 1 if (~known).any() else k
    vectors = attribute_vectors(customers.people.filter(pl.Series(known)), columns, "most_frequent")
    labels = np.full(len(known), groups, np.int64)
    labels[known] = KMeans(groups, n_init=5, random_state=seed).fit_predict(vectors)
    strength = np.ones(len(known), np.float32)
    strength[known] = closeness(vectors, labels[known])
    return Grouping(labels, strength)
