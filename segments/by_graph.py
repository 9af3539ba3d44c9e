"""Communities of the user graph at the number asked for: as published, and by links alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from segments.communities import communities, partitioned, run
from segments.grouping import Customers, Grouping
from segments.mix import Counts

__all__ = ["fit_communities", "fit_leiden", "searched"]

Labels = npt.NDArray[np.int64]

HALVINGS = 12
"""Steps of the search for a resolution that gives the number asked for."""

LOWEST, HIGHEST = 0.05, 4.0


def fit_communities(customers: Customers, k: int, seed: int) -> Grouping:
    """Communities as a build finds them.

    Args:
        customers: whom to group.
        k: how many, or the nearest number that a resolution gives; 0: the build's own rule.
        seed: of Leiden.
    """
    if not k:
        config = customers.config.model_copy(update={"seed": seed})
        found = communities(customers.graph, config, counts=customers.counts)
        return Grouping(found.labels, found.strength)
    return _searched(customers, customers.counts, k, seed)


def fit_leiden(customers: Customers, k: int, seed: int) -> Grouping:
    """Leiden alone, without the moves by purchases; arguments as in ``fit_communities``."""
    return _searched(customers, None, k, seed)


def _searched(customers: Customers, counts: Counts | None, k: int, seed: int) -> Grouping:
    """One run at the resolution whose communities come nearest to ``k``."""
    run_at = partial(run, customers.graph, seed=seed, config=customers.config, counts=counts)
    made = partitioned(customers.graph, *searched(run_at, k), 0.0)
    return Grouping(made.labels, made.strength)


def searched(run_at: Callable[[float], Labels], k: int) -> tuple[Labels, float]:
    """Communities nearest in number to ``k``, and their resolution, found by halving.

    Args:
        run_at: communities at a resolution, int64 [n], -1 for none; more where it is higher.
        k: how many are wanted.
    """
    low, high = LOWEST, HIGHEST
    tried: list[tuple[int, float, Labels]] = []
    for _ in range(HALVINGS):
        resolution = float(np.sqrt(low * high))
        labels = run_at(resolution)
        found = len(np.unique(labels[labels >= 0]))
        tried.append((abs(found - k), resolution, labels))
        if found == k:
            break
        low, high = (resolution, high) if found < k else (low, resolution)
    _, resolution, labels = min(tried, key=lambda each: each[:2])
    return labels, resolution
