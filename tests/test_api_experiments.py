"""Experiments as a server serves them: from a definition to what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from coterie_client import NotFound, clicked, shown
from shops import config_of
from starlette.testclient import TestClient
from test_client import of, through

from api.app import create_app
from api.live import Live
from api.provider import SnapshotProvider
from api.trials import Trials
from audiences.definition import parse
from events.config import EventsConfig
from events.deliver import deliver
from events.queue import EventQueue, queue_file
from experiments.assign import place, takes_part
from experiments.config import ExperimentsConfig
from pipeline.audiences import Desk
from pipeline.experiments import ExperimentDesk, held_builds
from pipeline.home import Home

USERS = [f"user-{i}" for i in range(200)]
CONTROL = {"id": "control"}


@dataclass
class Served:
    """A server of a home, and the parts of it."""

    http: TestClient
    home: Home
    provider: SnapshotProvider
    trials: Trials

    def post(self, path: str, body: Any = None) -> Any:
        return self.http.post(f"/v1/{path}", json=body)

    def run(self, override: dict[str, Any], **more: Any) -> None:
        """Start an experiment of two variants."""
        variants = [CONTROL, {"id": "other", "override": override}]
        made = self.post("experiments", {"id": "e", "variants": variants, **more})
        assert made.status_code == 200, made.text
        started = self.post("experiments/e/start")
        assert started.status_code == 200, started.text
        assert started.json()["state"] == "running" and started.json()["active"]

    def list_of(self, user: str, **query: Any) -> Any:
        return self.http.get(f"/v1/users/{user}/recommendations", params={"k": 5, **query}).json()

    def of(self, variant: int, n: int = 1) -> list[str]:
        """Customers who get a variant."""
        return [u for u in USERS if place("e", u, (1, 1)) == variant][:n]

    def deliver(self) -> None:
        with EventQueue(queue_file(self.home.path)) as queue:
            deliver(queue, self.home.store, EventsConfig())


@pytest.fixture
def served(own: Home) -> Iterator[Served]:
    provider = SnapshotProvider(own, "shop")
    provider.refresh()
    desk = ExperimentDesk(own, ExperimentsConfig())
    trials = Trials(desk, provider.held, provider.hold)
    live = Live(own.path, own.store, EventsConfig())
    app = create_app(provider, live=live, trials=trials)
    yield Served(TestClient(app, raise_server_exceptions=False), own, provider, trials)
    provider.stop()


def test_a_mode_for_half_of_the_customers(served: Served) -> None:
    before = {u: served.list_of(u) for u in USERS[:20]}
    assert before["user-1"]["experiment"] is None
    served.run({"mode": "discover"}, modes=["all"])
    for user in USERS[:20]:
        found, variant = served.list_of(user), ("control", "other")[place("e", user, (1, 1))]
        assert found["experiment"] == {"id": "e", "variant": variant}
        assert found["mode"] == {"control": "all", "other": "discover"}[variant]
        if variant == "control":
            assert found["items"] == before[user]["items"]
    assert served.list_of("user-1", mode="repeat")["experiment"] is None
    visitor = served.post("session/recommendations", {"session_id": "s1"}).json()
    assert visitor["experiment"] is None
    assert served.post("experiments/e/stop").json()["state"] == "stopped"
    assert served.list_of("user-1") == before["user-1"]


def test_a_method_of_the_build_for_customers_and_visitors(served: Served) -> None:
    options = served.http.get("/v1/experiments/options").json()
    served_now = served.list_of("user-1")["method"]
    name = next(m for m in options["methods"] if m != served_now)
    served.run({"method": name})
    (user,) = served.of(1)
    assert served.list_of(user)["method"] == name
    assert {i["source"] for i in served.list_of(user)["items"]} <= {
        name,
        "recent popularity",
        "rarely bought",
    }
    session = next(s for s in "abcdefgh" if place("e", f"anonymous/{s}", (1, 1)) == 1)
    body = {"session_id": session, "events": [{"product_id": "product-1"}]}
    visitor = served.post("session/recommendations", body).json()
    assert visitor["experiment"] == {"id": "e", "variant": "other"}
    assert visitor["method"] in (name, "recent popularity")
    nobody = served.post("session/recommendations", {}).json()
    assert nobody["experiment"] is None


def test_a_build_is_held_while_it_is_needed(served: Served) -> None:
    home, build = served.home, served.home.current()
    folder = home.snapshots / "20990101T000000-ffff"
    folder.symlink_to(home.snapshot(build))  # stands for another build
    served.run({"build": folder.name}, share=0.999)
    assert held_builds(home) == {folder.name}
    (user,) = served.of(1)
    assert served.list_of(user)["experiment"] == {"id": "e", "variant": "other"}
    assert served.provider.held(folder.name) is not None
    served.post("experiments/e/stop")
    assert served.provider.held(folder.name) is None and held_builds(home) == set()


def test_a_variant_that_cannot_be_served_keeps_everybody_out(served: Served) -> None:
    served.run({"method": served.http.get("/v1/experiments/options").json()["methods"][0]})
    served.provider().__dict__["methods"] = frozenset()  # as of a build that lacks it
    assert {str(served.list_of(u)["experiment"]) for u in USERS[:10]} == {"None"}


def test_who_may_take_part(served: Served) -> None:
    audience = {"kind": "bought", "category": "aisle-1", "times": 3}
    desk = Desk(served.home, config_of(served.home).audiences)
    desk.save(parse({"name": "aisle", "where": audience}))
    members = set(desk.members("aisle", limit=1_000).rows["user_id"])
    assert 20 < len(members) < 180
    served.run({"mode": "discover"}, audience="aisle", share=0.8)
    for user in USERS[:60]:
        wanted = user in members and takes_part("e", user, 0.8)
        assert (served.list_of(user)["experiment"] is not None) == wanted
    served.post("experiments/e/stop")
    segment = served.http.get("/v1/segments").json()["segments"][0]["segment_id"]
    body = {"id": "f", "variants": [CONTROL, {"id": "b"}], "segments": [segment]}
    served.post("experiments", body)
    served.post("experiments/f/start")
    for user in USERS[:40]:
        profile = served.http.get(f"/v1/users/{user}").json()
        inside = bool(profile["segment"]) and profile["segment"]["segment_id"] == segment
        assert (served.list_of(user)["experiment"] is not None) == inside


def test_another_server_follows_within_a_look(served: Served) -> None:
    beside = Trials(ExperimentDesk(served.home, ExperimentsConfig()), served.provider.held)
    served.run({"mode": "discover"})
    service = served.provider()
    assert beside.take(service, "user-1", "customer", "all").label is None
    beside.refresh()
    mine = served.trials.take(service, "user-1", "customer", "all").label
    assert mine is not None and beside.take(service, "user-1", "customer", "all").label == mine


def told(user: str, variant: str = "other", experiment: str = "e") -> dict[str, Any]:
    of = {"id": experiment, "variant": variant}
    return {"event": "view_item_list", "user_id": user, "experiment": of}


def test_from_exposure_to_results(served: Served) -> None:
    served.run({"mode": "discover"}, window_days=1)
    control, other = served.of(0, 30), served.of(1, 30)
    events = [told(u, "control") for u in control] + [told(u) for u in other]
    for user in other[:20]:
        click = {**told(user), "event": "view_item", "product_id": "product-1"}
        buy = {"event": "purchase", "user_id": user, "product_id": "product-1", "value": 4.0}
        events += [{**click, "event_id": f"c-{user}"}, {**buy, "event_id": f"b-{user}"}]
    for _ in range(2):
        sent = served.post("events", {"events": events}).json()
        assert len(sent["accepted"]) == 100 and sent["refused"] == []
    served.deliver()
    found = served.http.get("/v1/experiments/e").json()
    groups = {g["variant"]: g for g in found["results"]["variants"]}
    assert (found["units"], found["results"]["open"]) == (60, 60)
    assert [groups["control"][k] for k in ("units", "clicked", "converted", "revenue")] == [
        30,
        0,
        0,
        0,
    ]
    assert [groups["other"][k] for k in ("units", "clicked", "converted", "revenue")] == [
        30,
        20,
        20,
        80,
    ]
    assert groups["other"]["conversion_rate"]["value"] == pytest.approx(2 / 3)
    assert [c["primary"] for c in found["results"]["comparisons"]] == [False, True, False]
    assert found["results"]["sample_ratio"] == {"chi_square": 0, "p_value": 1, "ok": True}
    (listed,) = served.http.get("/v1/experiments").json()["experiments"]
    assert listed["units"] == 60
    # What is read of an experiment later on goes by the window after each first exposure.
    later = ExperimentDesk(
        served.home,
        ExperimentsConfig(),
        clock=lambda: served.trials.desk._clock() + timedelta(days=2),
    )
    assert later.results("e").open == 0


def test_what_is_said_of_no_experiment_is_refused_but_acts_are_kept(served: Served) -> None:
    served.run({"mode": "discover"})
    (user,) = served.of(1)
    wrong = [told(user, "control"), told(user, experiment="nope"), told("", "other")]
    act = {**told(user, experiment="nope"), "event": "view_item", "product_id": "p"}
    sent = served.post("events", {"events": [*wrong, act]}).json()
    assert [a["index"] for a in sent["accepted"]] == [3]
    why = [r["detail"] for r in sent["refused"]]
    assert "is not in variant 'control' of 'e'" in why[0]
    assert "there is no running experiment 'nope'" in why[1]
    assert "user_id" in why[2]
    with EventQueue(queue_file(served.home.path)) as queue:
        assert [e.event for _, e in queue.waiting(10)] == ["view_item"]
    alone = served.post("events", told(user, "control"))
    assert alone.status_code == 422 and "body.events.0.experiment" in alone.text


def test_clocks_that_are_wrong_move_no_exposure_out_of_the_experiment(served: Served) -> None:
    served.run({"mode": "discover"})
    early, late = served.of(1, 2)
    soon = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
    shown_at = [{**told(early), "at": "1971-01-01T00:00:00Z"}, {**told(late), "at": soon}]
    assert served.post("events", {"events": shown_at}).json()["refused"] == []
    buy = {"event": "purchase", "product_id": "product-1", "value": 4.0, "session_id": "s"}
    acts = [{**buy, "user_id": early, "at": "2000-01-01T00:00:00Z"}, {**buy, "user_id": late}]
    served.post("events", {"events": acts})
    served.deliver()
    other = served.http.get("/v1/experiments/e").json()["results"]["variants"][1]
    assert (other["units"], other["converted"], other["revenue"]) == (2, 1, 4.0)


def test_problems_name_what_is_wrong(served: Served) -> None:
    variants = [CONTROL, {"id": "b", "override": {"method": "magic"}}]
    body: dict[str, Any] = {"id": "e", "variants": variants, "segments": ["nope"], "audience": "no"}
    assert served.post("experiments", body).status_code == 200
    reply = served.post("experiments/e/start")
    assert (reply.status_code, reply.json()["type"].rsplit(":")[-1]) == (422, "invalid-experiment")
    assert [e["field"] for e in reply.json()["errors"]] == [
        "body.variants.1.override.method",
        "body.segments.0",
        "body.audience",
    ]
    again = served.post("experiments", body)
    assert again.status_code == 422 and "already" in again.json()["detail"]
    moved = served.http.put("/v1/experiments/f", json=body)
    assert moved.status_code == 422 and "but the path says" in moved.json()["detail"]
    changed = served.http.put(
        "/v1/experiments/e", json={"id": "e", "variants": [CONTROL, {"id": "b"}]}
    )
    assert changed.json()["version"] == 2
    profile = served.http.get("/v1/experiments/e").json()
    assert profile["results"] is None and [v["version"] for v in profile["versions"]] == [1, 2]
    served.post("experiments/e/start")
    assert served.http.delete("/v1/experiments/e").status_code == 422
    served.post("experiments/e/stop")
    assert served.http.delete("/v1/experiments/e").json() == {"deleted": "e"}
    assert served.http.get("/v1/experiments/e").status_code == 404
    plan = served.post("experiments/plan", {"baseline": 0.04, "effect": 0.1}).json()
    assert plan["fixed_units_per_variant"] == 39473 and plan["days"] is None


def test_with_the_python_client(served: Served) -> None:
    shop = of(through(served.http))
    user = served.of(1)[0]
    assert shown(shop.recommend(user), user_id=user) == []
    assert shop.plan_experiment(0.1, 0.3, variants=3)["units"] > 0
    assert "blend" in shop.experiment_options()["methods"]
    variants = [CONTROL, {"id": "other", "override": {"mode": "discover"}}]
    shop.create_experiment({"id": "e", "variants": variants})
    shop.change_experiment({"id": "e", "name": "Home", "variants": variants})
    assert shop.start_experiment("e")["version"] == 2
    found = shop.recommend(user)
    product = found["items"][0]["product"]["product_id"]
    acts = [*shown(found, user_id=user), clicked(found, product, user_id=user)]
    assert shop.send_events(acts).refused == []
    assert served.trials.desk.ledger.clicks("e")["unit"].to_list() == [user]
    assert [e["units"] for e in shop.experiments()] == [1]
    assert shop.stop_experiment("e")["state"] == "stopped"
    assert shop.experiment("e")["results"]["units"] == 1
    shop.delete_experiment("e")
    assert shop.experiments() == shop.campaigns() == []
    with pytest.raises(NotFound, match="there is no campaign 'x'"):
        shop.campaign("x", days=3)
