"""``flat``: vectors of customers as points of a plane, milliseconds for thousands of them.

Fisher's linear discriminant for several groups, pairs of groups weighed by how much they overlap,
so that one far group does not take the whole plane: Loog, Duin and Haeb-Umbach, "Multiclass linear
dimension reduction by weighted pairwise Fisher criteria", IEEE PAMI 23, 2001. The scatter within
groups is drawn towards a multiple of the identity, as few customers leave it close to singular. The
library that also has discriminants takes a second to import, which a server's start has not.
"""

from __future__ import annotations

from itertools import combinations
from math import erf, sqrt
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Projection", "flat"]

Projection = Literal["discriminant", "pca"]
SHRINKAGE: Final = 0.1
"""Share of the identity in the scatter within groups."""
OUTER: Final = 0.999
"""Share of the points that the plane's unit square is made for; those outside stand at its edge."""


def flat(
    vectors: npt.NDArray[np.float64], groups: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float32], Projection]:
    """Coordinates from -1 to 1, float32 [n, 2], and how they were found.

    Args:
        vectors: float64 [n, dim]; taken at length 1.
        groups: int [n]; with at least three groups, the plane is the one where they part most,
            else that of most variance.
    """
    scaled = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    scaled = scaled - scaled.mean(axis=0) if len(scaled) else scaled
    kinds = np.unique(groups)
    if len(kinds) < 3 or scaled.shape[1] < 2:
        return _square(scaled @ _directions(scaled.T @ scaled)), "pca"
    means = np.stack([scaled[groups == kind].mean(axis=0) for kind in kinds])
    inner = scaled - means[np.searchsorted(kinds, groups)]
    within = inner.T @ inner / len(scaled)
    dim = len(within)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / dim * np.eye(dim)
    # Where scatter within groups is a ball, groups part most along their means' own directions.
    root = np.linalg.inv(np.linalg.cholesky(within + 1e-12 * np.eye(dim)))
    sizes = np.array([(groups == kind).mean() for kind in kinds])
    return _square(scaled @ root.T @ _directions(_between(means @ root.T, sizes))), "discriminant"


def _between(
    means: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Scatter between groups, [dim, dim]; a pair counts ``erf(d / 2 sqrt 2) / 2 d^2``, d apart."""
    total = np.zeros((means.shape[1], means.shape[1]))
    for i, j in combinations(range(len(means)), 2):
        apart = means[i] - means[j]
        squared = max(float(apart @ apart), 1e-12)
        weight = erf(sqrt(squared) / (2 * sqrt(2))) / (2 * squared)
        total += sizes[i] * sizes[j] * weight * np.outer(apart, apart)
    return total


def _directions(scatter: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The two of most scatter, float64 [dim, 2], each with its largest part positive."""
    _, found = np.linalg.eigh(scatter)
    two = np.pad(found[:, ::-1][:, :2], ((0, 0), (0, max(0, 2 - found.shape[1]))))
    return np.asarray(two * np.sign(two[np.abs(two).argmax(axis=0), [0, 1]] + 1e-300))


def _square(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    if not len(points):
        return np.zeros((0, 2), np.float32)
    largest = np.maximum(np.quantile(np.abs(points), OUTER, axis=0), 1e-12)
    return np.asarray(np.clip(points / largest, -1, 1), np.float32)
