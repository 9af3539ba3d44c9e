"""Personal frequency: what a customer buys again and again, old purchases fading.

In grocery data this simple baseline is hard to beat; Li et al., "A Next Basket Recommendation
Reality Check" (TOIS 2023, arXiv 2109.14233) call it P-TopFreq.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.interactions import FloatMatrix, InteractionGraph
from ranking.matrices import dense_rows, pack, profile_row, unpack
from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["Personal", "fit_personal"]


@dataclass(frozen=True)
class Personal:
    """Scores each product by ``frequency``, CSR float32 [n_users, n_products]."""

    name: str
    frequency: FloatMatrix
    parts: Sequence[SavedScorer] = ()

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Decayed counts, float32 [len(user_rows), n_products]; 0 for what was never bought."""
        return dense_rows(self.frequency, user_rows)

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """The basket itself: its weights summed by product, float32 [n_products]."""
        profile = profile_row(product_rows, weights, self.frequency.shape[1])
        return dense_rows(profile, np.zeros(1, np.int64)).ravel()

    def arrays(self) -> Arrays:
        """The matrix in parts."""
        return pack("frequency", self.frequency)

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Personal:
        """Made of the matrix's parts."""
        return cls(name, unpack("frequency", arrays))


def fit_personal(graph: InteractionGraph, *, half_life: float | None = None) -> Personal:
    """Count each user's purchase lines by product.

    Args:
        graph: events; only purchases count.
        half_life: days before the last event after which a line counts half; ``None`` counts
            all alike.
    """
    bought = graph.purchases()
    if half_life is None:
        return Personal("personal frequency", bought.matrix())
    weights = bought.decay(half_life, graph.last_day)
    return Personal("decayed personal frequency", bought.matrix(weights))
