"""``Embeddings``: what an encoder leaves behind, as plain arrays. Needs numpy only.

Scores are one matrix product: ``user_vectors @ product_vectors.T + product_bias``. The bias holds
what is true of a product for everybody (its popularity), which keeps the vectors free to say who
and what is alike.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from graph.ids import IdMap
from loaders.errors import DataError

__all__ = ["Embeddings", "Vectors"]

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Embeddings:
    """Vectors of a shop's users and products.

    Attributes:
        user_vectors: float32 [n_users, dim]; zero for a user without events.
        product_vectors: float32 [n_products, dim]; zero for a product without events.
        product_bias: float32 [n_products], added to every user's scores; never negative.

    Raises:
        DataError: shapes do not fit together.
    """

    user_vectors: Vectors
    product_vectors: Vectors
    product_bias: Vectors

    def __post_init__(self) -> None:
        users, products, bias = (getattr(self, f.name).shape for f in fields(self))
        if users[1:] != products[1:] or bias != products[:1]:
            raise DataError(
                "expected user vectors [n_users, dim], product vectors [n_products, dim] and"
                f" product bias [n_products]; found {users}, {products} and {bias}"
            )

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.user_vectors.shape[1])

    def scores(self, user_rows: npt.NDArray[np.int64]) -> Vectors:
        """Scores of all products, float32 [len(user_rows), n_products]; higher is better."""
        scores: Vectors = self.user_vectors[user_rows] @ self.product_vectors.T
        scores += self.product_bias
        return scores

    def folded(self) -> tuple[Vectors, Vectors]:
        """Users [n_users, dim + 1] and products [n_products, dim + 1] whose product is the score.

        For whatever takes only a dot product, such as an index of nearest neighbours.
        """
        ones = np.ones((len(self.user_vectors), 1), np.float32)
        users = np.concatenate([self.user_vectors, ones], axis=1)
        products = np.concatenate([self.product_vectors, self.product_bias[:, None]], axis=1)
        return users, products

    def moved(self, users: tuple[IdMap, IdMap], products: tuple[IdMap, IdMap]) -> Embeddings:
        """The same vectors over other id maps, zero for ids that had none.

        Args:
            users: the maps the vectors' rows follow now, and shall follow.
            products: likewise.

        Raises:
            DataError: a map does not fit the vectors.
        """
        if (len(users[0]), len(products[0])) != (len(self.user_vectors), len(self.product_vectors)):
            raise DataError(
                f"expected maps of {len(self.user_vectors):,} users and"
                f" {len(self.product_vectors):,} products, as in the vectors; found"
                f" {len(users[0]):,} and {len(products[0]):,}"
            )
        return Embeddings(
            _moved(self.user_vectors, *users),
            _moved(self.product_vectors, *products),
            _moved(self.product_bias, *products),
        )

    def save(self, folder: Path) -> None:
        """Write one ``.npy`` file an array into ``folder``; each appears whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        for field in fields(self):
            aside = folder / f".{field.name}.npy.part"
            with aside.open("wb") as file:
                np.save(file, getattr(self, field.name))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(folder / f"{field.name}.npy")

    @staticmethod
    def load(folder: Path, mmap: Literal["r"] | None = None) -> Embeddings:
        """Read what ``save`` wrote; ``mmap="r"`` maps the files instead of reading them.

        Raises:
            DataError: a file is missing or damaged, or the shapes do not fit together.
        """
        return Embeddings(*(_read(folder / f"{f.name}.npy", mmap) for f in fields(Embeddings)))


def _moved(vectors: Vectors, before: IdMap, after: IdMap) -> Vectors:
    rows = before.to_rows(after.ids, missing="negative")
    moved = np.zeros((len(after), *vectors.shape[1:]), np.float32)
    moved[rows >= 0] = vectors[rows[rows >= 0]]
    return moved


def _read(path: Path, mmap: Literal["r"] | None) -> Vectors:
    try:
        array: Vectors = np.load(path, mmap_mode=mmap, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"expected an array of vectors, found none that reads ({error}); train again",
            file=str(path),
        ) from error
    return array
