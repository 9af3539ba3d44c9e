"""``flat``: vectors of customers as points of a plane, milliseconds for thousands of them.

Fisher's linear discriminant for several groups (Rao, "The utilization of multiple measurements in
problems of biological classification", JRSS B 10, 1948), its within-group scatter drawn towards a
multiple of the identity, as few customers leave it close to singular. The library that also has
it takes a second to import, which a server's start has not.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Projection", "flat"]

Projection = Literal["discriminant", "pca"]
SHRINKAGE: Final = 0.1
"""Share of the identity in the scatter within groups."""
OUTER: Final = 0.995
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
    between = (means.T * sizes) @ means
    return _square(scaled @ root.T @ _directions(root @ between @ root.T)), "discriminant"


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
