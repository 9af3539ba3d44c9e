"""Customers on a map: groups stand apart, coordinates are bounded and the same again."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from segments.map import Projection, coordinates

GROUP = np.repeat(np.arange(3), 30)
VECTORS = (np.eye(3)[GROUP] + np.random.default_rng(0).normal(0, 0.1, (90, 3))).astype(np.float32)


@pytest.mark.parametrize("projection", ["pca", "tsne"])
def test_groups_stand_apart(projection: Projection) -> None:
    found, again = (coordinates(VECTORS, projection, seed=2) for _ in range(2))
    assert found.dtype == np.float32
    assert found.shape == (90, 2)
    assert np.abs(found).max() == pytest.approx(1)
    assert found.mean(axis=0) == pytest.approx([0, 0], abs=1e-5)
    assert silhouette_score(found, GROUP) > 0.6
    assert np.array_equal(found, again)


def test_a_line_and_a_point_have_coordinates_too() -> None:
    line = coordinates(np.array([[1.0, 0], [0, 1]], np.float32))
    assert np.abs(line[:, 0]).tolist() == pytest.approx([1, 1])
    assert line[:, 1].tolist() == pytest.approx([0, 0], abs=1e-6)
    assert coordinates(np.ones((1, 4), np.float32), "tsne").tolist() == [[0, 0]]
