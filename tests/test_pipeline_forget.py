"""Erasing a customer: out of every part at once, out of every build that is still served."""

from __future__ import annotations

from pathlib import Path

import pytest
from shops import config_of, coterie
from starlette.testclient import TestClient

from api.access.audit import Audit, audit_file
from api.app import create_app
from api.provider import SnapshotProvider
from audiences.vault import Vault
from events.event import ShopEvent
from events.queue import EventQueue, queue_file
from graph.open import open_store
from loaders.errors import StoreUnavailable, UnknownUser
from pipeline.audiences import audiences_file
from pipeline.forget import forget_user
from pipeline.forgotten import Forgotten
from pipeline.home import Home

WHO = "user-3"


def _event(user: str, number: int) -> ShopEvent:
    return ShopEvent(f"x{number}", "purchase", user, "product-1", 1, 1.0, 2.0, None, "s1", None)


def test_a_customer_is_gone_from_every_part_at_once(own: Home) -> None:
    provider = SnapshotProvider(own, "shop")
    provider.refresh()
    config = config_of(own)
    Vault(audiences_file(own)).suppress([WHO, "user-4"])
    with EventQueue(queue_file(own.path)) as queue:
        queue.append([_event(WHO, 1), _event("user-4", 2)])
    app = create_app(provider, eraser=lambda user: forget_user(own, config, user))
    with TestClient(app) as client:
        segment = client.get(f"/v1/users/{WHO}").json()["segment"]["segment_id"]
        before = client.get(f"/v1/segments/{segment}/users").json()["total"]
        gone = client.delete(f"/v1/users/{WHO}")
        assert gone.status_code == 200, gone.text
        assert gone.json()["events"] == 1 and gone.json()["edges"] > 20
        for path in (
            f"/v1/users/{WHO}",
            f"/v1/customers/{WHO}",
            f"/v1/customers/{WHO}/profile",
            f"/v1/users/{WHO}/timeline",
        ):
            assert client.get(path).status_code == 404, path
        listed = client.get(f"/v1/users/{WHO}/recommendations").json()
        assert not listed["user_known"] and listed["items"]
        assert WHO not in [
            u["user_id"] for u in client.get("/v1/users?search=user-3").json()["users"]
        ]
        members = client.get(f"/v1/segments/{segment}/users?limit=1000").json()
        assert members["total"] == before - 1
        assert WHO not in {u["user_id"] for u in members["users"]}
        points = client.get("/v1/customer-map").json()["points"]
        assert points and WHO not in {p["user_id"] for p in points}
        assert client.delete(f"/v1/users/{WHO}").status_code == 404
    provider.stop()
    with open_store(own.store, read_only=True) as store:
        asked = store.query("MATCH (u:User) WHERE u.id IN $ids RETURN u.id AS id", {"ids": [WHO]})
        assert not asked.num_rows
    assert Vault(audiences_file(own)).suppressed() == ["user-4"]
    with EventQueue(queue_file(own.path)) as queue:
        assert [event.user_id for _, event in queue.waiting(9)] == ["user-4"]
    assert WHO.encode() + b"product" not in queue_file(own.path).read_bytes()


def test_the_command_erases_and_is_audited(own: Home) -> None:
    ran = coterie("forget", WHO, "--home", own.path, "--json")
    assert ran.code == 0 and ran.json["edges"] > 20
    (line,) = Audit(audit_file(own.path)).lines()
    assert (line["method"], line["path"]) == ("FORGET", f"/v1/users/{WHO}")
    again = coterie("forget", WHO, "--home", own.path)
    assert again.code != 0 and "no customer has the id" in again.err


def test_nothing_changes_while_a_build_runs_or_waits(own: Home) -> None:
    config = config_of(own)
    with own.building(), pytest.raises(StoreUnavailable, match="another build is running"):
        forget_user(own, config, WHO)
    own.unwritten.mkdir()
    with pytest.raises(StoreUnavailable, match="coterie writeback"):
        forget_user(own, config, WHO)
    own.unwritten.rmdir()
    with pytest.raises(UnknownUser):
        forget_user(own, config, "nobody")
    assert not Forgotten(own.path / "forgotten.jsonl").ids


def test_the_list_is_of_those_erased_since_a_build_was_read(tmp_path: Path) -> None:
    path, clock = tmp_path / "forgotten.jsonl", iter(range(100))
    early, late = (Forgotten(path, at, lambda: next(clock)) for at in (0.0, 1e12))
    assert early.ids == frozenset()
    Forgotten(path).add("ann")
    assert (early.ids, late.ids) == ({"ann"}, frozenset())
    Forgotten(path).prune(1e12)
    assert early.ids == frozenset()
