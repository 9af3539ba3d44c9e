"""Fixtures of the fault tests: a server of each file's own, with a shop on it and a built home."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from graph import neo4j_link
from graph.open import open_store
from graph.write import write_dataset
from loaders.synthetic import Planted
from pipeline.home import Home
from tests.neo4j_fixture import new_server, with_login

KEEP_ALIVE = {"server.bolt.connection_keep_alive": "1s"}
"""A server tells drivers to give up on it after two of these without a sign of life."""


@pytest.fixture(scope="module")
def server() -> Any:
    """A server of this file's own."""
    return new_server(heap="500m", settings=KEEP_ALIVE).start()


@pytest.fixture(scope="module")
def loaded(server: Any, planted: Planted) -> dict[str, int]:
    """Counts of the server with the planted shop on it."""
    with open_store(with_login(server)) as store:
        write_dataset(store, planted.dataset)
        return store.counts()


@pytest.fixture
def place(server: Any, loaded: dict[str, int], built: Home, tmp_path: Path) -> Home:
    """A built home whose graph is on the server."""
    shutil.copytree(built.path, tmp_path / "shop")
    shutil.rmtree(tmp_path / "shop" / "store")
    return Home(tmp_path / "shop", with_login(server))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up after seconds instead of a minute."""
    monkeypatch.setattr(neo4j_link, "RETRY_SECONDS", 1.0)
    monkeypatch.setattr(neo4j_link, "CONNECT_SECONDS", 2.0)
