"""Fixtures shared by all tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from shops import config_of, fresh

from loaders.synthetic import Planted, synthetic_shop
from pipeline.build import build
from pipeline.home import Home


@pytest.fixture(scope="session")
def planted() -> Planted:
    """A small synthetic shop with known communities, tastes and pairs."""
    return synthetic_shop(200, seed=1)


@pytest.fixture(scope="session")
def built(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The synthetic shop in a home, built once. Only read it; take ``own`` to change one."""
    home = fresh(tmp_path_factory.mktemp("homes") / "shop", planted.dataset)
    build(home, config_of(home))
    return home


@pytest.fixture
def own(built: Home, tmp_path: Path) -> Home:
    """A copy of ``built`` that a test may change."""
    shutil.copytree(built.path, tmp_path / "own")
    return Home(tmp_path / "own")
