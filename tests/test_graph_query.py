"""Guarded queries: limits, parameters, and that neither a slow nor a crashing one does harm."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graph.embedded import EmbeddedStore
from graph.query import read_query, rows_of
from graph.store import QueryLimits
from graph.worker import Request
from graph.write import write_dataset
from loaders.errors import ConfigError, QueryError, StoreUnavailable
from loaders.synthetic import Planted, synthetic_shop

TWO_HOPS = (
    "MATCH (a:Product)<-[:PURCHASED]-(:User)-[:PURCHASED]->(b:Product) "
    "RETURN a.id, b.id, count(*) AS n ORDER BY n DESC LIMIT 3"
)


@pytest.fixture(scope="module")
def path(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("query") / "graph.lbug"
    with EmbeddedStore(path) as store:
        write_dataset(store, planted.dataset)
    return path


def test_parameters_of_every_plain_kind(path: Path) -> None:
    given: dict[str, Any] = {
        "text": 'it\'s \\ "quoted" `so`',
        "number": 7,
        "real": 0.5,
        "yes": True,
        "nothing": None,
        "day": dt.date(2024, 1, 2),
        "words": ["a", "b"],
        "map": {"a": 1},
    }
    row = read_query(
        path,
        "RETURN $text AS text, $number AS number, $real AS real, $yes AS yes, "
        "$nothing AS nothing, $day AS day, $words AS words, $map.a AS inner",
        given,
    ).to_pylist()[0]
    assert row == {**{k: v for k, v in given.items() if k != "map"}, "inner": 1}


def test_data_frames_are_no_parameters(path: Path) -> None:
    with pytest.raises(QueryError, match="'t' may not be a DataFrame"):
        read_query(path, "RETURN $t", {"t": pl.DataFrame({"a": [1]})})
    with pytest.raises(QueryError, match="'t' may not be a DataFrame"):
        read_query(path, "RETURN $t", {"t": [pl.DataFrame({"a": [1]})]})


def test_results_have_the_types_of_the_graph(path: Path) -> None:
    table = read_query(
        path, "MATCH (:User)-[r:PURCHASED]->() RETURN r.at AS at, r.value AS v LIMIT 1"
    )
    assert [str(field.type) for field in table.schema] == ["timestamp[us, tz=UTC]", "double"]


def test_whole_nodes_edges_and_paths_are_maps_of_their_properties(path: Path) -> None:
    asked = (
        "MATCH way = (u:User {id: 'user-0'})-[e:PURCHASED]->(p:Product) "
        "RETURN u, e, way, collect(p) AS products LIMIT 1"
    )
    (row,) = read_query(path, asked).to_pylist()
    assert (row["u"]["_LABEL"], row["u"]["id"]) == ("User", "user-0")
    assert row["e"]["_LABEL"] == "PURCHASED" and row["e"]["at"].tzinfo is not None
    assert [n["_LABEL"] for n in row["way"]["_NODES"]] == ["User", "Product"]
    assert row["products"][0]["id"] == row["way"]["_NODES"][1]["id"]
    assert not {"_ID", "_SRC", "_DST"} & (row["u"].keys() | row["e"].keys())


def test_no_whole_node_found(path: Path) -> None:
    found = read_query(path, "MATCH (u:User {id: 'nobody'}) RETURN u, u.id")
    assert (found.num_rows, found.column_names) == (0, ["u", "u.id"])


def test_columns_that_share_a_name_are_kept_apart(path: Path) -> None:
    found = read_query(path, "RETURN 1 AS a, 2 AS a")
    assert rows_of(found) == [[1, 2]] and found.column_names == ["a", "a"]


def test_row_limit(path: Path) -> None:
    users = "MATCH (u:User) RETURN u.id"
    assert read_query(path, users, limits=QueryLimits(rows=200)).num_rows == 200
    with pytest.raises(QueryError, match="more than 199 rows"):
        read_query(path, users, limits=QueryLimits(rows=199))


def test_an_open_store_is_read_through_its_file(path: Path) -> None:
    with EmbeddedStore(path) as store:
        assert read_query(store, "MATCH (u:User) RETURN count(u) AS n")["n"].to_pylist() == [200]


def test_the_engines_complaint_is_passed_on(path: Path) -> None:
    with pytest.raises(QueryError, match="Customer"):
        read_query(path, "MATCH (c:Customer) RETURN c")


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="coterie load"):
        read_query(tmp_path / "none", "RETURN 1")


def test_slow_two_hop_query_ends_in_time(tmp_path: Path) -> None:
    path = tmp_path / "graph.lbug"
    with EmbeddedStore(path) as store:
        write_dataset(store, synthetic_shop(1500, seed=2).dataset)
    started = time.monotonic()
    with pytest.raises(QueryError, match=r"ran longer than 0\.05 seconds; start from fewer"):
        read_query(path, TWO_HOPS, limits=QueryLimits(seconds=0.05))
    assert time.monotonic() - started < 60
    assert read_query(path, "RETURN 1 AS one")["one"].to_pylist() == [1]


def test_a_query_that_needs_too_much_memory_is_ended(path: Path) -> None:
    with pytest.raises(QueryError, match="more memory than it may use"):
        read_query(path, "UNWIND range(1, 300000000) AS x RETURN sum(x)")


def test_a_worker_ends_itself_where_the_engine_ignores_its_limit(path: Path) -> None:
    code = (
        "import time, graph.worker as w; "
        "w.EmbeddedStore.query = lambda *_: time.sleep(100); w.main()"
    )
    request = Request(str(path), "RETURN 1", {}, QueryLimits(seconds=0.1))
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(request),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGALRM


@pytest.mark.parametrize(
    ("status", "message"), [(-11, r"gave up on the query \(status -11\)"), (-14, "was ended")]
)
def test_a_crash_of_the_engine_is_an_error_like_any_other(
    path: Path, monkeypatch: pytest.MonkeyPatch, status: int, message: str
) -> None:
    def crash(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess([], status, b"", b"")

    monkeypatch.setattr(subprocess, "run", crash)
    with pytest.raises(QueryError, match=message):
        read_query(path, "RETURN 1")


def test_a_worker_that_never_answers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        raise subprocess.TimeoutExpired("worker", 1)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(StoreUnavailable, match="busy"):
        read_query(path, "RETURN 1")
