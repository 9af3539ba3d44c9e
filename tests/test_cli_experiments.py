"""``coterie experiments``: from a file to a finding."""

from __future__ import annotations

from pathlib import Path

from shops import coterie

from events.config import EventsConfig
from events.deliver import deliver
from events.event import ShopEvent
from events.queue import EventQueue, queue_file
from experiments.assign import place
from experiments.config import ExperimentsConfig
from experiments.ledger import Touch
from pipeline.experiments import ExperimentDesk
from pipeline.home import Home

TEXT = """
id = "home"
modes = ["all"]

[[variants]]
id = "control"

[[variants]]
id = "discover"
override = { mode = "discover" }
"""


def test_from_a_file_to_a_finding(own: Home, tmp_path: Path) -> None:
    file = tmp_path / "home.toml"
    file.write_text(TEXT)

    def run(*words: str | Path) -> str:
        done = coterie("experiments", *words, "--home", own.path)
        assert done.code == 0, done.err
        return done.out + done.err

    assert "there is no experiment" in run("list")
    assert "draft" in run("create", file)
    file.write_text(TEXT + 'hypothesis = "yes"\n')
    wrong = coterie("experiments", "create", file, "--home", own.path)
    assert wrong.code == 4 and "hypothesis" in wrong.err  # it is now a part of the last variant
    assert "running" in run("start", "home")
    assert "Nobody was exposed yet." in run("results", "home")
    users = [f"user-{i}" for i in range(200)]
    desk, now = ExperimentDesk(own, ExperimentsConfig()), 1_900_000_000_000_000
    sides = {u: ("control", "discover")[place("home", u, (1, 1))] for u in users}
    desk.note([Touch("home", side, u, now) for u, side in sides.items()])
    bought = [u for u, side in sides.items() if side == "discover"][:80]
    with EventQueue(queue_file(own.path)) as queue:
        queue.append([ShopEvent(u, "purchase", u, "product-1", now + 1, value=3.0) for u in bought])
        deliver(queue, own.store, EventsConfig())
    told = run("results", "home")
    assert "discover makes more visitors buy than control." in told
    assert "0.00% (0.00%" in told and "as they should be" in told
    (row,) = coterie("experiments", "list", "--home", own.path, "--json").json
    assert (row["state"], row["units"]) == ("running", 200)
    found = coterie("experiments", "results", "home", "--home", own.path, "--json").json
    assert [g["revenue"] for g in found["variants"]] == [0.0, 3.0 * len(bought)]
    shown = coterie("experiments", "show", "home", "--home", own.path, "--json").json
    assert shown["versions"][0]["definition"]["modes"] == ["all"]
    assert '"discover"' in run("show", "home")
    assert coterie("experiments", "delete", "home", "--home", own.path).code == 4
    assert "stopped" in run("stop", "home")
    assert "deleted home" in run("delete", "home")
    assert coterie("experiments", "show", "home", "--home", own.path).code == 8


def test_a_plan() -> None:
    plan = ("experiments", "plan", "--baseline", "0.04")
    told = coterie(*plan, "--per-day", "10000").out
    assert "75,582 visitors a variant, 151,164 in all, 15.1 days" in told and "39,473" in told
    assert coterie(*plan, "--json").json["fixed_units_per_variant"] == 39473
    wrong = coterie(*plan, "--power", "2")
    assert wrong.code == 4 and "power: Input should be less than" in wrong.err
