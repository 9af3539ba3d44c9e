"""Audiences over a built shop: saved, refreshed, compared, exported, never telling too much."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pytest
from shops import config_of

from audiences.config import AudiencesConfig
from audiences.definition import Definition, parse
from loaders.errors import AudienceError, AudienceTooSmall, ConfigError, SnapshotMissing
from loaders.synthetic import Planted
from pipeline.audience_tables import closed_to
from pipeline.audiences import Desk
from pipeline.build import read_home
from pipeline.home import Home
from pipeline.snapshot import Snapshot

AISLE = {"kind": "bought", "category": "aisle-1", "times": 3}
YOUNG = {"kind": "attribute", "name": "age", "any_of": "18-29"}


def asked(name: str, where: dict[str, Any]) -> Definition:
    return parse({"name": name, "where": where})


def buyers(planted: Planted, orders: int, prefix: str = "aisle-1/") -> set[str]:
    """Customers with so many orders that hold something of the aisle, counted by a join."""
    data = planted.dataset
    lines = data.events.join(data.products, on="product_id")
    counts = (
        lines.filter(pl.col("category_id").str.starts_with(prefix))
        .group_by("user_id")
        .agg(pl.col("order_id").n_unique().alias("orders"))
    )
    return set(counts.filter(pl.col("orders") >= orders)["user_id"])


@pytest.fixture
def desk(own: Home) -> Desk:
    return Desk(own, AudiencesConfig())


def test_a_build_keeps_what_audiences_ask_for(built: Home, planted: Planted) -> None:
    desk = Desk(built, AudiencesConfig())
    tables = desk.evaluator().tables
    shop = read_home(built)
    assert len(tables.events) == len(shop.graph)
    assert tables.events.now == int(shop.graph.last_day * 86_400 + 1e-3)
    mask = desk.evaluator().members(desk.plan(asked("a", AISLE)))
    assert set(tables.users.ids.filter(pl.Series(mask))) == buyers(planted, 3)
    # Lists are those that the build wrote into the graph.
    assert tables.liked.shape[1] == config_of(built).snapshots.liked
    assert tables.vectors.shape[0] == len(tables)


def test_saved_audiences_have_versions_history_and_members(desk: Desk, planted: Planted) -> None:
    saved, told = desk.save(asked("aisle", AISLE))
    members = buyers(planted, 3)
    assert (saved.version, told.size) == (1, len(members))
    assert desk.save(asked("aisle", {**AISLE, "times": 1}))[0].version == 2
    desk.vault.suppress([min(members)])
    desk.refresh()
    first, second, third = desk.history("aisle")
    assert (first.size, first.added, second.version) == (len(members), None, 2)
    assert second.size == len(buyers(planted, 1)) and second.removed == 0
    assert second.size - first.size == second.added == second.net
    assert third.net == -1
    page = desk.members("aisle", 5, 10, ["user_id", "spend"])
    assert page.total == third.size and page.rows.shape == (10, 2)
    exported = pl.read_parquet(io.BytesIO(b"".join(desk.export("aisle", "parquet"))))
    assert set(exported["user_id"]) == buyers(planted, 1) - {min(members)}


def test_what_changes_elsewhere_is_told_before_it_is_saved(desk: Desk, planted: Planted) -> None:
    desk.save(asked("aisle", AISLE))
    desk.save(asked("rest", {"kind": "not", "of": {"kind": "audience", "name": "aisle"}}))
    few, many = len(buyers(planted, 3)), len(buyers(planted, 1))
    changes = desk.diff(asked("aisle", {**AISLE, "times": 1}))
    assert [(c.name, c.before, c.after, c.added, c.removed) for c in changes] == [
        ("aisle", few, many, many - few, 0),
        ("rest", 200 - few, None if 200 - many < 20 else 200 - many, 0, many - few),
    ]
    assert desk.show("aisle").used_by == ("rest",)
    with pytest.raises(AudienceError, match="in a circle: aisle > rest > aisle"):
        desk.save(asked("aisle", {"kind": "audience", "name": "rest"}))
    with pytest.raises(AudienceError, match="there is no version 7; there are: 1"):
        desk.diff(asked("aisle", AISLE), 7)


def test_audiences_that_rest_on_a_segment_are_found(desk: Desk) -> None:
    desk.save(asked("a", {"kind": "segment", "any_of": "segment-1"}))
    desk.save(asked("b", {"kind": "not", "of": {"kind": "audience", "name": "a"}}))
    desk.save(asked("c", {"kind": "segment", "any_of": "segment-2"}))
    assert [one.saved.name for one in desk.listed("segment-1")] == ["a", "b"]
    assert [one.saved.name for one in desk.listed()] == ["a", "b", "c"]


def test_too_few_are_neither_listed_nor_exported(desk: Desk) -> None:
    few = {"kind": "similar", "users": ["user-1"], "top": 19}
    assert desk.save(asked("few", few))[1].size is None
    assert desk.show("few").last is not None and desk.history("few")[0].size is None
    for call in (desk.members, lambda name: desk.export(name, "csv")):
        with pytest.raises(AudienceTooSmall, match="fewer than 20 customers are in it"):
            call("few")


def test_two_exports_do_not_tell_of_the_few_between_them(desk: Desk) -> None:
    like = {"kind": "similar", "users": ["user-1"], "top": 60}
    desk.save(asked("sixty", like))
    desk.save(asked("fifty", {**like, "top": 50}))
    desk.save(asked("thirty", {**like, "top": 30}))
    assert len(b"".join(desk.export("sixty", "csv")).splitlines()) == 61
    with pytest.raises(AudienceTooSmall, match=r"fewer than 20 .* apart from sixty \(version 1\)"):
        desk.export("fifty", "csv")
    with pytest.raises(AudienceTooSmall):
        desk.members("fifty")
    assert desk.members("thirty").total == 30
    assert desk.members("sixty").total == 60
    # An edit that moves few is told in steps, as it would tell of them.
    desk.save(asked("sixty", {**like, "top": 66}))
    assert [(h.size, h.added) for h in desk.history("sixty")] == [(60, None), (60, None)]
    (change,) = desk.diff(asked("sixty", {**like, "top": 70}))
    assert (change.before, change.after, change.added) == (60, 60, None)
    loose = Desk(desk._home, AudiencesConfig(differences=False))
    assert loose.members("fifty").total == 50


def test_an_audience_that_cannot_be_evaluated_holds_up_no_other(desk: Desk) -> None:
    desk.save(asked("young", YOUNG))
    desk.vault.save(asked("gone", {"kind": "segment", "any_of": "segment-99"}))
    desk.vault.save(asked("after", {"kind": "audience", "name": "gone"}))
    lines = {one.saved.name: one.last for one in desk.refresh()}
    assert lines["gone"] is not None and "no segment 'segment-99'" in lines["gone"].problem
    assert lines["after"] is not None and lines["after"].problem
    assert lines["young"] is not None and lines["young"].size is not None
    assert desk.estimate(asked("other", AISLE)).size is not None


def test_consent_is_asked_for_where_the_settings_say_so() -> None:
    users = pl.DataFrame(
        {
            "user_id": list("abcde"),
            "anonymous": [False, False, False, False, True],
            "agreed": ["Yes", "no", None, "1", "1"],
        }
    )
    assert closed_to(users, ["d"], "agreed").to_list() == [
        *(None, "no consent", "no consent", "suppressed", "anonymous")
    ]
    assert closed_to(users, []).to_list() == [None] * 4 + ["anonymous"]
    with pytest.raises(
        ConfigError, match="'mailing', which is no attribute of users; there are: agreed"
    ):
        closed_to(users, [], "mailing")


def test_a_snapshot_of_before_audiences_says_to_build_again(own: Home) -> None:
    (Snapshot.load(own.snapshot()).folder / "audiences" / "liked.npy").unlink()
    with pytest.raises(SnapshotMissing, match="build again"):
        Desk(own, AudiencesConfig()).evaluator()
