"""``Vectors``: scores as inner products of vectors that any encoder learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import FloatMatrix
from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["Vectors"]


@dataclass(frozen=True)
class Vectors:
    """One matrix product a request, over the products that have a vector.

    Attributes:
        name: of the encoder.
        users: float32 [n_users, dim].
        products: vectors of the products known, float32 [n_known, dim].
        known: their rows, int64 [n_known], ascending.
        n_products: int64 [1], size of the catalogue.
    """

    name: str
    users: Scores
    products: Scores
    known: npt.NDArray[np.int64]
    n_products: npt.NDArray[np.int64]
    parts: Sequence[SavedScorer] = ()

    @classmethod
    def of(cls, name: str, users: Scores, products: Scores) -> Vectors:
        """From vectors of all products, float32 [n_products, dim]; zeros mean there is none."""
        known = np.flatnonzero(products.any(axis=1)).astype(np.int64)
        return cls(name, users, products[known], known, np.array([len(products)]))

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Inner products, float32 [len(user_rows), n_products]; 0 without a vector."""
        users = np.where(user_rows[:, None] >= 0, self.users[user_rows], np.float32(0))
        return self._all(users @ self.products.T)

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """Inner products with the weighted mean vector of the basket, float32 [n_products]."""
        amounts = np.ones(len(product_rows), np.float32) if weights is None else weights
        if not len(self.known):
            return np.zeros(int(self.n_products[0]), np.float32)
        place = np.minimum(np.searchsorted(self.known, product_rows), len(self.known) - 1)
        held = self.known[place] == product_rows
        total = amounts[held] @ self.products[place[held]]
        mean = total / max(float(amounts[held].sum()), 1e-12)
        # Row by row: a matrix product starts threads, and one request waits for all of them.
        scores = np.vecdot(self.products, mean.astype(np.float32))
        return np.asarray(self._all(scores[None])[0])

    def with_users(self, profiles: FloatMatrix) -> Vectors:
        """The same products for users who are the mean vector of what they hold.

        Args:
            profiles: how much each holds of each product, CSR float32 [n_users, n_products].
        """
        held = sparse.csr_array(profiles[:, self.known])
        amount = np.maximum(held.sum(axis=1), np.float32(1e-12)).astype(np.float32)
        users = (held @ self.products) / amount[:, None]
        return replace(self, users=np.asarray(users, np.float32))

    def _all(self, scores: Scores) -> Scores:
        if len(self.known) == int(self.n_products[0]):
            return scores
        out = np.zeros((len(scores), int(self.n_products[0])), np.float32)
        out[:, self.known] = scores
        return out

    def arrays(self) -> Arrays:
        """The vectors and where they belong."""
        return {
            "users": self.users,
            "products": self.products,
            "known": self.known,
            "n_products": self.n_products,
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Vectors:
        """Made of what ``arrays`` gave."""
        return cls(name, arrays["users"], arrays["products"], arrays["known"], arrays["n_products"])
