"""Guarded queries: limits, parameters, and that neither a slow nor a crashing one does harm."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from graph import workers
from graph.embedded import EmbeddedStore
from graph.query import open_answer, read_query, rows_of
from graph.store import QueryLimits
from graph.wire import Request
from graph.workers import Stop, Workers
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


def test_an_answer_that_fills_too_much_is_refused(path: Path) -> None:
    limits = QueryLimits(rows=10**6, megabytes=1)
    with pytest.raises(QueryError, match="fills more than 1 MB; ask for fewer rows"):
        read_query(path, "UNWIND range(1, 200000) AS x RETURN x", limits=limits)
    found = read_query(path, "UNWIND range(1, 100000) AS x RETURN x", limits=limits)
    assert found["x"].to_pylist() == list(range(1, 100_001))


def worker(code: str) -> subprocess.Popen[bytes]:
    """The process that runs queries, with ``code`` before it begins."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import os, time, graph.worker as w; {code}; w.main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )


def test_a_worker_ends_itself_where_the_engine_ignores_its_limit(path: Path) -> None:
    with worker("w.EmbeddedStore.query = lambda *_: time.sleep(100)") as process:
        assert process.stdin is not None
        process.stdin.write(pickle.dumps(Request(str(path), "RETURN 1", {}, QueryLimits(1, 0.1))))
        process.stdin.flush()
        assert process.wait(60) == -signal.SIGALRM


def test_a_worker_ends_with_whoever_asked_it(path: Path) -> None:
    with worker("w.EmbeddedStore.query = lambda *_: time.sleep(100)") as process:
        process.communicate(pickle.dumps(Request(str(path), "RETURN 1", {}, QueryLimits())), 20)
        assert process.returncode == 0


class Engine:
    """Workers whose engine behaves as ``code`` says."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
        self.workers = Workers(path)
        start = subprocess.Popen
        monkeypatch.setattr(
            workers.subprocess,
            "Popen",
            lambda _, **options: start(
                [sys.executable, "-c", f"import os, signal, time, graph.worker as w; {code}"],
                **options,
            ),
        )

    def ask(self, stop: Stop | None = None) -> pa.Table:
        return open_answer(self.workers, "RETURN 1", stop=stop).table()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("os.kill(os.getpid(), 11)", r"gave up on the query \(status -11\)"),
        ("os.kill(os.getpid(), 14)", "longer than 30 seconds and was ended"),
        ("print('E', flush=True)", "gave up"),
    ],
)
def test_a_crash_of_the_engine_is_an_error_like_any_other(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        Engine(path, monkeypatch, code).ask()


def test_a_worker_that_never_answers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_GATE_SECONDS", -31.5)
    with pytest.raises(StoreUnavailable, match="busy"):
        Engine(path, monkeypatch, "time.sleep(100)").ask()


def test_a_query_is_stopped_before_and_while_it_runs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, stop = Engine(path, monkeypatch, "time.sleep(100)"), Stop()
    threading.Timer(0.5, stop).start()
    for _ in range(2):
        with pytest.raises(QueryError, match="ended before its answer"):
            engine.ask(stop)


def test_so_many_queries_at_a_time_and_no_more(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_TURN_SECONDS", 0.1)
    monkeypatch.setattr(workers, "AT_ONCE", 1)
    with Workers(path) as asked, open_answer(asked, "UNWIND range(1, 9) AS x RETURN x") as held:
        with pytest.raises(StoreUnavailable, match="try again"):
            open_answer(asked, "RETURN 1")
        assert held.table().num_rows == 9
        assert open_answer(asked, "RETURN 1").table().num_rows == 1
