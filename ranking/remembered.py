"""``Remembered``: a scorer that keeps its latest answer, for whoever asks the same in a row.

Measuring asks every method about the same customers once for each mode, and blends ask their parts
again. Going through customers in batches and asking all of it about one batch before the next,
each part scores a customer once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["Remembered"]


@dataclass(frozen=True)
class Remembered:
    """What another scorer says, said again without asking it.

    Attributes:
        parts: the one scorer.
        kept: the scores of the rows asked about last. Not for several threads at once.
    """

    parts: Sequence[SavedScorer]
    kept: dict[bytes, Scores] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The scorer's."""
        return self.parts[0].name

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """The scorer's, float32 [len(user_rows), n_products], for the caller to change."""
        asked = user_rows.tobytes()
        if asked not in self.kept:
            self.kept.clear()
            self.kept[asked] = self.parts[0].score(user_rows)
        return self.kept[asked].copy()

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """The scorer's, float32 [n_products]."""
        return self.parts[0].score_profile(product_rows, weights)

    def arrays(self) -> Arrays:
        """Nothing: all there is to keep is the scorer."""
        return {}

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Remembered:
        """Made of the scorer."""
        return cls(tuple(parts))
