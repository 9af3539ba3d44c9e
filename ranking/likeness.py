"""``Likeness``: how alike products are, by who buys them and by what they are.

Two spaces: vectors that an encoder learned, for products with a history, and vectors of features
(category, brand, title), for all of which anything is known. One request costs one matrix-vector
product over the candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ranking.arrays import load_arrays, save_arrays
from ranking.lists import top_k
from ranking.scorer import Scores

__all__ = ["Likeness"]

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Likeness:
    """Vectors of length 1, or 0 where there is none.

    Attributes:
        learned: float32 [n_products, dim], of who buys what.
        features: float32 [n_products, dim], of category, brand and title.
    """

    learned: Scores
    features: Scores

    @staticmethod
    def of(learned: Scores, features: Scores) -> Likeness:
        """From vectors of any length."""
        return Likeness(_unit(learned), _unit(features))

    def both(self, rows: Rows) -> Scores:
        """Vectors whose cosine is the mean of both spaces', float32 [len(rows), dim + dim].

        A product without a vector in one space is half as like any other.
        """
        joined = np.concatenate([self.learned[rows], self.features[rows]], axis=1)
        return np.asarray(joined * np.float32(np.sqrt(0.5)))

    def nearest(self, product: int, candidates: Mask, k: int) -> tuple[Rows, Scores, Rows]:
        """The ``k`` candidates most like a product.

        Those with a learned vector come first, by its cosine; then the others, by features. A
        product without a learned vector is compared by features alone.

        Args:
            product: its row.
            candidates: bool [n_products]; the product itself is none.
            k: how many; fewer where fewer candidates have a vector.

        Returns:
            Rows int64 [n], cosines float32 [n], and the space of each, int64 [n]: 0 learned,
            1 features.
        """
        left = candidates.copy()
        left[product] = False
        found: list[tuple[Rows, Scores, Rows]] = []
        for space, vectors in enumerate((self.learned, self.features)):
            missing = k - sum(len(rows) for rows, _, _ in found)
            known = self._known[space]
            if missing and known[product]:
                rows, cosines = _best(vectors, product, left & known, missing)
                found.append((rows, cosines, np.full(len(rows), space)))
                left[rows] = False
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.int64)
        rows, cosines, spaces = (np.concatenate(part) for part in zip(*found, strict=True))
        return rows, cosines, spaces

    @cached_property
    def _known(self) -> tuple[Mask, Mask]:
        """Which products have a vector in either space, bool [n_products] each."""
        return _some(self.learned), _some(self.features)

    def warm(self) -> None:
        """Make what the first request would wait for."""
        _ = self._known

    def save(self, folder: Path) -> None:
        """Write both arrays to ``folder``."""
        save_arrays(folder, {"learned": self.learned, "features": self.features})

    @staticmethod
    def load(folder: Path, *, mmap: bool = True) -> Likeness:
        """Read what ``save`` wrote.

        Raises:
            SnapshotMissing: the folder does not hold them.
        """
        return Likeness(**load_arrays(folder, ("learned", "features"), mmap=mmap))


def _best(vectors: Scores, product: int, candidates: Mask, k: int) -> tuple[Rows, Scores]:
    """Of the candidates the ``k`` nearest and their cosines."""
    among = np.flatnonzero(candidates)
    # Copying vectors costs more than comparing them, unless they are few.
    few = len(among) < len(vectors) // 8
    cosines = vectors[among] @ vectors[product] if few else (vectors @ vectors[product])[among]
    place, best = top_k(cosines[None], None, k)
    there = place[0] >= 0
    return among[place[0][there]], best[0][there]


def _some(vectors: Scores) -> Mask:
    return np.asarray(vectors.any(axis=1))


def _unit(vectors: Scores) -> Scores:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Scores = np.zeros(vectors.shape, np.float32)
    np.divide(vectors, length, out=unit, where=length > 0)
    return unit
