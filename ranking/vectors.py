"""``Vectors``: scores as inner products of vectors that any encoder learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["Vectors"]


@dataclass(frozen=True)
class Vectors:
    """One matrix product a request.

    Attributes:
        name: of the encoder.
        users: float32 [n_users, dim].
        products: float32 [n_products, dim].
    """

    name: str
    users: Scores
    products: Scores
    parts: Sequence[SavedScorer] = ()

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Inner products, float32 [len(user_rows), n_products]."""
        users = np.where(user_rows[:, None] >= 0, self.users[user_rows], np.float32(0))
        return users @ self.products.T

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """Inner products with the weighted mean vector of the basket, float32 [n_products]."""
        if not len(product_rows):
            return np.zeros(len(self.products), np.float32)
        mean = np.average(self.products[product_rows], axis=0, weights=weights)
        return np.asarray(self.products @ mean.astype(np.float32), np.float32)

    def arrays(self) -> Arrays:
        """Both arrays of vectors."""
        return {"users": self.users, "products": self.products}

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Vectors:
        """Made of both arrays of vectors."""
        return cls(name, arrays["users"], arrays["products"])
