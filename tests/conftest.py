"""Fixtures shared by all tests."""

from __future__ import annotations

import pytest

from loaders.synthetic import Planted, synthetic_shop


@pytest.fixture(scope="session")
def planted() -> Planted:
    """A small synthetic shop with known communities, tastes and pairs."""
    return synthetic_shop(200, seed=1)
