"""The whole way on a Neo4j server by the command line gives what the embedded store gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from shops import SMALL, coterie

from graph.neo4j_address import Address
from graph.open import open_store
from graph.readback import data_hash, read_shop
from graph.write import write_dataset
from loaders.synthetic import Planted
from pipeline.home import Home
from pipeline.snapshot import Snapshot
from ranking.scorer import MODES
from tests.neo4j_fixture import clean_neo4j


@pytest.fixture(scope="module")
def address() -> str:
    return clean_neo4j()


@pytest.fixture(scope="module")
def place(
    address: str, planted: Planted, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A built home whose graph is on the server."""
    home = tmp_path_factory.mktemp("neo4j") / "home"
    home.mkdir()
    (home / "coterie.toml").write_text(SMALL)
    with open_store(address) as store:
        write_dataset(store, planted.dataset)
    ran = coterie("build", "--home", home, "--store", address, "--json")
    assert ran.code == 0, ran.err
    assert Address.parse(address).password not in ran.out + ran.err
    return address, home


def test_recommendations_are_those_of_the_embedded_store(
    place: tuple[str, Path], built: Home
) -> None:
    snapshots = [Snapshot.load(home.snapshot()) for home in (Home(place[1]), built)]
    assert snapshots[0].manifest.data_hash == snapshots[1].manifest.data_hash
    users = np.arange(200)
    for mode in MODES:
        lists = [s.recommender.recommend(users, 10, mode) for s in snapshots]
        assert np.array_equal(lists[0].rows, lists[1].rows)


def test_what_was_learned_is_in_both_graphs(place: tuple[str, Path], built: Home) -> None:
    with open_store(place[0]) as server, open_store(built.store, read_only=True) as embedded:
        assert server.counts() == embedded.counts()
        assert server.counts()["MAY_LIKE"] > 0


def test_cypher_and_export_ask_the_server(place: tuple[str, Path], tmp_path: Path) -> None:
    address, home = place
    query = "MATCH (u:User)-[:MEMBER_OF]->(c:Community) RETURN count(DISTINCT u.id) AS n"
    ran = coterie("cypher", query, "--home", home, "--store", address, "--json")
    assert ran.json["rows"] == [[200]]
    ran = coterie("export", tmp_path / "out", "--home", home, "--store", address)
    assert ran.code == 0
    assert pq.read_table(tmp_path / "out" / "User.parquet").num_rows == 200


def test_a_shop_moves_between_stores(place: tuple[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "copy.lbug"
    for _ in range(2):
        ran = coterie("copy", "--from", place[0], "--to", file, "--json")
        assert ran.code == 0, ran.err
    with open_store(place[0]) as server, open_store(file) as copied:
        assert ran.json["counts"] == server.counts() == copied.counts()
        shops = [read_shop(store) for store in (server, copied)]
        assert data_hash(shops[0].graph) == data_hash(shops[1].graph)
        assert shops[0].products.equals(shops[1].products)
        kept = [store.nodes("Community").to_pylist() for store in (server, copied)]
        assert kept[0] == kept[1]


def test_loading_again_changes_nothing(place: tuple[str, Path]) -> None:
    address, home = place
    for new in (True, False):
        ran = coterie(
            "load", "synthetic:60", "--seed", "3", "--home", home, "--store", address, "--json"
        )
        assert ran.code == 0, ran.err
        assert (sum(ran.json["written"]["edges"].values()) > 0) == new
