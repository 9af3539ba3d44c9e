"""``Newcomers``: products nobody has bought yet, listed by what they are like.

A newcomer stands in for the bought product most like it by features: its score is the largest of
cosine times score over its neighbours. This is the nearest-neighbour mapping from attributes of
Gantner et al., "Learning Attribute-to-Feature Mappings for Cold-Start Recommendations" (ICDM
2010), with the largest in place of the mean, which would put every newcomer behind what it is like.

They enter a list only where the caller gives them places: nothing of what was measured tells how
well a product does that nobody bought.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ranking.arrays import load_arrays, save_arrays
from ranking.scorer import Scores
from ranking.similar import ALIKE, Neighbours

__all__ = ["Newcomers", "newcomers_of"]

NEAR = 5
"""Bought products that a newcomer is compared to."""


@dataclass(frozen=True)
class Newcomers:
    """Products nobody bought, each with the bought products it is like.

    Attributes:
        rows: their product rows, int64 [n], ascending.
        near: rows of bought products, most alike first, int32 [n, m]; -1 where there are fewer.
        likeness: cosines of features, float32 [n, m]; 0 where below ``ALIKE``.
    """

    rows: npt.NDArray[np.int64]
    near: npt.NDArray[np.int32]
    likeness: Scores

    def __len__(self) -> int:
        return len(self.rows)

    def scores(self, scores: Scores) -> Scores:
        """A newcomer's score for each, float32 [n], from scores float32 [n_products]."""
        if not self.near.size:
            return np.zeros(len(self), np.float32)
        return np.asarray((scores[self.near] * self.likeness).max(axis=1))

    def like(self, product: int) -> tuple[npt.NDArray[np.int64], Scores]:
        """Newcomers like a bought product, the most alike first, and their cosines."""
        line, place = np.nonzero((self.near == product) & (self.likeness > 0))
        cosines = self.likeness[line, place]
        order = np.argsort(-cosines, kind="stable")
        return self.rows[line[order]], cosines[order]

    def nearest(self, product: int) -> tuple[int, float] | None:
        """The bought product a newcomer is most like, and the cosine; ``None`` for others."""
        place = int(np.searchsorted(self.rows, product))
        if place == len(self) or self.rows[place] != product:
            return None
        return int(self.near[place, 0]), float(self.likeness[place, 0])

    def save(self, folder: Path) -> None:
        """Write the arrays to ``folder``."""
        save_arrays(folder, {"rows": self.rows, "near": self.near, "likeness": self.likeness})

    @staticmethod
    def load(folder: Path, *, mmap: bool = True) -> Newcomers:
        """Read what ``save`` wrote.

        Raises:
            SnapshotMissing: the folder does not hold them.
        """
        return Newcomers(**load_arrays(folder, ("rows", "near", "likeness"), mmap=mmap))


def newcomers_of(near: Neighbours, unbought: npt.NDArray[np.bool_]) -> Newcomers:
    """The products of ``unbought`` bool [n_products] that ``near`` finds to be like a bought one.

    Args:
        near: bought products nearest by features.
        unbought: products nobody bought.
    """
    scores = near.scores[:, :NEAR]
    likeness = np.where(scores >= ALIKE, scores, 0).astype(np.float32)
    rows = np.flatnonzero(unbought & (likeness > 0).any(axis=1)).astype(np.int64)
    return Newcomers(rows, near.rows[rows, :NEAR], likeness[rows])
