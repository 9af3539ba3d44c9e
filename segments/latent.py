"""Product vectors without training: TF-IDF of who bought what, on its strongest directions.

Stands in for an encoder where one would take minutes: ``segments.mix.folded`` makes customers of
them as it does of an encoder's.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from graph.interactions import InteractionGraph
from segments.neighbours import Vectors

__all__ = ["latent_products"]


def latent_products(bought: InteractionGraph, dim: int = 64, seed: int = 0) -> Vectors:
    """Vectors of products by who bought them, float32 [n_products, min(dim, what there is)].

    Args:
        bought: purchases.
        dim: directions kept.
        seed: of the randomised decomposition.
    """
    lines = sparse.csr_array(bought.matrix().astype(np.float64))
    buyers = np.bincount(lines.indices, minlength=lines.shape[1])
    rare = np.log(lines.shape[0] / np.maximum(buyers, 1)) + 1
    lines.data = (1 + np.log(lines.data)) * rare[lines.indices]
    _, size, right = randomized_svd(lines, max(1, min(dim, *lines.shape)), random_state=seed)
    return np.asarray(right.T * size, np.float32)
