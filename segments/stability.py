"""How far segments can be trusted: found again from other samples of the same events?

The shop's orders are drawn anew with replacement (Poisson weights, the bootstrap of large samples),
customers are described and grouped from the start, and each segment is compared with the group most
like it, by Jaccard. From .75 on a segment is a pattern of the customers; below .6 it is one of the
run, and nothing should be built on it (Hennig, "Cluster-wise assessment of cluster stability",
Computational Statistics & Data Analysis 52, 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score

from graph.interactions import InteractionGraph

__all__ = ["Trust", "drawn", "found_again", "trusted"]

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trust:
    """What resampling says of a grouping.

    Attributes:
        jaccard: mean over samples of each group with the one most like it, float64 [k].
        agreement: mean adjusted Rand between the grouping and those of the samples.
    """

    jaccard: npt.NDArray[np.float64]
    agreement: float


def trusted(
    labels: Labels,
    regroup: Callable[[npt.NDArray[np.float32], int], Labels],
    bought: InteractionGraph,
    samples: int,
    seed: int,
) -> Trust | None:
    """Group ``samples`` samples of the events and compare; ``None`` for no sample or no group.

    Args:
        labels: the grouping in question, int64 [n_users], -1 for none.
        regroup: groups anew from weights of lines, float32 [len(bought)], and a seed.
        bought: purchases.
        samples: how many.
        seed: of drawing; sample ``i`` is grouped with ``seed + i``.
    """
    if not samples or labels.max(initial=-1) < 0:
        return None
    rng = np.random.default_rng(seed)
    others = [regroup(drawn(bought, rng), seed + i) for i in range(samples)]
    jaccard = np.mean([found_again(labels, other) for other in others], axis=0)
    return Trust(np.asarray(jaccard), float(np.mean([_agreement(labels, o) for o in others])))


def drawn(bought: InteractionGraph, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """How often each line is drawn, float32 [len(bought)]; lines of an order together."""
    times = rng.poisson(1.0, int(bought.orders.max(initial=-1)) + 1)
    alone = rng.poisson(1.0, len(bought))
    known = bought.orders >= 0
    together = times[np.where(known, bought.orders, 0)] if len(times) else alone
    return np.where(known, together, alone).astype(np.float32)


def found_again(labels: Labels, other: Labels) -> npt.NDArray[np.float64]:
    """Jaccard of each group of ``labels`` with the one of ``other`` most like it, float64 [k].

    Users whom one of the two does not group are left out.
    """
    size = int(labels.max(initial=-1)) + 1
    both = (labels >= 0) & (other >= 0)
    table = np.zeros((size, int(other.max(initial=-1)) + 1), np.int64)
    np.add.at(table, (labels[both], other[both]), 1)
    either = table.sum(axis=1)[:, None] + table.sum(axis=0)[None, :] - table
    return np.asarray((table / np.maximum(either, 1)).max(axis=1, initial=0.0), np.float64)


def _agreement(labels: Labels, other: Labels) -> float:
    both = (labels >= 0) & (other >= 0)
    return float(adjusted_rand_score(labels[both], other[both])) if both.any() else 0.0
