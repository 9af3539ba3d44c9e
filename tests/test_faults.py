"""A Neo4j server that is stopped, slow or full during load and build.

Every fault is real: the server is killed, its disk refuses writes, bytes do not arrive. Faults
while events come in and lists are served: `test_faults_serving`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from shops import config_of, coterie
from tcp_proxy import Proxy
from test_pipeline_crash import serves

from graph import neo4j_write
from graph.neo4j_store import Neo4jStore
from graph.open import open_store
from graph.write import write_dataset
from loaders.errors import StoreUnavailable
from loaders.synthetic import Planted
from pipeline.build import build as run
from pipeline.home import Home
from pipeline.snapshot import Snapshot
from tests.neo4j_fixture import limit, with_login

pytest_plugins = ["fault_fixture"]


def behind(server: Any, proxy: Proxy) -> str:
    """The server's address through a proxy."""
    return with_login(server).replace(f":{server.port}", f":{proxy.port}")


class TestLoad:
    def test_stopped_it_says_how_far_it_got_and_is_completed_by_a_rerun(
        self, server: Any, planted: Planted, hasty: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(neo4j_write, "BATCH", 200)
        data = replace(planted.dataset, events=planted.dataset.events.head(2000))

        def stop(stage: str, done: int, total: int) -> None:
            if stage == "writing PURCHASED" and done >= 400:
                server.kill()

        with Neo4jStore(with_login(server)) as store, pytest.raises(StoreUnavailable) as caught:
            write_dataset(store, data, stop)
        said = str(caught.value)
        assert "writing nodes 6 of 6, writing structure 6 of 6, writing PURCHASED " in said
        assert "run the same load again to complete it" in said
        server.start()
        with open_store(with_login(server)) as store:
            part = store.counts()["PURCHASED"]
            assert 400 <= part < data.events.height
            brought = write_dataset(store, data)
            assert brought.edges["PURCHASED"] == data.events.height - part
            assert store.counts()["PURCHASED"] == data.events.height

    def test_its_disk_full_it_says_how_far_it_got_and_is_completed_by_a_rerun(
        self,
        server: Any,
        loaded: dict[str, int],
        planted: Planted,
        hasty: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(neo4j_write, "BATCH", 100)
        more = ratings(planted)

        def fill(stage: str, done: int, total: int) -> None:
            if stage == "writing RATED" and done >= 200:
                limit(server, 1)

        with Neo4jStore(with_login(server)) as store:
            with pytest.raises(StoreUnavailable, match=r"writing RATED \d+ of 1,?000") as caught:
                write_dataset(store, more, fill)
            assert "run the same load again to complete it" in str(caught.value)
            with pytest.raises(StoreUnavailable, match="needs to be restarted"):
                store.counts()
        server.kill()
        server.start()
        with open_store(with_login(server)) as store:
            assert 200 <= store.counts()["RATED"] < 1000
            write_dataset(store, more)
            assert store.counts()["RATED"] == 1000

    def test_a_database_that_is_read_only_is_read_and_refuses_a_load(
        self, server: Any, loaded: dict[str, int], planted: Planted, hasty: None
    ) -> None:
        settings = server.home / "conf" / "neo4j.conf"
        before = settings.read_text()
        settings.write_text(before + "server.databases.default_to_read_only=true\n")
        server.stop()
        server.start()
        try:
            with pytest.raises(StoreUnavailable, match="read-only mode"):
                open_store(with_login(server))
            with open_store(with_login(server), read_only=True) as store:
                assert store.counts()["PURCHASED"] == loaded["PURCHASED"]
                with pytest.raises(StoreUnavailable, match="nothing was written"):
                    write_dataset(store, planted.dataset)
        finally:
            settings.write_text(before)
            server.stop()
            server.start()


def ratings(planted: Planted) -> Any:
    """A thousand purchases of the planted shop as ratings."""
    events = planted.dataset.events.head(1000).with_columns(
        event=pl.lit("rate").cast(planted.dataset.events.schema["event"]),
        event_id="rated-" + pl.col("event_id"),
        rating=pl.lit(4.0),
    )
    return replace(planted.dataset, events=events)


class TestBuild:
    def test_cut_off_while_it_reads_it_leaves_what_was(
        self, place: Home, server: Any, hasty: None
    ) -> None:
        before = place.current()
        with Proxy(server.port) as proxy:
            proxy.most = 20_000
            away = Home(place.path, behind(server, proxy))
            with pytest.raises(StoreUnavailable, match="does not answer"):
                run(away, config_of(place))
        serves(place, before)

    def test_stopped_at_the_last_step_it_is_ended_by_a_command(
        self, place: Home, server: Any, hasty: None
    ) -> None:
        before = place.current()

        def stop(stage: str, done: int, total: int) -> None:
            if stage == "write back to the graph":
                server.kill()

        with pytest.raises(StoreUnavailable, match="run: coterie writeback --home"):
            run(place, config_of(place), stop)
        serves(place, before)
        name = max(place.builds())
        assert name != before
        again = coterie("writeback", "--home", place.path, "--store", place.address or "")
        assert again.code == StoreUnavailable.exit_code and place.current() == before
        server.start()
        asked = "MATCH ()-[e:MAY_LIKE]->() RETURN DISTINCT e.build"
        with open_store(place.store, read_only=True) as store:
            assert name not in [row["e.build"] for row in store.query(asked).to_pylist()]
        ended = coterie("writeback", "--home", place.path, "--store", place.address or "", "--json")
        assert (ended.code, ended.json) == (0, {"published": name}), ended.err
        serves(place, name)
        with open_store(place.store, read_only=True) as store:
            assert store.query(asked).to_pylist() == [{"e.build": name}]
            nodes = store.nodes("Community").num_rows
        found = Snapshot.load(place.snapshot()).segmentation
        assert nodes == len(found.segments) + len(found.parts)
        assert coterie("writeback", "--home", place.path).code == 4  # nothing is left to do


class TestSlow:
    @pytest.mark.parametrize("fault", ["stall", "cut"])
    def test_answers_that_do_not_come_are_no_hang(
        self, server: Any, loaded: dict[str, int], hasty: None, fault: str
    ) -> None:
        with Proxy(server.port) as proxy:
            address = behind(server, proxy)
            with open_store(address) as store:
                if fault == "stall":
                    proxy.stall()
                else:
                    proxy.most = 0
                for work in (store.counts, lambda: store.nodes("User")):
                    with pytest.raises(StoreUnavailable):
                        work()
                with pytest.raises(StoreUnavailable):  # so does a new connection
                    open_store(address)

    def test_a_slow_server_is_waited_for(self, server: Any, loaded: dict[str, int]) -> None:
        with Proxy(server.port) as proxy:
            proxy.delay = 0.1
            with open_store(behind(server, proxy), read_only=True) as store:
                assert store.nodes("User").num_rows >= loaded["User"]
