"""Communities by Graph Data Science on a real server: found, the same again, nothing left there.

The server is one of the file's own, from Java and Maven as in ``neo4j_fixture``, with GDS's jars.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import neo4j
import numpy as np
import polars as pl
import pytest
from neo4j import exceptions
from scipy import sparse
from shops import coterie
from sklearn.metrics import adjusted_rand_score

from graph.neo4j_address import Address
from graph.neo4j_gds import Gds, Links, _remedied
from loaders.errors import ConfigError, QueryError, StoreUnavailable
from pipeline.home import Home
from segments.by_gds import NAME, fit_gds, gds_way
from segments.config import SegmentsConfig
from segments.grouping import Customers
from segments.neighbours import unit, user_graph
from tests.neo4j_fixture import new_server, with_login

TRUTH = np.repeat(np.arange(3), 40)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = new_server(heap="700m", gds=True)
    server.start()
    yield with_login(server)
    server.stop()


@pytest.fixture(scope="module")
def bought() -> Links:
    """Three tastes of 40 customers and 20 products each, a tenth of the lines elsewhere."""
    rng = np.random.default_rng(0)
    taste = np.repeat(np.arange(3), 20)
    lines = rng.poisson(np.where(TRUTH[:, None] == taste, 1.5, 0.08))
    return sparse.csr_array(lines.astype(np.float64))


@pytest.fixture(scope="module")
def customers(bought: Links) -> Customers:
    vectors = unit(bought.toarray().astype(np.float32))
    return Customers(
        graph=user_graph(vectors, 10),
        counts=bought,
        bought=bought,
        items=np.arange(60) // 10,
        vectors=vectors,
        learned=vectors,
        behaviour=np.zeros((120, 3)),
        people=pl.DataFrame({"user_id": [str(row) for row in range(120)]}),
        config=SegmentsConfig(neighbours=10),
    )


def asked(address: str, cypher: str) -> list[Any]:
    """The first value of each record."""
    at = Address.parse(address)
    with neo4j.GraphDatabase.driver(at.uri, auth=at.login) as driver:
        return [record.value() for record in driver.execute_query(cypher).records]


def in_memory(address: str) -> list[Any]:
    return asked(address, "CALL gds.graph.list() YIELD graphName RETURN graphName")


def test_planted_tastes_are_found_and_the_same_again(address: str, customers: Customers) -> None:
    with Gds(address) as gds:
        assert gds.version.startswith("2.")
        found, again = (fit_gds(gds, customers, 3, 1) for _ in range(2))
    assert found.labels.dtype == np.int64
    assert found.strength.dtype == np.float32
    assert adjusted_rand_score(found.labels, TRUTH) > 0.9
    assert found.labels.tolist() == again.labels.tolist()
    assert found.strength.tolist() == again.strength.tolist()
    assert 0 < found.strength.min() <= found.strength.max() <= 1


def test_who_bought_nothing_is_in_no_group(address: str, bought: Links) -> None:
    lines = bought.toarray()
    lines[7] = 0
    with Gds(address) as gds, gds.projected(sparse.csr_array(lines)) as projection:
        projection.embed(32, (0, 0, 1), 0)
        links = projection.link_nearest(5, 0)
        labels = projection.leiden(1.0, 0)
    assert np.flatnonzero(labels < 0).tolist() == [7]
    assert abs(links - links.T).max() == 0
    assert links[[7]].nnz == 0
    assert np.diff(links.indptr)[labels >= 0].min() >= 5
    assert 0 < links.data.min() <= links.data.max() <= 1 + 1e-9


def test_nothing_stays_on_the_server(address: str, bought: Links) -> None:
    with Gds(address) as gds:
        with gds.projected(bought) as projection:
            assert in_memory(address) == [projection.name]
        assert in_memory(address) == []
        with pytest.raises(KeyboardInterrupt), gds.projected(bought):
            raise KeyboardInterrupt
        with pytest.raises(StoreUnavailable), gds.projected(bought) as projection:
            projection.leiden(1.0, 0)  # there are no links yet
        assert in_memory(address) == []
        with pytest.raises(QueryError, match="read access mode"):
            gds.call("CREATE (n:User)", "write")
    assert asked(address, "MATCH (n) RETURN count(n)") == [0]
    assert asked(address, "CALL db.labels()") == []


def test_too_little_memory_is_told(address: str, bought: Links) -> None:
    with Gds(address) as gds:
        with (
            pytest.raises(StoreUnavailable, match=r"embed the nodes in the memory.*heap\.max_size"),
            gds.projected(bought) as projection,
        ):
            projection.embed(100_000_000, (1,), 0)
        assert in_memory(address) == []


def test_the_command_adds_a_row(address: str, built: Home) -> None:
    ran = coterie("segments", "compare", "--samples", "1", "--gds", address, "--home", built.path)
    assert ran.code == 0, ran.err
    assert NAME in ran.out
    assert Address.parse(address).password not in ran.out + ran.err
    ran = coterie(
        *("segments", "compare", "--samples", "1", "--gds", address),
        *("--home", built.path, "--json"),
    )
    row = ran.json["rows"][-1]
    assert row["method"] == NAME
    assert row["quality"]["groups"] == ran.json["rows"][0]["quality"]["groups"]
    assert row["bits"]["low"] > 0.5
    assert 0 < row["stability"] <= 1
    assert in_memory(address) == []


def test_a_server_without_gds_is_told() -> None:
    plain = new_server(heap="500m")
    plain.start()
    with pytest.raises(ConfigError, match="has no Graph Data Science, or an old one"):
        Gds(with_login(plain))
    plain.stop()


def test_a_graph_is_in_the_memory_of_one_server(address: str) -> None:
    """Routing could send the next call to another member of a cluster."""
    with Gds(address.replace("bolt://", "neo4j://")) as gds:
        assert gds.address.uri == Address.parse(address).uri


def test_no_server_is_told(built: Home) -> None:
    ran = coterie("segments", "compare", "--gds", "bolt://127.0.0.1:9", "--home", built.path)
    assert ran.code == StoreUnavailable.exit_code
    assert "bolt://127.0.0.1:9 does not answer" in ran.err


def test_no_address_is_no_way() -> None:
    with gds_way(None) as ways:
        assert ways == {}


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("Neo.TransientError.General.OutOfMemoryError", "Java heap space", StoreUnavailable),
        ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", "a transaction's limit", None),
        (
            "Neo.ClientError.Procedure.ProcedureNotFound",
            "There is no procedure with the name `gds.leiden.stream`",
            ConfigError,
        ),
        (
            "Neo.ClientError.Procedure.ProcedureRegistrationFailed",
            "gds.leiden.stream is unavailable because it is sandboxed",
            ConfigError,
        ),
        ("Neo.ClientError.Procedure.ProcedureCallFailed", "something else", None),
    ],
)
def test_what_gds_says_is_given_a_remedy(code: str, message: str, kind: type | None) -> None:
    error: Any = exceptions.Neo4jError._hydrate_neo4j(code=code, message=message)
    told = _remedied(error, "find communities", Address("bolt://there"))
    assert (None if told is None else type(told)) is kind
