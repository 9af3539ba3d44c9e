"""What every way of grouping customers gets and gives, so that they can be compared.

A way is a function ``fit(customers, k, seed)``; ``METHODS`` in ``segments.methods`` has them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from segments.config import SegmentsConfig
from segments.mix import Counts
from segments.neighbours import UserGraph, Vectors, unit

__all__ = ["Customers", "Fit", "Grouping", "closeness"]


@dataclass(frozen=True)
class Customers:
    """Customers to be grouped, one a row.

    Attributes:
        graph: the user graph, [n, n].
        counts: lines of each in each item, [n, n_items].
        bought: lines of each in each product, [n, n_products].
        items: item of each product or -1, int64 [n_products].
        vectors: what the graph is made of, float32 [n, dim], each of length 1.
        learned: the encoder's part of it, float32 [n, dim].
        behaviour: days since the last purchase, orders, spend: float64 [n, 3].
        people: attributes.
        config: settings.
    """

    graph: UserGraph
    counts: Counts
    bought: Counts
    items: npt.NDArray[np.int64]
    vectors: Vectors
    learned: Vectors
    behaviour: npt.NDArray[np.float64]
    people: pl.DataFrame
    config: SegmentsConfig


@dataclass(frozen=True)
class Grouping:
    """Who is in which group, and how clearly.

    Attributes:
        labels: int64 [n], 0.. without gaps, -1 for none.
        strength: float32 [n], 0 to 1.
    """

    labels: npt.NDArray[np.int64]
    strength: npt.NDArray[np.float32]


Fit = Callable[[Customers, int, int], Grouping]
"""From customers, how many groups, and a seed."""


def closeness(vectors: Vectors, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Cosine of each vector to the centre of its group, at least 0, float32 [n]."""
    scaled = unit(vectors)
    centres = np.vstack([scaled[labels == g].mean(axis=0) for g in range(labels.max() + 1)])
    cosine = np.einsum("ij,ij->i", scaled, unit(centres)[labels])
    return np.asarray(np.clip(cosine, 0, 1), np.float32)
