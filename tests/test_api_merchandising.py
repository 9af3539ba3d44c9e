"""Merchandising as a server serves it: rules saved, tried, followed, told, and what comes first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from shops import coterie
from starlette.testclient import TestClient

from api.app import create_app
from api.merchandising import House
from api.provider import SnapshotProvider
from pipeline.home import Home
from pipeline.merchandising import MerchandisingDesk
from ranking.merchandising import parse

USER = "user-3"


class Shop:
    """A server of a home that follows its rules at once."""

    def __init__(self, home: Home) -> None:
        self.home, self.now = home, 0.0
        self.house = House(MerchandisingDesk(home), clock=lambda: self.now)
        self.provider = SnapshotProvider(home, "shop", rules=self.house)
        self.provider.refresh()
        app = create_app(self.provider, house=self.house)
        self.http = TestClient(app, raise_server_exceptions=False)

    def put(self, effect: str, target: Any, id_: str = "r", **more: Any) -> Any:
        rule = {"id": id_, "effect": effect, "target": target, **more}
        return self.http.put(f"/v1/merchandising/{id_}", json=rule)

    def rule(self, *args: Any, **more: Any) -> None:
        found = self.put(*args, **more)
        assert found.status_code == 200, found.text

    def items(self, user: str = USER, **query: Any) -> list[Any]:
        path = f"/v1/users/{user}/recommendations"
        found: list[Any] = self.http.get(path, params={"k": 8, **query}).json()["items"]
        return found

    def ids(self, user: str = USER, **query: Any) -> list[str]:
        return [item["product"]["product_id"] for item in self.items(user, **query)]


@pytest.fixture
def shop(own: Home) -> Iterator[Shop]:
    running = Shop(own)
    yield running
    running.provider.stop()


def test_excluded_products_are_in_no_list(shop: Shop) -> None:
    before = shop.ids()
    shop.rule("exclude", {"products": before[:2]})
    assert shop.ids()[:6] == before[2:] and len(shop.ids()) == 8
    assert shop.items()[0]["merchandising"] == []
    similar = shop.http.get(f"/v1/products/{before[2]}/similar").json()["items"]
    basket = shop.http.post("/v1/basket/recommendations", json={"product_ids": before[2:4]}).json()
    session = {"events": [{"event": "view_item", "product_id": before[2]}]}
    visitor = shop.http.post("/v1/session/recommendations", json=session).json()
    for items in (similar, basket["items"], visitor["items"]):
        assert items and not {i["product"]["product_id"] for i in items} & set(before[:2])


def test_a_pin_takes_its_place_and_says_so(shop: Shop) -> None:
    before = shop.ids()
    other = next(p for p in shop.ids(k=40) if p not in before)
    shop.rule("pin", {"products": [other]}, position=3, name="Of the week")
    assert shop.ids() == [*before[:2], other, *before[2:7]]
    item = shop.items()[2]
    assert item["source"] == "pinned"
    assert item["merchandising"] == [{"rule": "r", "name": "Of the week", "effect": "pin"}]
    assert shop.ids(exclude=other) == before


def test_boost_and_bury_move_what_is_known(shop: Shop) -> None:
    before = shop.ids()
    shop.rule("boost", {"products": [before[5]]}, factor=1000)
    assert shop.ids()[0] == before[5] and set(shop.ids()) == set(before)
    shop.rule("bury", {"products": before[:1]}, id_="s", factor=0.001)
    assert before[0] not in shop.ids()[:2]


def test_groups_get_their_places(shop: Shop) -> None:
    before = shop.items()
    category = before[0]["product"]["category_id"]
    shop.rule("at_most", {"category": [category]}, count=1)
    assert sum(i["product"]["category_id"] == category for i in shop.items()) == 1
    assert len(shop.items()) == 8
    late = shop.ids(k=60)[-3:]
    shop.rule("at_least", {"products": late}, id_="s", count=2)
    assert len(set(shop.ids()) & set(late)) == 2


def test_rules_hold_where_and_when_they_say(shop: Shop) -> None:
    before, other = shop.ids(), shop.ids("user-4")
    segment = shop.http.get(f"/v1/users/{USER}").json()["segment"]["segment_id"]
    segments = shop.http.get("/v1/segments").json()["segments"]
    elsewhere = next(s["segment_id"] for s in segments if s["segment_id"] != segment)
    now = datetime.now(UTC)
    target = {"products": before[:1]}
    for more, state in (
        ({"segments": [elsewhere]}, "active"),
        ({"modes": ["repeat"]}, "active"),
        ({"lists": ["session"]}, "active"),
        ({"enabled": False}, "off"),
        ({"starts": (now + timedelta(hours=1)).isoformat()}, "scheduled"),
        ({"ends": (now - timedelta(hours=1)).isoformat()}, "ended"),
    ):
        shop.rule("exclude", target, **more)
        assert shop.ids() == before, more
        assert shop.http.get("/v1/merchandising/r").json()["state"] == state
    shop.rule("exclude", target, segments=[segment])
    assert before[0] not in shop.ids()
    theirs = shop.http.get("/v1/users/user-4").json()["segment"]["segment_id"]
    assert (shop.ids("user-4") == other) == (theirs != segment or before[0] not in other)


def test_a_preview_saves_nothing(shop: Shop) -> None:
    before = shop.ids()
    rule = {"id": "r", "effect": "exclude", "target": {"products": before[:1]}}
    rule["starts"] = "2090-01-01T00:00:00Z"
    body = {"rule": rule, "user_id": USER, "k": 8}
    found = shop.http.post("/v1/merchandising/preview", json=body).json()
    assert found["before"] == before and found["after"][:7] == before[1:]
    first = {m["product"]["product_id"]: (m["before"], m["after"]) for m in found["moved"]}
    assert first[before[0]] == (1, None) and first[before[1]] == (2, 1)
    assert shop.ids() == before and shop.http.get("/v1/merchandising").json() == {"rules": []}


def test_versions_are_kept_and_what_was_deleted_is_gone(shop: Shop) -> None:
    before = shop.ids()
    shop.rule("exclude", {"products": before[:1]})
    shop.rule("exclude", {"products": before[:1]})
    shop.rule("exclude", {"products": before[:2]})
    versions = shop.http.get("/v1/merchandising/r/history").json()["versions"]
    assert [v["version"] for v in versions] == [2, 1]
    assert versions[1]["rule"]["target"]["products"] == before[:1]
    assert shop.http.delete("/v1/merchandising/r").json() == {"deleted": "r"}
    assert shop.ids() == before
    assert shop.http.get("/v1/merchandising/r").status_code == 404
    assert shop.http.delete("/v1/merchandising/r").status_code == 404


@pytest.mark.parametrize(
    ("effect", "target", "more", "field"),
    [
        ("exclude", {}, {}, "target"),
        ("exclude", {"products": ["nowhere"]}, {}, "target"),
        ("exclude", {"category": ["nowhere"]}, {}, "target"),
        ("exclude", {"min_price": 2, "max_price": 1}, {}, "target"),
        ("boost", {"min_price": 1}, {}, "factor"),
        ("boost", {"min_price": 1}, {"factor": 0.5}, "factor"),
        ("bury", {"min_price": 1}, {"factor": 2}, "factor"),
        ("at_most", {"min_price": 1}, {}, "count"),
        ("pin", {"min_price": 1}, {}, "target"),
        ("exclude", {"min_price": 1}, {"count": 1}, "count"),
        ("boost", {"min_price": 1}, {"factor": 2, "lists": ["basket"]}, "lists"),
        ("exclude", {"min_price": 1}, {"segments": ["nowhere"]}, "target"),
        ("exclude", {"min_price": 1}, {"starts": 0}, "starts"),
    ],
)
def test_what_is_no_rule_is_refused_in_words(
    shop: Shop, effect: str, target: Any, more: Any, field: str
) -> None:
    found = shop.put(effect, target, **more)
    assert found.status_code == 422
    assert field in found.json()["detail"], found.text
    assert shop.http.get("/v1/merchandising").json() == {"rules": []}


def test_a_rule_of_another_build_rests_and_says_why(shop: Shop) -> None:
    gone = {"id": "gone", "effect": "exclude", "target": {"category": ["of-last-year"]}}
    before = shop.ids()
    shop.house.desk.put(parse(gone))
    shop.now = 10.0
    assert shop.ids() == before
    (told,) = shop.http.get("/v1/merchandising").json()["rules"]
    assert "of-last-year" in told["problem"]


def test_another_process_follows_within_a_second_and_a_broken_file_changes_nothing(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    other = Shop(shop.home)
    before = shop.ids()
    other.rule("exclude", {"products": before[:1]})
    assert shop.ids() == before
    shop.now = 0.6
    assert before[0] not in shop.ids()
    (shop.home.path / "merchandising.json").write_text("{")
    shop.now = 1.2
    assert before[0] not in shop.ids()
    shop.now = 1.8
    assert shop.ids() and caplog.text.count("restore the file from a backup") == 1
    assert other.put("exclude", {"products": before[:1]}).status_code == 500
    other.provider.stop()


def test_the_command_line(own: Home, tmp_path: Any) -> None:
    found = coterie("recommend", USER, "--home", own.path, "--json").json["items"]
    first = found[0]["product"]["product_id"]
    file = tmp_path / "rule.toml"
    file.write_text(f'id = "r"\neffect = "exclude"\n[target]\nproducts = ["{first}"]\n')
    at = ("--home", own.path)
    tried = coterie("merchandising", "preview", file, USER, *at, "--json").json
    assert tried["before"][0] == first not in tried["after"]
    assert coterie("merchandising", "put", file, *at).code == 0
    (listed,) = coterie("merchandising", "list", *at, "--json").json
    assert (listed["id"], listed["state"]) == ("r", "active")
    after = coterie("recommend", USER, *at, "--json").json["items"]
    assert first not in {item["product"]["product_id"] for item in after}
    assert "Versions" in coterie("merchandising", "show", "r", *at).out
    assert coterie("merchandising", "delete", "r", *at).out == "deleted r\n"
    file.write_text('id = "r"\neffect = "boost"\n[target]\nproducts = ["x"]\n')
    refused = coterie("merchandising", "put", file, *at)
    assert refused.code == 4 and "factor: boost needs one" in refused.err
