"""Hold-outs of campaigns: who is left alone, and what the others did beyond them."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from shops import Ran, coterie
from starlette.testclient import TestClient

from api.app import create_app
from api.trials import Trials
from audiences.config import AudiencesConfig
from audiences.definition import parse
from audiences.holdout import HoldOut
from events.config import EventsConfig
from events.deliver import deliver
from events.event import ShopEvent
from events.queue import EventQueue, queue_file
from experiments.assign import held_out
from experiments.config import ExperimentsConfig
from loaders.errors import OptionError
from pipeline.audiences import Desk
from pipeline.campaigns import Campaigns
from pipeline.experiments import ExperimentDesk
from pipeline.home import Home

SENT = datetime(2030, 1, 1, tzinfo=UTC)
NOBODY = {"kind": "not", "of": {"kind": "bought", "times": 10_000}}


@pytest.fixture
def desk(own: Home) -> Desk:
    desk = Desk(own, AudiencesConfig())
    desk.save(parse({"name": "all", "where": NOBODY}))
    return desk


def exported(desk: Desk, held: HoldOut) -> pl.DataFrame:
    return pl.read_csv(io.BytesIO(b"".join(desk.export("all", "csv", held=held))))


def held(share: float = 0.3, *, mark: bool = False, sent: datetime = SENT) -> HoldOut:
    return HoldOut("spring", share, mark, sent)


def test_the_same_are_held_out_each_time(desk: Desk) -> None:
    everybody = set(desk.members("all", limit=1_000).rows["user_id"])
    left = set(exported(desk, held())["user_id"])
    assert everybody - left == {u for u in everybody if held_out("spring", u, 0.3)}
    assert 40 < len(everybody - left) < 80
    marked = exported(desk, held(mark=True))
    assert set(marked["user_id"]) == everybody
    assert set(marked.filter("held_out")["user_id"]) == everybody - left


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: HoldOut("Spring sale", 0.1, False, SENT), "is no name"),
        (lambda: held(1.0), "between 0 and 1"),
        (lambda: held(sent=datetime(1, 1, 1, tzinfo=UTC)), "this age"),
    ],
)
def test_what_cannot_be_held_out(wrong: object, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        wrong()  # type: ignore[operator]


def test_too_few_are_not_told_of_and_a_campaign_keeps_its_share(desk: Desk) -> None:
    with pytest.raises(OptionError, match="fewer than 20 customers would be held out"):
        exported(desk, held(0.01))
    exported(desk, held(0.3))
    with pytest.raises(OptionError, match=r"spring holds out 0\.3"):
        exported(desk, held(0.5))


def test_what_a_campaign_changed(desk: Desk, own: Home, tmp_path: Path) -> None:
    def run(*words: str | Path) -> Ran:
        return coterie(*words, "--home", own.path)

    assert "there is no campaign" in run("campaigns", "list").err
    file = tmp_path / "spring.csv"
    export = ("audiences", "export", "all", "--output", file, "--campaign", "spring")
    assert run(*export, "--holdout", "0.3", "--sent", "2030-01-01").code == 0
    assert (
        run(*export, "--holdout", "0.3", "--sent", "2030-02-01").code == 0
    )  # later: the first counts
    reached = pl.read_csv(file)["user_id"].to_list()
    resting = [u for u in desk.members("all", limit=1_000).rows["user_id"] if u not in reached]
    day = int((SENT + timedelta(days=1)).timestamp() * 1e6)
    buyers = [*reached[:100], *resting[:2]]
    with EventQueue(queue_file(own.path)) as queue:
        queue.append([ShopEvent(u, "purchase", u, "product-1", day, value=5.0) for u in buyers])
        deliver(queue, own.store, EventsConfig())
    (listed,) = run("campaigns", "list", "--json").json
    assert (listed["audiences"], listed["customers"], listed["share"]) == (["all"], 200, 0.3)
    found = run("campaigns", "results", "spring", "--json").json
    groups = {g["variant"]: g for g in found["results"]["variants"]}
    assert (groups["campaign"]["units"], groups["campaign"]["converted"]) == (len(reached), 100)
    assert (groups["holdout"]["units"], groups["holdout"]["converted"]) == (len(resting), 2)
    assert groups["holdout"]["clicked"] is None
    assert [c["metric"] for c in found["results"]["comparisons"]] == ["conversion", "revenue"]
    # 500 were spent by those it reached; as much as the held out spend each would be expected.
    gain = 500 - 10 / len(resting) * len(reached)
    assert found["incremental_revenue"]["value"] == pytest.approx(gain)
    told = run("campaigns", "results", "spring").out
    assert "campaign makes more visitors buy than holdout." in told
    assert "revenue beyond what would have come" in told
    brief = run("campaigns", "results", "spring", "--days", "0.5", "--json").json
    assert [g["converted"] for g in brief["results"]["variants"]] == [0, 0]
    desk.vault.erase(reached[:1])
    assert Campaigns(own, ExperimentsConfig()).all()[0].customers == 199
    assert run("campaigns", "delete", "spring").code == 0
    assert run("campaigns", "results", "spring").code == 8


def test_campaigns_over_http(desk: Desk, own: Home) -> None:
    trials = Trials(ExperimentDesk(own, ExperimentsConfig()), lambda build: None)
    http = TestClient(create_app(lambda: None, desk=desk, trials=trials))  # type: ignore[arg-type, return-value]
    path, csv = "/v1/audiences/all/members", {"Accept": "text/csv"}
    asked = {"campaign": "spring", "holdout": "0.3", "sent": "2030-01-01T00:00:00Z"}
    assert http.get(path, params=asked).status_code == 422  # pages are for looking
    got = http.get(path, params={**asked, "mark": "true"}, headers=csv)
    assert got.status_code == 200 and got.text.startswith("user_id,held_out\n")
    (one,) = http.get("/v1/campaigns").json()["campaigns"]
    assert (one["name"], one["first"], one["customers"]) == ("spring", "2030-01-01T00:00:00Z", 200)
    profile = http.get("/v1/campaigns/spring").json()
    assert sum(g["units"] for g in profile["results"]["variants"]) == 200
    assert profile["incremental_revenue"] is None
    assert http.get("/v1/campaigns/autumn").status_code == 404
    wrong = http.get(path, params={**asked, "campaign": "no such name"}, headers=csv)
    assert wrong.json()["errors"][0]["field"] == "query.campaign"
    assert http.delete("/v1/campaigns/spring").json() == {"deleted": "spring"}
