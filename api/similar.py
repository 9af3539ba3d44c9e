"""``Similar``: products like one product, in any choice of products and of any length.

The neighbours a build keeps answer most calls; where filters or a long list leave too few of them,
the vectors do. Products nobody bought yet come in by features, in the places given to them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from api.catalogue import Catalogue
from api.models.lists import SimilarProduct
from pipeline.snapshot import Snapshot
from ranking.likeness import Likeness

__all__ = ["Similar"]

Rows = npt.NDArray[np.int64]
Found = tuple[Rows, npt.NDArray[np.float32], Rows]
SPACES = ("customers", "features")


class Similar:
    """Similar products over one snapshot."""

    def __init__(self, snapshot: Snapshot, catalogue: Catalogue) -> None:
        self._catalogue, self._neighbours = catalogue, snapshot.neighbours
        self._likeness: Likeness = snapshot.likeness
        self._recommender = snapshot.recommender

    def items(
        self, row: int, k: int, allowed: npt.NDArray[np.bool_] | None, new: int
    ) -> list[SimilarProduct]:
        """The ``k`` products most like the one at ``row``, most alike first.

        Args:
            row: of the product.
            k: how many; fewer where fewer have a vector.
            allowed: products that may be listed, bool [n_products]; ``None`` for all.
            new: most places for products nobody bought yet.
        """
        parts = [self._bought(row, k, allowed), self._new(row, new, allowed)]
        rows, scores, spaces = (np.concatenate(part) for part in zip(*parts, strict=True))
        best = np.argsort(-scores, kind="stable")[:k]
        return [
            SimilarProduct(
                product=self._catalogue.product(int(rows[i])),
                score=float(scores[i]),
                source=SPACES[spaces[i]],
            )
            for i in best
        ]

    def _bought(self, row: int, k: int, allowed: npt.NDArray[np.bool_] | None) -> Found:
        near = self._neighbours.rows[row].astype(np.int64)
        kept = near >= 0 if allowed is None else (near >= 0) & allowed[near]
        if kept.sum() >= k:
            rows, scores = near[kept][:k], self._neighbours.scores[row][kept][:k]
            space = 0 if self._likeness.learned[row].any() else 1
            return rows, scores, np.full(k, space)
        candidates = self._recommender.eligible if allowed is None else allowed
        return self._likeness.nearest(row, candidates & self._recommender.eligible, k)

    def _new(self, row: int, most: int, allowed: npt.NDArray[np.bool_] | None) -> Found:
        if not most or not self._recommender.newcomers:
            return np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.int64)
        rows, scores = self._recommender.newcomers.like(row)
        kept = np.ones(len(rows), np.bool_) if allowed is None else allowed[rows]
        rows, scores = rows[kept][:most], scores[kept][:most]
        return rows, scores, np.ones(len(rows), np.int64)
