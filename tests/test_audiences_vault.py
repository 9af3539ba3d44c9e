"""What is kept of audiences: versions, history, exports and who is in none."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from audience_shop import defined

from audiences.vault import Vault
from loaders.errors import AudienceError, UnknownAudience

BOUGHT = {"kind": "bought"}


def ids(*names: str) -> pl.Series:
    return pl.Series("id", names, pl.String)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "kept" / "audiences.sqlite", keep=2)


def test_nothing_is_written_by_asking(vault: Vault) -> None:
    assert vault.audiences() == {} and vault.suppressed() == [] and vault.history("a") == []
    assert not vault.path.exists()
    with pytest.raises(UnknownAudience, match="no audience 'a'; there are: none"):
        vault.versions("a")


def test_every_changed_definition_is_a_version(vault: Vault) -> None:
    first, second = defined(BOUGHT, "a"), defined({**BOUGHT, "times": 2}, "a")
    assert [vault.save(d).version for d in (first, first, second, first)] == [1, 1, 2, 3]
    assert [s.definition for s in vault.versions("a")] == [first, second, first]
    vault.save(defined(BOUGHT, "b"))
    assert [(n, s.version) for n, s in vault.audiences().items()] == [("a", 3), ("b", 1)]


def test_history_counts_who_came_and_went(vault: Vault) -> None:
    saved = vault.save(defined(BOUGHT, "a"))
    vault.refresh(saved, "b1", ids("x", "y", "z"), 30.0)
    vault.refresh(saved, "b2", None, 0.0, "no segment s-9")
    vault.refresh(saved, "b3", ids("y", "v"), 12.5)
    lines = [(h.build, h.size, h.spend, h.added, h.removed, h.net) for h in vault.history("a")]
    assert lines == [
        ("b1", 3, 30.0, None, None, None),
        ("b2", None, None, None, None, None),
        ("b3", 2, 12.5, 1, 2, -1),
    ]
    assert vault.history("a")[1].problem == "no segment s-9"


def test_members_of_old_refreshes_are_let_go(vault: Vault) -> None:
    saved = vault.save(defined(BOUGHT, "a"))
    for build in range(4):
        vault.refresh(saved, f"b{build}", ids("x"), 1.0)
    with sqlite3.connect(vault.path) as connection:
        kept = connection.execute(
            "SELECT build FROM refreshes WHERE members IS NOT NULL"
        ).fetchall()
    connection.close()
    assert kept == [("b2",), ("b3",)]
    assert len(vault.history("a")) == 4


def test_what_others_refer_to_is_not_deleted(vault: Vault) -> None:
    vault.save(defined(BOUGHT, "a"))
    vault.save(defined({"kind": "not", "of": {"kind": "audience", "name": "a"}}, "b"))
    with pytest.raises(AudienceError, match="a: b refer to it; change or delete them first"):
        vault.delete("a")
    vault.delete("b")
    vault.delete("a")
    assert vault.audiences() == {}


def test_the_suppression_list(vault: Vault) -> None:
    before = vault.state()
    assert vault.suppress(["x", "y", "x"]) == 2 and vault.suppress(["y"]) == 0
    assert vault.suppressed() == ["x", "y"] and vault.state() != before
    assert vault.allow(["x", "nobody"]) == 1
    assert vault.barred(ids("x", "y", "z")).to_list() == ["y"]


def test_erased_customers_leave_everything_kept(vault: Vault) -> None:
    saved = vault.save(defined(BOUGHT, "a"))
    vault.suppress(["forgotten-1228"])
    vault.refresh(saved, "b1", ids("forgotten-1228", "y"), 1.0)
    vault.exported(saved, "b1", ids("forgotten-1228", "y"), "csv", ["user_id"])
    assert vault.erase(["forgotten-1228"]) == 1 and vault.erase(["forgotten-1228"]) == 0
    assert b"forgotten-1228" not in vault.path.read_bytes()
    assert vault.exports("b1")[0].members.to_list() == ["y"]
    # A later load may bring the id back; no audience does.
    assert vault.barred(ids("forgotten-1228", "y")).to_list() == ["forgotten-1228"]
    vault.refresh(saved, "b2", ids("y"), 1.0)
    assert vault.history("a")[1].removed == 0


def test_half_a_change_is_none(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.save(defined(BOUGHT, "a"))

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("audiences.vault._without", killed)
    with pytest.raises(KeyboardInterrupt):
        vault.erase(["x"])
    assert vault.barred(ids("x")).to_list() == []
    assert list(vault.audiences()) == ["a"]
