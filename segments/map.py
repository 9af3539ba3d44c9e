"""Customers as points on a map: those who buy alike stand close.

PCA keeps the large picture: distances between groups can be read. t-SNE (van der Maaten and Hinton,
"Visualizing data using t-SNE", JMLR 9, 2008) keeps neighbours together: groups can be seen, how far
they are apart can not. Both from scikit-learn, the same for the same seed.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from segments.neighbours import Vectors, unit

__all__ = ["Projection", "coordinates"]

Projection = Literal["pca", "tsne"]

PERPLEXITY: Final = 30.0
FIRST: Final = 20
"""Directions that t-SNE starts from; more is noise and time."""


def coordinates(vectors: Vectors, projection: Projection = "pca", seed: int = 0) -> Vectors:
    """Two coordinates of each customer, float32 [n, 2], centred on 0, the farthest at 1.

    Args:
        vectors: float32 [n, dim]; taken at length 1.
        projection: pca, or tsne, which takes a minute for 10,000 customers.
        seed: of both.
    """
    scaled = unit(vectors)
    if len(scaled) < 2:
        return np.zeros((len(scaled), 2), np.float32)
    size = min(*scaled.shape, 2 if projection == "pca" else FIRST)
    flat = PCA(size, random_state=seed, svd_solver="full").fit_transform(scaled)
    if projection == "tsne" and len(flat) > 3:
        perplexity = min(PERPLEXITY, (len(flat) - 1) / 3)
        flat = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(flat)
    flat = np.pad(flat[:, :2], ((0, 0), (0, max(0, 2 - flat.shape[1]))))
    flat = flat - flat.mean(axis=0)
    return np.asarray(flat / max(np.abs(flat).max(initial=0.0), 1e-12), np.float32)
