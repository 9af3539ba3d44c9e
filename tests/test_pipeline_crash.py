"""Builds that are killed or interrupted: what was published serves on, a rerun completes."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from shops import config_of, coterie, process

from pipeline.build import build as run
from pipeline.home import Home
from pipeline.snapshot import Snapshot

SLOW = """
[gnn]
epochs = 15
dim = 16
patience = 15

[evaluation]
bootstrap = 50
window_days = 30

[segments]
runs = 2
resolutions = [0.5, 1.0]
"""


def started(home: Home, sign: str) -> subprocess.Popen[str]:
    """A build that has said ``sign`` on stderr."""
    build = process(["build", "--home", home.path, "--json"])
    assert build.stderr is not None
    for line in build.stderr:
        if line.startswith(sign):
            return build
    raise AssertionError(f"the build ended without {sign!r}")


def serves(home: Home, build: str) -> None:
    assert home.current() == build
    Snapshot.load(home.snapshot())
    ran = coterie("recommend", "user-3", "--k", "5", "--home", home.path, "--json")
    assert (ran.code, ran.json["build"], len(ran.json["items"])) == (0, build, 5)


def left_over(home: Home) -> list[str]:
    return [p.name for p in home.snapshots.iterdir() if p.name.startswith(".")]


@pytest.fixture
def slow(own: Home) -> Home:
    """A home whose encoder takes its time."""
    (own.path / "coterie.toml").write_text(SLOW)
    return own


@pytest.mark.parametrize(
    ("sign", "wait"),
    [
        ("train encoder", 0.1),
        ("rules", 0.0),
        ("write back", 0.05),
    ],
)
def test_killed_at_any_moment(own: Home, sign: str, wait: float) -> None:
    before = own.current()
    build = started(own, sign)
    time.sleep(wait)
    build.kill()
    build.communicate()
    if build.returncode == -signal.SIGKILL:
        serves(own, own.current())  # the old one, unless the last step was already done
        assert sign == "write back" or own.current() == before
    assert coterie("cypher", "MATCH (u:User) RETURN count(u)", "--home", own.path).code == 0
    again = coterie("build", "--home", own.path, "--json")
    assert again.code == 0, again.err
    serves(own, again.json["build"])
    assert again.json["build"] != before
    assert left_over(own) == [] and not own.work.exists()
    marks = coterie(
        "cypher", "MATCH ()-[e:MAY_LIKE]->() RETURN DISTINCT e.build", "--home", own.path, "--json"
    )
    assert marks.json["rows"] == [[again.json["build"]]]


def test_interrupted_it_says_so_and_goes_on_from_its_checkpoint(slow: Home) -> None:
    before = slow.current()
    build = started(slow, "train encoder")
    deadline = time.monotonic() + 30
    while not (slow.work / "validation.checkpoint").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    build.send_signal(signal.SIGINT)
    out, err = build.communicate(timeout=60)
    assert (build.returncode, out) == (130, "")
    assert "interrupted; run the same command again to go on" in err and "Traceback" not in err
    serves(slow, before)
    assert [p.name for p in slow.work.iterdir()] == ["validation.checkpoint"]

    stages: list[str] = []

    run(slow, config_of(slow), lambda stage, done, total: stages.append(stage))
    resumed = [s for s in stages if "resuming after epoch" in s]
    assert len(resumed) == 1 and resumed[0].endswith("from validation.checkpoint")
    assert slow.current() != before and not slow.work.exists()
