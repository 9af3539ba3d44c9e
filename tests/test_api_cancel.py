"""Queries over a real HTTP server: one whose client goes away is ended, none can fill memory."""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import neo4j
import pyarrow as pa
import pytest
from query_server import HEAVY, serving, until, worker_processes

from graph.neo4j_address import Address
from graph.neo4j_store import Neo4jStore
from graph.open import open_store
from tests.neo4j_fixture import clean_neo4j, new_server, with_login

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

USERS = 30_000


@dataclass
class Place:
    """A server over a store, and whether a query runs there."""

    port: int
    running: Callable[[], bool]

    def begin(self, query: str, accept: str = "*/*") -> http.client.HTTPConnection:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json", "Accept": accept}
        link.request("POST", "/v1/cypher", json.dumps({"query": query}), headers)
        return link

    def ask(self, query: str, accept: str = "*/*") -> tuple[int, bytes]:
        link = self.begin(query, accept)
        try:
            answer = link.getresponse()
            return answer.status, answer.read()
        finally:
            link.close()

    def rows(self, query: str) -> Any:
        status, body = self.ask(query)
        assert status == 200, body
        return json.loads(body)["rows"]


def filled(store: Any) -> None:
    store.upsert_nodes("User", pa.table({"id": [f"u{i:05d}" for i in range(USERS)]}))


@pytest.fixture(scope="module")
def address() -> str:
    address = clean_neo4j()
    with Neo4jStore(address) as store:
        filled(store)
    return address


def transactions(address: str) -> int:
    """How many analysts' queries the server runs."""
    place = Address.parse(address)
    with neo4j.GraphDatabase.driver(place.uri, auth=place.login) as driver:
        told = driver.execute_query("SHOW TRANSACTIONS YIELD currentQuery RETURN currentQuery")
        return sum("UNWIND" in record[0] or "MATCH" in record[0] for record in told.records)


@pytest.fixture(scope="module", params=["embedded", "neo4j"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    if request.param == "neo4j":
        address = request.getfixturevalue("address")
        with serving(address, query_megabytes=40) as port:
            yield Place(port, lambda: transactions(address) > 0)
        return
    path: Path = tmp_path_factory.mktemp("cancel") / "graph.lbug"
    with open_store(path) as store:
        filled(store)
    with serving(path, query_megabytes=40) as port:
        yield Place(port, lambda: bool(worker_processes(os.getpid())))


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_a_query_ends_when_its_client_goes_away(place: Place, accept: str) -> None:
    link = place.begin(HEAVY, accept)
    until(place.running)
    link.close()
    until(lambda: not place.running(), seconds=10)
    assert place.rows("RETURN 1") == [[1]]


def test_an_answer_half_read_ends_its_process(place: Place) -> None:
    before = set(worker_processes(os.getpid()))
    # More than pipes and sockets hold, so that the process is still sending.
    wide = "MATCH (u:User) RETURN " + ", ".join(f"u.id + '{'x' * 300}{i}'" for i in range(4))
    link = place.begin(wide, "text/csv")
    answer = link.getresponse()
    assert answer.status == 200 and answer.read(1000)
    during = set(worker_processes(os.getpid()))
    assert len(during) == 1 and during >= before
    answer.close()
    link.close()
    until(lambda: not during & set(worker_processes(os.getpid())), seconds=10)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("RETURN range(1, 6000000) AS x", r"fills more than 40 MB|more memory than it may use"),
        ("UNWIND range(1, 6000) AS x RETURN range(1, 1000) AS y", "fills more than 40 MB"),
        ("UNWIND range(1, 20000) AS x RETURN x", "more than 10,000 rows"),
    ],
)
def test_a_huge_answer_is_refused(place: Place, query: str, told: str) -> None:
    status, body = place.ask(query)
    assert status == 400 and re.search(told, json.loads(body)["detail"])
    assert place.rows("MATCH (u:User) RETURN count(u)") == [[USERS]]


def test_a_large_answer_is_whole_in_every_form(place: Place) -> None:
    query = "MATCH (u:User) RETURN u.id AS id ORDER BY id"
    ids = [f"u{i:05d}" for i in range(USERS)]
    forms = {
        "text/csv": lambda body: body.decode().split("\r\n")[1:-1],
        "application/x-ndjson": lambda body: [json.loads(x)["id"] for x in body.splitlines()],
        "application/vnd.apache.arrow.stream": lambda body: (
            pa.ipc.open_stream(body).read_all()["id"].to_pylist()
        ),
    }
    for accept, read in forms.items():
        status, body = place.ask(query, accept)
        assert (status, read(body)) == (200, ids)
    assert place.ask(query)[0] == 400  # JSON is a page


def test_a_connection_is_kept_and_mended() -> None:
    """The server is really stopped; its limit on a transaction's memory is told, too."""
    server = new_server(settings={"db.memory.transaction.max": "64m"}).start()
    address = with_login(server)
    with Neo4jStore(address):
        pass
    others = set(worker_processes(os.getpid()))
    with serving(address) as port:
        place = Place(port, lambda: True)
        assert place.rows("RETURN 1") == [[1]]
        kept = set(worker_processes(os.getpid())) - others
        assert place.rows("RETURN 2") == [[2]]
        status, body = place.ask("UNWIND range(1, 300000000) AS x RETURN collect(x) AS all")
        assert status == 400 and b"more memory than it may use" in body
        assert kept <= set(worker_processes(os.getpid())) and len(kept) == 1
        server.stop()
        status, body = place.ask("RETURN 3")
        assert status == 503 and json.loads(body)["retryable"]
        server.start()
        assert place.rows("RETURN 4") == [[4]]
        assert set(worker_processes(os.getpid())) == kept | others
    assert set(worker_processes(os.getpid())) == others
    server.stop()
