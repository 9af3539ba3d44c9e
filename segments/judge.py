"""How good a grouping of customers is: by graph, by distance, by what it knows of the future.

The last is in bits per purchase line: how much better the category of a customer's next purchases
is told from their group's mix, learned before the cut and smoothed, than from the whole shop's.
Customers of no group save nothing, and count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import davies_bouldin_score, silhouette_score

from segments.communities import modularity
from segments.grouping import Customers, Grouping
from segments.mix import Counts
from segments.refine import mixes

__all__ = ["Quality", "RatioInterval", "quality", "ratio", "saved_bits"]

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Quality:
    """A grouping by the graph and by distance.

    Attributes:
        groups: how many.
        modularity: on the user graph, at most 1.
        silhouette: mean over customers, -1 to 1.
        davies_bouldin: lower is better.
        coverage: share of the graph's link weight inside groups.
    """

    groups: int
    modularity: float
    silhouette: float
    davies_bouldin: float
    coverage: float


@dataclass(frozen=True)
class RatioInterval:
    """A ratio of sums over customers, between the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def quality(customers: Customers, grouping: Grouping) -> Quality:
    """Figures of ``grouping``; not a number where there are less than two groups."""
    labels, graph = grouping.labels, customers.graph
    groups = len(np.unique(labels[labels >= 0]))
    row = np.repeat(np.arange(len(labels)), np.diff(graph.indptr))
    inside = (labels[row] == labels[graph.indices]) & (labels[row] >= 0)
    placed = labels >= 0
    vectors, known = customers.vectors[placed], labels[placed]
    return Quality(
        groups,
        modularity(graph, labels),
        float(silhouette_score(vectors, known)) if groups > 1 else float("nan"),
        float(davies_bouldin_score(vectors, known)) if groups > 1 else float("nan"),
        float(graph.data[inside].sum() / max(graph.data.sum(), 1e-12)),
    )


def saved_bits(before: Counts, after: Counts, labels: npt.NDArray[np.int64]) -> Values:
    """Bits that each customer's group saves on their lines ``after``, float64 [n].

    Args:
        before: lines of each customer in each item, float64 CSR [n, n_items]; mixes are of these.
        after: the same of the time to be told.
        labels: group of each customer or -1, int64 [n].
    """
    told = mixes(before, labels, int(labels.max(initial=-1)) + 1)
    saved = np.zeros(len(labels))
    for group, mix in enumerate(told):
        members = np.flatnonzero(labels == group)
        saved[members] = after[members] @ mix
    return saved


def ratio(above: Values, below: Values, *, samples: int = 1000, seed: int = 0) -> RatioInterval:
    """Sum of ``above`` over sum of ``below``, both float64 [n], customers drawn anew.

    Percentile bootstrap: Efron and Tibshirani, "An introduction to the bootstrap" (1993).
    """
    rng = np.random.default_rng(seed)
    n = len(above)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=samples)
    ratios = (drawn @ above) / np.maximum(drawn @ below, 1e-12)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return RatioInterval(float(above.sum() / max(below.sum(), 1e-12)), float(low), float(high))
