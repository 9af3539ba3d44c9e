"""``coterie cypher`` and ``coterie schema``: every form of answer, and Ctrl-C."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from query_server import HEAVY, until, worker_processes
from shops import coterie, process

from pipeline.home import Home
from tests.neo4j_fixture import clean_neo4j

QUERY = "MATCH (u:User) WHERE u.id IN ['user-1', 'user-2'] RETURN u.id AS id ORDER BY id"


def test_text_forms(built: Home) -> None:
    for form, expected in {
        "csv": "id\r\nuser-1\r\nuser-2\r\n",
        "ndjson": '{"id":"user-1"}\n{"id":"user-2"}\n',
    }.items():
        with process(["cypher", QUERY, "--format", form, "--home", built.path]) as ran:
            assert ran.stdout is not None
            assert ran.stdout.buffer.read().decode() == expected
    ran_json = coterie("cypher", QUERY, "--format", "json", "--home", built.path)
    assert ran_json.json == {"columns": ["id"], "rows": [["user-1"], ["user-2"]]}


def test_arrow(built: Home) -> None:
    with process(["cypher", QUERY, "--format", "arrow", "--home", built.path]) as ran:
        assert ran.stdout is not None
        found = pa.ipc.open_stream(ran.stdout.buffer.read()).read_all()
    assert found.to_pydict() == {"id": ["user-1", "user-2"]}


def test_pages_are_short_and_files_long(built: Home) -> None:
    many = "UNWIND range(1, 1500) AS x RETURN x"
    ran = coterie("cypher", many, "--home", built.path)
    assert ran.code == 5 and "more than 1,000 rows" in ran.err
    with process(["cypher", many, "--format", "csv", "--home", built.path]) as file:
        assert file.stdout is not None
        assert len(file.stdout.read().splitlines()) == 1501


def test_schema(built: Home) -> None:
    found = coterie("schema", "--home", built.path, "--json").json
    users = next(x for x in found["labels"] if x["label"] == "User")
    assert users["count"] == 200 and users["properties"][0]["example"] == "user-0"
    liked = next(x for x in found["relationships"] if x["type"] == "MAY_LIKE")
    assert liked["build"] == built.current()
    shown = coterie("schema", "--home", built.path).out
    assert "User → Product" in shown
    assert "MATCH (a:User {id: 'user-0'})-[r:PURCHASED]->(b:Product) RETURN" in shown


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
@pytest.mark.parametrize("engine", ["embedded", "neo4j"])
def test_ctrl_c_ends_a_query(engine: str, built: Home, tmp_path: Path) -> None:
    place: list[str | Path] = ["--home", built.path]
    if engine == "neo4j":
        place = ["--home", tmp_path, "--store", clean_neo4j()]
        assert coterie("load", "synthetic:20", *place).code == 0
    with process(["cypher", HEAVY, *place, "--seconds", "200"]) as ran:
        until(lambda: worker_processes(ran.pid))
        (worker,) = worker_processes(ran.pid)
        ran.send_signal(signal.SIGINT)
        _, said = ran.communicate(timeout=20)
        assert ran.returncode == 130, said
        assert "Traceback" not in said
        until(lambda: not Path(f"/proc/{worker}").exists(), seconds=10)
    assert json.loads(coterie("cypher", "RETURN 1", *place, "--json").out)["rows"] == [[1]]
