"""``coterie audiences``: what the commands print and write, over a built shop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shops import coterie

from pipeline.home import Home

LAPSED = """
name = "lapsed"
title = "Lapsed in aisle 1"
where = {kind = "all", of = [
  {kind = "bought", category = "aisle-1", times = 2},
  {kind = "not_bought", category = "aisle-1", days = 10},
]}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("COTERIE_HOME", "COTERIE_CONFIG", "COTERIE_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "lapsed.toml"
    path.write_text(LAPSED)
    return path


def test_the_way_from_a_file_to_an_export(file: Path, own: Home, tmp_path: Path) -> None:
    home = ("--home", own.path)
    told = coterie("audiences", "estimate", file, *home, "--json").json
    assert told["size"] > 20
    made = coterie("audiences", "create", file, *home, "--json").json
    assert made == {"name": "lapsed", "version": 1, "estimate": told}
    assert coterie("audiences", "estimate", "lapsed", *home, "--json").json == told
    shown = coterie("audiences", "show", "lapsed", *home, "--json").json
    assert [line["size"] for line in shown["history"]] == [told["size"]]
    page = coterie("audiences", "members", "lapsed", "--k", "3", *home, "--json").json
    assert page["total"] == told["size"] and len(page["members"]) == 3
    first = page["members"][0]["user_id"]
    output = tmp_path / "out.csv"
    columns = ("--column", "user_id", "--column", "spend")
    ran = coterie("audiences", "export", "lapsed", "--output", output, *columns, *home, "--json")
    lines = output.read_text().splitlines()
    assert ran.json == {"file": str(output), "bytes": output.stat().st_size}
    assert lines[0] == "user_id,spend" and len(lines) == told["size"] + 1
    assert lines[1].startswith(f"{first},") and not list(tmp_path.glob(".*"))
    assert coterie("audiences", "suppress", first, *home, "--json").json["changed"] == 1
    changes = coterie("audiences", "refresh", *home, "--json").json
    assert changes[0]["last"]["removed"] == 1
    why = coterie("audiences", "explain", "lapsed", first, *home)
    assert why.out.splitlines()[0] == f"{first} is not in lapsed (suppressed)"
    assert "yes  bought category aisle-1 at least 2 times   [times" in why.out


def test_the_cypher_shown_is_run_by_the_cypher_command(file: Path, own: Home) -> None:
    home = ("--home", own.path)
    coterie("audiences", "create", file, *home)
    query = coterie("audiences", "show", "lapsed", "--cypher", *home).out
    found = coterie("cypher", query, *home, "--json").json
    total = coterie("audiences", "members", "lapsed", *home, "--json").json["total"]
    assert len(found["rows"]) == total


def test_tables_for_people(file: Path, own: Home) -> None:
    home = ("--home", own.path)
    assert "saved lapsed as version 1" in coterie("audiences", "create", file, *home).out
    file.write_text(LAPSED.replace("days = 10", "days = 30"))
    assert "What changes" in coterie("audiences", "diff", file, *home).out
    for command, words in (
        (("list",), "Lapsed in aisle 1"),
        (("list", "--segment", "segment-1"), "Audiences"),
        (("show", "lapsed"), "History"),
        (("members", "lapsed"), "members"),
        (("refresh", "lapsed"), "lapsed"),
        (("suppress", "user-7"), "1 of 1 customers changed"),
        (("suppress",), "user-7"),
        (("suppress", "user-7", "--erase"), "1 of 1 customers changed"),
        (("delete", "lapsed"), "deleted lapsed"),
    ):
        ran = coterie("audiences", *command, *home)
        assert (ran.code, words in ran.out) == (0, True), command


def test_mistakes_have_their_exit_codes(file: Path, own: Home) -> None:
    home = ("--home", own.path)
    file.write_text(LAPSED.replace("aisle-1", "aisle-9"))
    ran = coterie("audiences", "create", file, *home)
    assert ran.code == 4 and ran.err.count("there is no category 'aisle-9'") == 2
    assert coterie("audiences", "members", "none", *home).code == 8
    assert coterie("audiences", "suppress", "--remove", *home).code == 4
    assert coterie("audiences", "create", "none.toml", *home).code == 4
    file.write_text(json.dumps({"kind": "x"}))
    assert coterie("audiences", "estimate", file, *home).code == 4
    url = ("--webhook", "https://example.com/in")
    ran = coterie("audiences", "export", "lapsed", *url, *home)
    assert ran.code == 4 and "set COTERIE_WEBHOOK_SECRET" in ran.err
