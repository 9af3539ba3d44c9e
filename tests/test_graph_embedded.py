"""The embedded store as a file: one writer, readers beside it, kills, addresses."""

from __future__ import annotations

import multiprocessing as mp
import os
import random
import signal
import threading
import time
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from pathlib import Path

import pyarrow as pa
import pytest

from graph.embedded import EmbeddedStore
from graph.locks import FileGate, WriterLock
from graph.open import open_store
from graph.query import read_query
from graph.readback import data_hash, read_shop
from graph.store import Derived
from graph.write import write_dataset
from loaders.errors import ConfigError, StoreUnavailable
from loaders.synthetic import Planted, synthetic_shop

SPAWN = mp.get_context("spawn")
USERS = 400


def start(target: object, *args: object) -> SpawnProcess:
    process = SPAWN.Process(target=target, args=args, daemon=True)  # type: ignore[arg-type]
    process.start()
    return process


def similar(build: str, edges: int) -> Derived:
    """``edges`` SIMILAR_TO edges among the synthetic shop's first products."""
    rows = [(f"product-{i % 40}", f"product-{i // 40}") for i in range(edges)]
    table = pa.table(
        {"source": [a for a, _ in rows], "target": [b for _, b in rows], "score": [1.0] * edges}
    )
    return Derived(build, {}, {("SIMILAR_TO", "Product", "Product"): table})


def load(path: Path, started: Queue[int]) -> None:
    """A process that loads and builds until it is killed."""
    with EmbeddedStore(path, wait_seconds=60) as store:
        started.put(os.getpid())
        write_dataset(store, synthetic_shop(USERS, seed=1).dataset)
        for build in range(10_000):
            store.replace_derived(similar(str(build), 400 + build % 2 * 400))


def write_for_a_while(path: Path, started: Queue[int], rounds: int) -> None:
    """A process that swaps derived edges and adds users, closing and opening in between."""
    for number in range(rounds):
        with EmbeddedStore(path, wait_seconds=60) as store:
            for build in range(4):
                with store.transaction():
                    store.replace_derived(
                        similar(f"{number}.{build}", 100 + (number + build) % 2 * 300)
                    )
                    names = [f"new-{number}-{build}-{i}" for i in range(50)]
                    store.upsert_nodes("User", pa.table({"id": names}))
        if number == 0:
            started.put(os.getpid())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "graph.lbug"


def test_what_was_closed_is_there_again(path: Path, planted: Planted) -> None:
    with EmbeddedStore(path) as store:
        write_dataset(store, planted.dataset)
        counts, hash_ = store.counts(), data_hash(read_shop(store).graph)
    for read_only in (True, False):
        with EmbeddedStore(path, read_only) as store:
            assert store.counts() == counts
            assert data_hash(read_shop(store).graph) == hash_


def test_second_writer_is_told_who_writes(path: Path) -> None:
    with (
        EmbeddedStore(path),
        pytest.raises(StoreUnavailable, match=f"process {os.getpid()} is writ"),
    ):
        EmbeddedStore(path)
    EmbeddedStore(path).close()


def test_second_writer_may_wait(path: Path) -> None:
    first = EmbeddedStore(path)
    threading.Timer(0.3, first.close).start()
    with EmbeddedStore(path, wait_seconds=30) as second:
        assert second.counts()["User"] == 0


def test_reader_sees_each_commit_and_no_half_of_one(path: Path) -> None:
    with EmbeddedStore(path) as writer, EmbeddedStore(path, read_only=True) as reader:
        with writer.transaction():
            writer.upsert_nodes("User", pa.table({"id": ["ann"]}))
            assert reader.counts()["User"] == 0
        assert reader.counts()["User"] == 1
        with reader.transaction():
            assert reader.nodes("User").num_rows == 1


def test_reader_cannot_write(path: Path) -> None:
    EmbeddedStore(path).close()
    reader = EmbeddedStore(path, read_only=True)
    with pytest.raises(StoreUnavailable, match="read-only"):
        reader.upsert_nodes("User", pa.table({"id": ["ann"]}))
    assert reader.counts()["User"] == 0


def test_closing_twice_is_fine_and_use_after_it_is_not(path: Path) -> None:
    store = EmbeddedStore(path)
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.counts()


def test_nothing_to_read(path: Path) -> None:
    with pytest.raises(ConfigError, match="coterie load"):
        open_store(path, read_only=True)
    assert not path.parent.exists()


def test_a_file_that_is_no_store(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 1000)
    with pytest.raises(StoreUnavailable, match="cannot open"):
        open_store(path)


def test_addresses_of_other_kinds_are_refused() -> None:
    with pytest.raises(ConfigError, match="'http://' addresses are not supported"):
        open_store("http://x")


def test_open_store_opens_paths(path: Path) -> None:
    with open_store(path) as store:
        assert store.counts()["User"] == 0
    with open_store(str(path), read_only=True) as store:
        assert store.counts()["User"] == 0


def test_threads_share_a_store(path: Path) -> None:
    with EmbeddedStore(path) as store:

        def add(name: str) -> None:
            for i in range(10):
                store.upsert_nodes("User", pa.table({"id": [f"{name}-{i}"]}))

        threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.counts()["User"] == 40


def test_waiting_writer_is_not_starved_by_readers(tmp_path: Path) -> None:
    gate = FileGate(tmp_path / "x", wait_seconds=20)
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with gate.shared():
                time.sleep(0.02)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(5):
            with gate.alone():
                pass
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def test_gate_gives_up_in_words(tmp_path: Path) -> None:
    gate = FileGate(tmp_path / "x", wait_seconds=0.05)
    refused = pytest.raises(StoreUnavailable, match=r"stayed in use for 0\.05 seconds")
    with gate.shared(), refused, gate.alone():
        pass


def test_writer_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    (tmp_path / "x.writer").write_text("99999999")
    WriterLock(tmp_path / "x").release()


def test_killed_at_any_moment_it_opens_again_and_a_rerun_completes(path: Path) -> None:
    data = synthetic_shop(USERS, seed=1).dataset
    chance = random.Random(7)
    for _ in range(6):
        started: Queue[int] = SPAWN.Queue()
        process = start(load, path, started)
        started.get(timeout=60)
        time.sleep(chance.uniform(0.0, 1.2))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        reader = EmbeddedStore(path, read_only=True)
        assert reader.counts()["PURCHASED"] in (0, data.events.height)
        assert reader.counts()["SIMILAR_TO"] in (0, 400, 800)
    with EmbeddedStore(path) as store:
        write_dataset(store, data)
        store.replace_derived(similar("last", 120))
        counts = store.counts()
        hash_ = data_hash(read_shop(store).graph)
    with EmbeddedStore(path.with_name("fresh.lbug")) as store:
        write_dataset(store, data)
        store.replace_derived(similar("last", 120))
        assert store.counts() == counts
        assert data_hash(read_shop(store).graph) == hash_


def test_queries_beside_a_writer_are_never_wrong_or_refused(path: Path, planted: Planted) -> None:
    with EmbeddedStore(path) as store:
        write_dataset(store, planted.dataset)
        users = store.counts()["User"]
    started: Queue[int] = SPAWN.Queue()
    process = start(write_for_a_while, path, started, 12)
    started.get(timeout=60)
    seen: set[int] = set()
    reader = EmbeddedStore(path, read_only=True)
    while process.is_alive():
        for counts in (reader.counts(), _counts(path)):
            assert counts["SIMILAR_TO"] in (100, 400)
            assert counts["PURCHASED"] == planted.dataset.events.height
            assert (counts["User"] - users) % 50 == 0
            seen.add(counts["User"])
    process.join()
    assert process.exitcode == 0
    assert len(seen) > 1
    assert reader.counts()["User"] == users + 12 * 4 * 50


def _counts(path: Path) -> dict[str, int]:
    """Some counts by one guarded query."""
    table = read_query(
        path,
        "MATCH (u:User) WITH count(u) AS users MATCH ()-[s:SIMILAR_TO]->() "
        "WITH users, count(s) AS similar MATCH ()-[p:PURCHASED]->() "
        "RETURN users, similar, count(p) AS bought",
    )
    row = table.to_pylist()[0]
    return {"User": row["users"], "SIMILAR_TO": row["similar"], "PURCHASED": row["bought"]}
