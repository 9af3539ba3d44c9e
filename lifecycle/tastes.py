"""What customers buy and whom they are like, as numbers a classifier can learn from.

Customers who share categories are neighbours in the graph; where neighbours stopped buying, there
may be a reason that reaches further. Neighbours are found anew before each moment, from what was
bought before it, so no later purchase speaks through them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import InteractionGraph
from lifecycle.behaviour import Features
from lifecycle.config import LifecycleConfig
from lifecycle.occasions import Bools, Floats, Occasions

__all__ = ["Shelves", "lapsed", "tastes"]

NEIGHBOURS = 30
REFERENCES = 1_000
"""Customers that neighbours are sought among: more cost time and change the mean little."""
BATCH = 1_000

Matrix = sparse.csr_array[np.float64, tuple[int, int]]


@dataclass(frozen=True)
class Shelves:
    """What lines are of, beside the graph.

    Attributes:
        categories: of each product, int32 [n_products]; -1 for none.
        prices: usual price of a unit, float64 [n_products]; NaN where unknown.
    """

    categories: npt.NDArray[np.int32]
    prices: Floats


def lapsed(occasions: Occasions, start: float, end: float) -> Bools:
    """Who bought nothing from ``start`` to before ``end``, bool [n_users]."""
    inside = (occasions.firsts >= start) & (occasions.firsts < end)
    found: Bools = occasions.total(inside) == 0
    return found


def tastes(
    graph: InteractionGraph,
    occasions: Occasions,
    shelves: Shelves,
    now: float,
    config: LifecycleConfig,
) -> Features:
    """Columns of taste and neighbourhood before ``now``.

    Args:
        graph: purchases; later ones are not looked at.
        occasions: of the same graph, before ``now`` only.
        shelves: what the lines are of.
        now: days since 1970-01-01 UTC.
        config: settings.
    """
    lines = (graph.days < now) & (graph.days >= now - config.active_days)
    bought = _by_category(graph, shelves.categories, lines)
    ended = now - config.churn_days
    known = ~lapsed(occasions, ended - config.active_days, ended)
    gone = lapsed(occasions, ended, now)
    columns = {
        "discount": ("discount", _discount(graph, shelves.prices, lines)),
        "categories": ("categories", np.log1p(np.diff(bought.indptr).astype(np.float64))),
        "neighbours_lapsed": ("neighbours", _neighbours(bought, known, gone, config.seed)),
    }
    return Features(
        tuple(columns),
        tuple(driver for driver, _ in columns.values()),
        np.column_stack([values for _, values in columns.values()]),
    )


def _by_category(
    graph: InteractionGraph, categories: npt.NDArray[np.int32], lines: Bools
) -> Matrix:
    """Damped counts of lines by user and category, rows of length 1 or 0, float64 CSR."""
    column = categories[graph.product_rows]
    kept = lines & (column >= 0)
    entries = (np.ones(kept.sum()), (graph.user_rows[kept], column[kept]))
    shape = (graph.shape[0], int(categories.max(initial=0)) + 1)
    matrix = sparse.csr_array(sparse.coo_array(entries, shape=shape))
    matrix.data = np.log1p(matrix.data)
    length = np.sqrt(np.asarray(matrix.power(2).sum(axis=1), np.float64))
    return sparse.csr_array(sparse.diags_array(1 / np.maximum(length, 1e-12)) @ matrix)


def _discount(graph: InteractionGraph, prices: Floats, lines: Bools) -> Floats:
    """Share of the usual price that the customer did not pay, float64 [n_users]; 0 if unknown."""
    rows = graph.user_rows[lines]
    usual = prices[graph.product_rows[lines]] * graph.quantities[lines]
    paid = graph.values[lines].astype(np.float64)
    both = np.isfinite(usual) & (usual > 0) & np.isfinite(paid)
    n = graph.shape[0]
    full = np.bincount(rows[both], usual[both], n)
    spent = np.bincount(rows[both], paid[both], n)
    return np.clip(np.where(full > 0, 1 - spent / np.where(full > 0, full, 1), 0.0), -1, 1)


def _neighbours(bought: Matrix, known: Bools, gone: Bools, seed: int) -> Floats:
    """Share of each customer's nearest neighbours that lapsed lately, float64 [n_users]."""
    pool = np.flatnonzero(known)
    overall = float(gone[pool].mean()) if len(pool) else 0.0
    if len(pool) > REFERENCES:
        pool = np.sort(np.random.default_rng(seed).choice(pool, REFERENCES, replace=False))
    if len(pool) <= NEIGHBOURS:
        return np.full(bought.shape[0], overall)
    narrow = bought.astype(np.float32)
    others = narrow[pool].toarray().T
    place = np.full(bought.shape[0], -1)
    place[pool] = np.arange(len(pool))
    found = np.empty(bought.shape[0])
    for start in range(0, bought.shape[0], BATCH):
        rows = slice(start, start + BATCH)
        like = narrow[rows] @ others
        mine = np.flatnonzero(place[rows] >= 0)
        like[mine, place[rows][mine]] = -1  # nobody is their own neighbour
        near = np.argpartition(-like, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        found[rows] = gone[pool][near].mean(axis=1)
    return found
