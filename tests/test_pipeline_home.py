"""Publishing is one step, a killed build leaves nothing in the way, one build runs at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.errors import SnapshotMissing, StoreUnavailable
from pipeline.home import Home, write_atomically


def finish(home: Home, build: str) -> None:
    with home.staged(build) as folder:
        (folder / "manifest.json").write_text("{}")


def test_nothing_is_published_at_first(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissing, match="coterie build --home"):
        Home(tmp_path).current()
    assert Home(tmp_path).builds() == []


def test_published_build_is_found_and_rolled_back(tmp_path: Path) -> None:
    home = Home(tmp_path)
    finish(home, "b1")
    finish(home, "b2")
    home.publish("b2")
    assert home.snapshot() == tmp_path / "snapshots" / "b2"
    home.publish("b1")
    assert home.current() == "b1"
    assert home.builds() == ["b1", "b2"]


def test_a_build_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(RuntimeError), home.staged("b1") as folder:
        (folder / "manifest.json").write_text("{}")
        raise RuntimeError
    assert home.builds() == [] and not list(home.snapshots.iterdir())


def test_a_killed_build_is_swept_away_by_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path)
    left = home.snapshots / ".b0.xyz.staged"
    left.mkdir(parents=True)
    (left / "manifest.json").write_text("{}")
    assert home.builds() == []
    finish(home, "b1")
    assert not left.exists() and home.builds() == ["b1"]


def test_only_finished_builds_can_be_published(tmp_path: Path) -> None:
    home = Home(tmp_path)
    finish(home, "b1")
    with pytest.raises(SnapshotMissing, match="there are: b1"):
        home.publish("b2")


def test_prune_keeps_the_newest_and_the_published(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for build in ("b1", "b2", "b3", "b4"):
        finish(home, build)
    home.publish("b1")
    assert home.prune(2) == ["b2"]
    assert home.builds() == ["b1", "b3", "b4"]


def test_two_builds_do_not_run_at_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with (
        home.building(),
        pytest.raises(StoreUnavailable, match="another build is running"),
        home.building(),
    ):
        pass
    with home.building():
        pass


def test_write_atomically_replaces_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, "one")
    write_atomically(path, "two")
    assert path.read_text() == "two" and list(path.parent.iterdir()) == [path]
