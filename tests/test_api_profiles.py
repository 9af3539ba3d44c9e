"""Profiles and actions of a built shop: over HTTP, by command, in both languages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from shops import coterie
from starlette.testclient import TestClient

from api.app import create_app
from api.snapshot_service import SnapshotService
from loaders.errors import SnapshotMissing
from pipeline.home import Home
from pipeline.people import load_people
from pipeline.snapshot import Snapshot


@pytest.fixture(scope="module")
def client(built: Home) -> TestClient:
    service = SnapshotService(Snapshot.load(built.snapshot()), built.store, "shop")
    return TestClient(create_app(lambda: service))


def _get(client: TestClient, path: str, language: str = "en") -> Any:
    reply = client.get(path, headers={"Accept-Language": language})
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Language"] == language
    return reply.json()


def test_a_segment_is_told_of_by_claims_that_hold(client: TestClient, built: Home) -> None:
    first = client.get("/v1/segments").json()["segments"][0]
    path = f"/v1/segments/{first['segment_id']}/profile"
    told = _get(client, path)
    assert told["name"] == first["name"] and told["tested"] > 50
    bands = [c["id"] for c in told["basics"]]
    assert len(bands) == 1, "groups lean on one band of age each"
    aisles = [c for c in told["preference"] if c["about"] == "category:0"]
    assert len(aisles) == 1 and aisles[0]["lift"] > 2
    for group in ("basics", "behaviour", "preference", "risk"):
        for claim in told[group]:
            assert claim["p_value"] <= told["false_discovery"]
            assert claim["customers"] <= claim["known"] <= first["size"]
            assert claim["value"] / claim["shop_value"] == pytest.approx(claim["lift"])
    chinese = _get(client, path, "zh")
    assert "占成员消费的" in chinese["preference"][0]["text"]
    assert aisles[0]["text"].startswith(f"{aisles[0]['label']}: ")
    shown = coterie("segments", "profile", first["segment_id"], "--home", built.path, "--json")
    assert shown.json == told


def test_a_customer_is_held_against_the_shop(client: TestClient, built: Home) -> None:
    told = _get(client, "/v1/customers/user-3/profile")
    facts = {f["about"]: f for f in told["behaviour"]}
    spends = sorted(
        _get(client, f"/v1/customers/user-{i}/profile")["behaviour"][2]["value"] for i in range(200)
    )
    below = sum(s < facts["spend"]["value"] for s in spends) / 2
    assert facts["spend"]["percentile"] == pytest.approx(below, abs=2)
    assert facts["spend"]["shop_value"] == pytest.approx((spends[99] + spends[100]) / 2)
    tastes = [f for f in told["preference"] if f["about"] == "category:0"]
    assert len(tastes) == 1 and tastes[0]["lift"] > 2
    shown = coterie("profile", "user-3", "--home", built.path)
    assert facts["spend"]["text"] in shown.out.replace("\n", " ")
    assert client.get("/v1/customers/nobody/profile").status_code == 404


def test_actions_reach_all_customers_once(client: TestClient, built: Home) -> None:
    stages = {"at-risk": "at risk", "mature": "mature"}
    for path, name in stages.items():
        told = _get(client, f"/v1/stages/{path}/actions")
        assert told["group"] == {"kind": "stage", "id": name, "name": name}
        assert "anyway" in told["estimate"]
    reached = 0
    for segment in client.get("/v1/segments").json()["segments"]:
        told = _get(client, f"/v1/segments/{segment['segment_id']}/actions")
        for action in told["actions"]:
            expected = action["customers"] * action["probability"] * action["order_value"]
            assert action["expected_value"] == pytest.approx(expected)
            assert action["products"] and action["products"][0]["liking"] <= 1
            assert action["discount"]["basis"] == "prices"
            reached += action["customers"]
    assert 150 < reached <= 200
    assert client.get("/v1/stages/nowhere/actions").status_code == 404
    ran = coterie("segments", "actions", "--stage", "mature", "--home", built.path)
    assert ran.code == 0 and "estimate" in ran.out
    assert coterie("segments", "actions", "--home", built.path).code == 4


def test_a_build_without_profiles_says_build_again(own: Home) -> None:
    claims = own.snapshot() / "people" / "claims.json"
    data = json.loads(claims.read_text())
    claims.write_text(json.dumps({"of": data["of"]}))
    with pytest.raises(SnapshotMissing, match="build again"):
        load_people(claims.parent)
