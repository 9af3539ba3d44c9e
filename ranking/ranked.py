"""``Ranked``: lists that a learned ranker made while building, kept as the best N of each customer.

The shop does not change between builds, so its ranker need not run at request time: what is kept is
six bytes a place, and a request reads one row. Whatever is not among them is scored by a
``fallback`` and ranks below, so filters never leave a list shorter than it could be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["BELOW", "Ranked"]

BELOW = np.float32(0.5)
"""Largest score of what the ranker did not keep; those it kept score above .99."""
STEP = np.float32(5e-7)


@dataclass(frozen=True)
class Ranked:
    """Kept lists over a fallback.

    Attributes:
        name: what it is called.
        products: int32 [n_users, n], best first, -1 where there are fewer.
        chances: float16 [n_users, n], the ranker's chance that each is bought next.
        parts: one scorer, the fallback.
    """

    name: str
    products: npt.NDArray[np.int32]
    chances: npt.NDArray[np.float16]
    parts: Sequence[SavedScorer]

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """1 + chance for what is kept, at most half for the rest, float32 [len(user_rows), n]."""
        scores = self.parts[0].score(user_rows)
        top = scores.max(axis=1, keepdims=True)
        scores *= BELOW / np.where(top > 0, top, np.float32(1))
        for i, user in enumerate(user_rows):
            rows, kept = self.kept(int(user))
            scores[i, rows] = kept
        return scores

    def kept(self, user_row: int) -> tuple[npt.NDArray[np.int64], Scores]:
        """What is kept for one user: product rows int64 [n], best first, and scores float32 [n].

        Nothing for row -1, an unknown user.
        """
        if user_row < 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        there = self.products[user_row] >= 0
        chance = self.chances[user_row][there].astype(np.float32)
        # Lists stay in their order where 16 bits make two chances equal.
        scores = 1 + chance - STEP * np.arange(len(chance), dtype=np.float32)
        return self.products[user_row][there].astype(np.int64), scores

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """The fallback's scores, float32 [n_products]: nothing is kept for a basket."""
        return self.parts[0].score_profile(product_rows, weights)

    def arrays(self) -> Arrays:
        """The lists."""
        return {"products": self.products, "chances": self.chances}

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Ranked:
        """Made of lists and the fallback."""
        return cls(name, arrays["products"], arrays["chances"], tuple(parts))
