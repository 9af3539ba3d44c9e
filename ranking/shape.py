"""``Shape``: how a list is composed of what may stand in it: few of a kind, and not all alike.

Of each group the most relevant stay candidates, so a limit of groups never makes a list shorter
than it must be. Variety is then chosen among the best ``pool`` of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ranking.lists import first_of_groups, marginal_relevance
from ranking.scorer import Scores

__all__ = ["Shape"]

POOL = 5
"""Variety is chosen among this many times the products asked for."""
LEAST_POOL = 100
APART = 3.0
"""More than relevance and likeness together can differ by, so that layers stay in order."""


@dataclass(frozen=True)
class Shape:
    """What a list is composed by.

    Attributes:
        groups: group of each product, int [n_products], -1 for none, which knows no limit.
        per_group: most products of one group; ``None`` for any number.
        diversity: 0 lists by relevance alone, 1 by difference alone.
        vectors: for product rows int64 [n] their vectors of length 1 or 0, float32 [n, dim].
    """

    groups: npt.NDArray[np.integer]
    per_group: int | None
    diversity: float
    vectors: Callable[[npt.NDArray[np.int64]], Scores]

    def pool(self, k: int) -> int:
        """How many candidates to look at for a list of ``k``."""
        return max(POOL * k, LEAST_POOL)

    def arrange(
        self, rows: npt.NDArray[np.int64], scores: Scores, layers: npt.NDArray[np.integer], k: int
    ) -> npt.NDArray[np.int64]:
        """Places of the products that make the list, at most ``k``, int64.

        Args:
            rows: candidates, the most relevant first, int64 [n].
            scores: float32 [n]; relevance is the score over the best one in layer 0 and falls
                evenly from 1 to 0 in the others, whose scores say nothing.
            layers: int [n], ascending; no product comes before one of a lower layer.
            k: length of the list.
        """
        places = np.arange(len(rows))
        if self.per_group is not None:
            places = places[first_of_groups(self.groups[rows], self.per_group)]
        if not self.diversity:
            return places[:k]
        places = places[: self.pool(k)]
        relevance = _relevance(scores[places], layers[places])
        apart = APART * layers[places]
        vectors = self.vectors(rows[places])
        return places[marginal_relevance(relevance, vectors, self.diversity, k, apart)]


def _relevance(scores: Scores, layers: npt.NDArray[np.integer]) -> Scores:
    """Relevance 0..1 of candidates in order, float32 [n]."""
    out = np.empty(len(scores), np.float32)
    for layer in np.unique(layers):
        mine = np.flatnonzero(layers == layer)
        if layer == 0:
            out[mine] = scores[mine] / scores[mine].max()
        else:
            out[mine] = np.linspace(1, 0, len(mine), endpoint=False)
    return out
