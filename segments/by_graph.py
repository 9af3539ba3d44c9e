"""Communities of the user graph at the number asked for: as published, and by links alone."""

from __future__ import annotations

from functools import partial

import numpy as np

from segments.communities import communities, partitioned, run
from segments.grouping import Customers, Grouping
from segments.mix import Counts

__all__ = ["fit_communities", "fit_leiden"]

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
    """One run at the resolution, found by halving, whose communities come nearest to ``k``."""
    at = partial(run, customers.graph, seed=seed, config=customers.config, counts=counts)
    low, high, best = LOWEST, HIGHEST, (np.inf, 0.0)
    for _ in range(HALVINGS):
        resolution = float(np.sqrt(low * high))
        found = len(np.unique((labels := at(resolution=resolution))[labels >= 0]))
        best = min(best, (abs(found - k), resolution))
        if found == k:
            break
        low, high = (resolution, high) if found < k else (low, resolution)
    made = partitioned(customers.graph, at(resolution=best[1]), best[1], 0.0)
    return Grouping(made.labels, made.strength)
