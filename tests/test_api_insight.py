"""Stages, trends, a map, buyers and days of customers, against counts made from the shop itself."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.builds import HomeBuilds
from api.flat import flat
from api.live import Live
from api.periods import all_starts, starts_of, unit_of
from api.provider import SnapshotProvider
from events.config import EventsConfig
from events.event import ShopEvent
from loaders.synthetic import Planted
from pipeline.audiences import Desk
from pipeline.config import load_config
from pipeline.home import Home
from pipeline.told import EVERY_SECONDS, noted, told_of_build


@pytest.fixture(scope="module")
def shop(built: Home) -> Iterator[TestClient]:
    provider = SnapshotProvider(built, "The corner shop")
    provider.refresh()
    desk = Desk(built, load_config(built.path / "coterie.toml").audiences)
    yield TestClient(create_app(provider, builds=HomeBuilds(built), desk=desk))
    provider.stop()


def get(shop: TestClient, address: str) -> Any:
    reply = shop.get(address)
    assert reply.status_code == 200, reply.text
    return reply.json()


def bought(planted: Planted) -> list[dict[str, Any]]:
    events = planted.dataset.events.to_dicts()
    return [e for e in events if e["event"] == "purchase"]


def test_stages_add_up(shop: TestClient) -> None:
    found = get(shop, "/v1/lifecycle")
    counts = [s["customers"] for s in found["shop"]["stages"]]
    assert sum(counts) == found["shop"]["customers"] == 200
    assert sum(s["customers"] for s in found["segments"]) <= 200
    one = get(shop, "/v1/customers/" + get(shop, "/v1/users")["users"][0]["user_id"])
    assert one["stage"]["name"] in [s["stage"] for s in found["shop"]["stages"]]


def test_trend_counts_every_purchase_once(shop: TestClient, planted: Planted) -> None:
    found = get(shop, "/v1/trend")
    lines = bought(planted)
    assert sum(p["orders"] for p in found["periods"]) == len({e["order_id"] for e in lines})
    spent = sum(e["value"] for e in lines)
    assert sum(p["spend"] for p in found["periods"]) == pytest.approx(spent, rel=1e-4)
    assert found["unit"] == "week"
    starts = [date.fromisoformat(p["start"]) for p in found["periods"]]
    assert {b - a for a, b in itertools.pairwise(starts)} == {timedelta(7)}
    assert starts[0].weekday() == 0
    parts = [
        get(shop, f"/v1/trend?segment={s['segment_id']}")
        for s in get(shop, "/v1/segments")["segments"]
    ]
    assert all(len(p["periods"]) == len(starts) for p in parts)
    assert sum(q["orders"] for p in parts for q in p["periods"]) <= len(lines)
    assert shop.get("/v1/trend?segment=none").status_code == 404


def test_periods_begin_where_calendars_say() -> None:
    days = np.array(
        [0, 4, 30, 31, 58, 59]
    )  # 1 and 5 January, 31 January, 1 and 28 February, 1 March
    assert starts_of(days, "day").tolist() == days.tolist()
    assert starts_of(days, "week").tolist() == [-3, 4, 25, 25, 53, 53]
    assert starts_of(days, "month").tolist() == [0, 0, 0, 31, 31, 59]
    assert all_starts(0, 59, "month").tolist() == [0, 31, 59]
    assert [unit_of(n) for n in (60, 61, 500, 501)] == ["day", "week", "week", "month"]


def test_the_map_has_every_member_or_an_even_sample(shop: TestClient) -> None:
    found = get(shop, "/v1/customer-map")
    assert found["total"] == len(found["points"]) == len({p["user_id"] for p in found["points"]})
    assert max(abs(p[axis]) for p in found["points"] for axis in "xy") <= 1
    few = get(shop, "/v1/customer-map?limit=10")
    assert (len(few["points"]), few["total"]) == (10, found["total"])
    assert {p["segment"] for p in found["points"]} <= {-1, *range(len(found["segments"]))}


def test_buyers_are_those_who_bought(shop: TestClient, planted: Planted) -> None:
    product = get(shop, "/v1/products?limit=1")["products"][0]["product_id"]
    lines = [e for e in bought(planted) if e["product_id"] == product]
    orders: dict[str, set[str]] = {}
    for e in lines:
        orders.setdefault(e["user_id"], set()).add(e["order_id"])
    found = get(shop, f"/v1/products/{product}/buyers")
    assert found["buyers"] == len(orders)
    assert found["again"] == pytest.approx(np.mean([len(o) > 1 for o in orders.values()]))
    assert sum(s["buyers"] for s in found["stages"]) == len(orders)
    lifts = [s["lift"] for s in found["segments"]]
    assert lifts == sorted(lifts, reverse=True)
    assert shop.get("/v1/products/none/buyers").status_code == 404


def test_a_timeline_is_the_days_of_one_customer(shop: TestClient, planted: Planted) -> None:
    user = get(shop, "/v1/users")["users"][0]["user_id"]
    mine = [e for e in bought(planted) if e["user_id"] == user]
    found = get(shop, f"/v1/users/{user}/timeline?limit=2000")
    assert [d["day"] for d in found["days"]] == sorted(
        {f"{e['at']:%Y-%m-%d}" for e in mine}, reverse=True
    )
    assert sum(d["lines"] for d in found["days"]) == len(mine)
    assert sum(d["value"] for d in found["days"]) == pytest.approx(sum(e["value"] for e in mine))
    cut = get(shop, f"/v1/users/{user}/timeline?limit=3")
    assert (cut["days"], cut["more"]) == (found["days"][:3], len(found["days"]) - 3)
    assert shop.get("/v1/users/none/timeline").status_code == 404


def test_quality_has_baselines_and_all_builds(shop: TestClient, built: Home) -> None:
    found = get(shop, "/v1/quality")
    assert found["build"] == built.current()
    assert {"popularity", "blend"} <= {r["method"] for r in found["rows"]}
    assert all(r["low"] <= r["value"] <= r["high"] for r in found["rows"] if r["name"] == "ndcg")
    assert [b["build"] for b in found["builds"]] == built.builds()
    whole = get(shop, f"/v1/snapshots/{built.current()}")
    assert whole["published"] and whole["settings"]["seed"] == whole["seed"]
    assert shop.get("/v1/snapshots/none").status_code == 404
    assert shop.get("/v1/quality?build=none").status_code == 404


def test_choices_tell_of_nobody(shop: TestClient) -> None:
    found = get(shop, "/v1/audience-choices")
    assert "spend" in found["measures"] and found["events"] == ["purchase"]
    assert {"user_id", "segment", "spend"} <= set(found["columns"])
    assert {s["segment_id"] for s in found["segments"]} == {
        s["segment_id"] for s in get(shop, "/v1/segments")["segments"]
    }


def test_a_build_tells_how_far_it_is(tmp_path: Any) -> None:
    home, said = Home(tmp_path), []
    assert not told_of_build(home).running
    tell = noted(home, lambda *told: said.append(told))
    with home.building():
        tell("read", 0, 1)
        tell("train: loss 2.1", 0, 9)
        time.sleep(EVERY_SECONDS)
        tell("train: loss 1.7", 1, 9)
        found = told_of_build(home)
    assert (found.running, found.stage, found.done, found.total) == (True, "train: loss 1.7", 1, 9)
    assert found.stages == ("read",)
    assert [stage for stage, *_ in said] == ["read", "train: loss 2.1", "train: loss 1.7"]
    assert not told_of_build(home).running
    (tmp_path / "build.json").write_text("{")
    assert told_of_build(home).stage is None


def test_events_are_counted_as_they_come_in(own: Home) -> None:
    live = Live(own.path, own.store, EventsConfig())
    live.take([ShopEvent(f"e{i}", "view_item", "u", "p", 0) for i in range(3)])
    provider = SnapshotProvider(own, "shop")
    asked = TestClient(create_app(provider, live=live))
    found = get(asked, "/v1/events/flow")
    assert found["total"] == found["waiting"] == 3
    assert found["counts"] == [{"minutes_ago": 0, "event": "view_item", "events": 3}]


def test_a_plane_keeps_groups_apart() -> None:
    draw = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], 40)
    vectors = draw.normal(0, 1, (120, 12))
    vectors[:, 0] *= 20  # most of the variance tells nothing of the groups
    vectors[np.arange(120), groups + 1] += 6
    points, how = flat(vectors, groups)
    centres = np.stack([points[groups == g].mean(axis=0) for g in range(3)])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert how == "discriminant" and (nearest == groups).mean() > 0.9
    assert np.abs(points).max() <= 1
    two, other = flat(vectors, groups % 2)
    assert other == "pca" and two.shape == (120, 2)
    assert flat(np.zeros((0, 4)), np.zeros(0, int))[0].shape == (0, 2)
    assert not flat(np.zeros((5, 1)), np.zeros(5, int))[0].any()
