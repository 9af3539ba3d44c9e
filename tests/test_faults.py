"""A Neo4j server that is stopped, hangs, is slow or full, during load, build and serving.

Every fault is real: the server is killed or paused, its disk refuses writes, bytes do not arrive.
"""

from __future__ import annotations

import resource
import shutil
import signal
import threading
import urllib.error
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shops import config_of, coterie
from tcp_proxy import Proxy
from test_cli_serve import Server as Serving
from test_pipeline_crash import serves

from events.config import EventsConfig
from events.deliver import deliver
from events.event import ShopEvent
from events.queue import EventQueue, queue_file
from graph import neo4j_link, neo4j_write
from graph.neo4j_store import Neo4jStore
from graph.open import open_store
from graph.write import write_dataset
from loaders.errors import CoterieError, StoreUnavailable
from loaders.synthetic import Planted
from pipeline.build import build as run
from pipeline.home import Home
from pipeline.snapshot import Snapshot
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


def behind(server: Any, proxy: Proxy) -> str:
    """The server's address through a proxy."""
    return with_login(server).replace(f":{server.port}", f":{proxy.port}")


def counts(home: Home) -> dict[str, int]:
    with open_store(home.store) as store:
        return store.counts()


def views(first: int, last: int) -> list[ShopEvent]:
    return [ShopEvent(f"v{i}", "view_item", "user-1", "p", 10**15 + i) for i in range(first, last)]


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


def limit(server: Any, size: int) -> None:
    """Let the server write no file beyond ``size`` bytes, as on a disk that is full."""
    pid = server._process.pid
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


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
        assert nodes == len(Snapshot.load(place.snapshot()).segmentation.segments)
        assert coterie("writeback", "--home", place.path).code == 4  # nothing is left to do


class Api(Serving):
    """A ``coterie serve`` on a Neo4j store."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COTERIE_STORE", str(home.store))
        super().__init__(home)

    def send(self, events: list[ShopEvent]) -> list[str]:
        """Ids that were acknowledged."""
        body = {
            "events": [
                {k: getattr(e, k) for k in ("event_id", "event", "user_id", "product_id")}
                for e in events
            ]
        }
        return [a["event_id"] for a in self.get("/v1/events", body)["accepted"]]

    def parts(self) -> dict[str, Any]:
        return {p["name"]: p for p in self.get("/health/ready")["parts"]}

    def recommends(self) -> bool:
        return len(self.get("/v1/users/user-3/recommendations?k=5")["items"]) == 5


class TestServing:
    def test_stopped_and_hanging_it_goes_on_and_events_arrive_once(
        self, place: Home, server: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        query = {"query": "MATCH (u:User) RETURN count(u) AS n"}
        before = counts(place)["VIEWED"]
        api = Api(place, monkeypatch)
        try:
            api.until(lambda: api.get("/health/ready")["status"] == "ready")
            server.kill()
            api.until(lambda: api.parts()["store"]["state"] == "down")
            assert len(api.send(views(0, 40))) == 40 and api.recommends()
            assert api.get("/health/live")["status"] == "live"
            ready = api.get("/health/ready")
            assert (ready["status"], api.parts()["events"]["waiting"]) == ("degraded", 40)
            with pytest.raises(urllib.error.HTTPError) as refused:
                api.get("/v1/cypher", query)
            assert refused.value.code == 503 and refused.value.headers["Retry-After"] == "5"
            server.start()
            api.until(lambda: api.get("/health/ready")["status"] == "ready")
            assert api.get("/v1/cypher", query)["rows"][0][0] > 0
            api.until(lambda: api.parts()["events"]["waiting"] == 0)

            server.pause()
            api.until(lambda: api.parts()["store"]["state"] == "down")
            assert len(api.send(views(40, 60))) == 20 and api.recommends()
            with pytest.raises(urllib.error.HTTPError) as refused:
                api.get("/v1/cypher", query)
            assert refused.value.code == 503
            server.go_on()
            api.until(lambda: api.parts()["events"]["waiting"] == 0)
        finally:
            server.go_on()
            api.stop()
        assert counts(place)["VIEWED"] == before + 60

    def test_killed_under_load_no_acknowledged_event_is_lost_or_there_twice(
        self, place: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        acknowledged: list[str] = []
        api = Api(place, monkeypatch)

        def visit(first: int) -> None:
            n = first
            try:
                while True:
                    sent = [ShopEvent(f"k{n}-{i}", "add_to_cart", "u", "p", 0) for i in range(5)]
                    acknowledged.extend(api.send(sent))
                    n += 1
            except (OSError, ValueError):
                return  # the server is dead

        visitors = [threading.Thread(target=visit, args=(i * 100_000,)) for i in range(3)]
        for visitor in visitors:
            visitor.start()
        api.until(lambda: len(acknowledged) > 300)
        api.process.send_signal(signal.SIGKILL)
        for visitor in visitors:
            visitor.join()
        api.stop()
        again = Api(place, monkeypatch)
        again.until(lambda: again.parts()["events"]["waiting"] == 0)
        again.stop()
        with open_store(place.store, read_only=True) as store:
            found = store.query(
                "MATCH ()-[r:CARTED]->() WHERE r.event_id STARTS WITH 'k' "
                "RETURN r.event_id AS id, count(*) AS n"
            ).to_pylist()
        assert all(row["n"] == 1 for row in found)
        stored = {row["id"] for row in found}
        assert set(acknowledged) <= stored and len(stored) <= len(acknowledged) + 3 * 5


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


class TestFull:
    def test_events_wait_while_its_disk_is_full(
        self, place: Home, server: Any, hasty: None
    ) -> None:
        before = counts(place)["WISHLISTED"]
        events = [e._replace(event="add_to_wishlist", event_id=f"w{e.at}") for e in views(0, 30)]
        with EventQueue(queue_file(place.path)) as queue:
            queue.append(events)
            limit(server, 1)
            with pytest.raises(CoterieError) as caught:
                deliver(queue, place.store, EventsConfig(batch=10))
            assert isinstance(caught.value, StoreUnavailable), caught.value
            assert queue.status().waiting == 30 and queue.status().refused == 0
            server.kill()
            server.start()
            assert deliver(queue, place.store, EventsConfig(batch=10)).events == 30
        assert counts(place)["WISHLISTED"] == before + 30


def test_an_event_that_breaks_a_rule_of_the_server_is_set_aside(place: Home) -> None:
    """A shop's own constraint: the server refuses the second view of a visit for good."""
    visit = [e._replace(event_id=f"c{e.at}", session_id="same") for e in views(100, 102)]
    others = [e._replace(event_id=f"c{e.at}") for e in views(102, 110)]
    with Neo4jStore(str(place.store)) as store, EventQueue(queue_file(place.path)) as queue:
        rule = "CREATE CONSTRAINT own FOR ()-[r:VIEWED]-() REQUIRE r.session_id IS UNIQUE"
        with store._link.session(write=True) as session:
            session.run(rule).consume()
            try:
                queue.append([*visit, *others])
                done = deliver(queue, place.store, EventsConfig())
            finally:
                session.run("DROP CONSTRAINT own").consume()
        assert (done.events, done.refused) == (9, 1)
        assert [e.event_id for e, _ in queue.refused(9)] == [visit[1].event_id]
        assert queue.retry() == 1
        assert deliver(queue, place.store, EventsConfig()).events == 1
