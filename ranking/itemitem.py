"""``ItemItem``: a user's score for a product is the sum of weights from what they bought to it.

ItemKNN and EASE differ only in how the weights are found; both live in this class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.interactions import FloatMatrix, InteractionGraph
from ranking.matrices import pack, profile_row, sparse_rows, unpack
from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["ItemItem", "profiles_of"]


@dataclass(frozen=True)
class ItemItem:
    """Profiles times weights.

    Attributes:
        name: what it is called.
        profiles: how much each user has of each product, CSR float32 [n_users, n_products].
        weights: from each product held to each product scored, CSR float32
            [n_products, n_products].
    """

    name: str
    profiles: FloatMatrix
    weights: FloatMatrix
    parts: Sequence[SavedScorer] = ()

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Scores, float32 [len(user_rows), n_products]."""
        return (sparse_rows(self.profiles, user_rows) @ self.weights).toarray()

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """Scores of a basket or session, float32 [n_products]."""
        profile = profile_row(product_rows, weights, self.weights.shape[0])
        return (profile @ self.weights).toarray().ravel()

    def arrays(self) -> Arrays:
        """Both matrices in parts."""
        return {**pack("profiles", self.profiles), **pack("weights", self.weights)}

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> ItemItem:
        """Made of both matrices' parts."""
        return cls(name, unpack("profiles", arrays), unpack("weights", arrays))


def profiles_of(graph: InteractionGraph) -> FloatMatrix:
    """Who ever bought what: 1 for each pair, CSR float32 [n_users, n_products]."""
    pairs = graph.purchases().matrix()
    pairs.data = np.ones_like(pairs.data)
    return pairs
