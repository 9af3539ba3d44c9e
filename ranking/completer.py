"""``Completer``: what completes a basket, over the products that can be judged and no others.

A catalogue is mostly products nobody can say anything about: on Complete Journey 92,348, of which
28,165 were bought five times. Scoring, adding up and selecting among those alone takes a third of
the time, and gives the same lists: no part of a blend scores any other product.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from graph.interactions import FloatMatrix
from loaders.errors import ConfigError
from ranking.blend import Blend
from ranking.itemknn import ItemKNN
from ranking.lists import top_k
from ranking.matrices import sparse_rows
from ranking.popularity import Popularity
from ranking.scorer import SavedScorer, Scores
from ranking.vectors import Vectors

__all__ = ["Completer"]

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Completer:
    """A scorer of baskets over some products.

    Attributes:
        rows: the products, int64 [m], ascending.
        place: place of each product of the shop among them, int64 [n_products], -1 for none.
        scorer: scores them, and knows them by their places.
    """

    rows: Rows
    place: Rows
    scorer: SavedScorer

    @classmethod
    def of(cls, scorer: SavedScorer, eligible: Mask) -> Completer:
        """From a scorer of all products.

        Args:
            scorer: popularity, neighbours, rules, vectors, or a blend of them, fitted on the
                events of eligible products alone.
            eligible: products that may be suggested, bool [n_products].

        Raises:
            ConfigError: the scorer, or a part of it, is of another kind.
        """
        rows = np.flatnonzero(eligible).astype(np.int64)
        place = np.full(len(eligible), -1, np.int64)
        place[rows] = np.arange(len(rows))
        return cls(rows, place, _among(scorer, rows, place))

    def complete(self, basket: Rows, k: int, allowed: Mask | None = None) -> tuple[Rows, Scores]:
        """The best products that go with a basket, without what is in it.

        Args:
            basket: product rows in it, int64 [n].
            k: how many.
            allowed: products that may be suggested, bool [n_products]; ``None`` for all.

        Returns:
            Product rows, int64 [at most k], best first, and their scores, float32; fewer than
            ``k`` where no more score above 0.
        """
        held = self.place[basket]
        held = held[held >= 0]
        scores = self.scorer.score_profile(held)
        if allowed is not None:
            scores[~allowed[self.rows]] = 0
        scores[held] = 0
        places, best = (found[0] for found in top_k(scores[None], None, k))
        good = best > 0
        return self.rows[places[good]], best[good]


def _among(scorer: SavedScorer, rows: Rows, place: Rows) -> SavedScorer:
    """The scorer of the products at ``rows`` alone, known by their places."""
    if isinstance(scorer, Blend):
        return replace(scorer, parts=tuple(_among(part, rows, place) for part in scorer.parts))
    if isinstance(scorer, ItemKNN):
        weights = sparse_rows(scorer.weights, rows)[:, rows]
        nobody: FloatMatrix = scorer.profiles[:0, rows]  # a basket is of no customer
        return replace(scorer, profiles=nobody, weights=_narrow(weights))
    if isinstance(scorer, Vectors):
        kept = place[scorer.known] >= 0
        products = scorer.products if kept.all() else np.ascontiguousarray(scorer.products[kept])
        known, size = place[scorer.known[kept]], np.array([len(rows)])
        return replace(scorer, products=products, known=known, n_products=size)
    if isinstance(scorer, Popularity):
        return replace(scorer, buyers=scorer.buyers[rows])
    raise ConfigError(f"{type(scorer).__name__} does not complete baskets")


def _narrow(matrix: FloatMatrix) -> FloatMatrix:
    """The same with indices of 32 bits, where slicing made them 64."""
    matrix.indices, matrix.indptr = (a.astype(np.int32) for a in (matrix.indices, matrix.indptr))
    return matrix
