"""The command line: what each command prints, and the status it ends with."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from shops import ROOT, SMALL, coterie, fresh, process, shop_of
from typer.main import get_command

from cli.main import app
from pipeline.home import Home

COMMANDS = (
    *("demo", "serve", "load", "build", "writeback", "evaluate", "config", "copy"),
    *("recommend", "similar", "rules", "segments", "cypher", "schema", "export"),
    *("audiences", "keys", "lifecycle", "demand", "tune", "merchandising", "profile"),
    *("experiments", "campaigns", "forget"),
)
SNAPSHOTS = ("list", "show", "rollback")
AUDIENCES = (
    *("create", "estimate", "list", "show", "members", "explain", "export"),
    *("diff", "refresh", "delete", "suppress"),
)
SEGMENTS = ("list", "show", "changes", "stability", "compare", "learn", "map")
KEYS = ("create", "rotate", "revoke", "list", "audit")
ALL = [
    *([c] for c in (*COMMANDS, "snapshots", "events")),
    *(["snapshots", c] for c in SNAPSHOTS),
    *(["segments", c] for c in SEGMENTS),
    *(["events", c] for c in ("status", "deliver")),
    *(["audiences", c] for c in AUDIENCES),
    *(["keys", c] for c in KEYS),
]
TOML = """
currency = "EUR"

[events]
file = "events.csv"
user = "customer"
product = "article"
at = "when"
order = "order"
"""
EVENTS = "customer,article,when,order\n1,a,2024-01-01,o1\n1,b,2024-01-01,o1\n2,a,2024-01-02,o2\n"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No home or settings from outside."""
    for name in ("COTERIE_HOME", "COTERIE_CONFIG", "COTERIE_STORE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Something loaded, nothing built."""
    data = shop_of([("1", "a", 0, "o1"), ("1", "b", 0, "o1"), ("2", "a", 1, "o2")])
    return fresh(tmp_path_factory.mktemp("bare") / "h", data)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """Another working folder."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


# Help


def test_every_command_is_tested() -> None:
    assert set(get_command(app).commands) == {*COMMANDS, "snapshots", "events"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_help_shows_an_example(command: list[str]) -> None:
    ran = coterie(*command, "--help")
    assert ran.code == 0 and "Example" in ran.out
    assert f"coterie {' '.join(command)}" in ran.out


def test_help_of_load_shows_a_whole_mapping() -> None:
    assert "[events]" in coterie("load", "--help").out


def test_no_command_shows_the_commands() -> None:
    assert "recommend" in coterie().out


# One JSON document

ASKED = [
    ["recommend", "user-3", "--k", "2"],
    ["recommend", "nobody"],
    [
        "recommend",
        "user-3",
        "--mode",
        "discover",
        "--category",
        "aisle-1",
        "--exclude",
        "product-1",
    ],
    ["similar", "product-3"],
    ["rules", "show", "product-0"],
    ["rules", "show", "--level", "category:1"],
    ["rules", "explain", "product-0", "product-24"],
    ["rules", "explain", "product-0", "product-1", "product-2"],
    ["segments"],
    ["cypher", "MATCH (u:User) RETURN u LIMIT 2"],
    ["cypher", "RETURN 0.0/0.0 AS x"],
    ["config"],
    ["config", "--check"],
    ["snapshots", "list"],
    ["snapshots", "show"],
]


@pytest.mark.parametrize("command", ASKED, ids=" ".join)
def test_json_is_one_document_and_nothing_else(built: Home, command: list[str]) -> None:
    ran = coterie(*command, "--home", built.path, "--json")
    assert ran.code == 0, ran.err
    assert isinstance(ran.json, dict | list) and ran.err == ""


@pytest.mark.parametrize("command", ASKED, ids=" ".join)
def test_without_json_there_is_text(built: Home, command: list[str]) -> None:
    ran = coterie(*command, "--home", built.path)
    assert ran.code == 0 and (ran.out.strip() or "valid" in ran.err)


MINED = [
    ["--k", "3"],
    ["--level", "category:0", "--sets", "maximal"],
    ["--level", "mixed", "--segment", "segment-1"],
    ["--kind", "then"],
    ["--shuffle"],
]


@pytest.mark.parametrize("options", MINED, ids=" ".join)
def test_rules_are_mined_afresh(built: Home, tmp_path: Path, options: list[str]) -> None:
    path = tmp_path / "found.parquet"
    ran = coterie("rules", "mine", *options, "--home", built.path, "--json", "--output", str(path))
    assert ran.code == 0, ran.err
    found = pl.read_parquet(path)
    assert len(ran.json) == min(len(found), 3 if "--k" in options else 20)
    if "--shuffle" in options:
        assert found.height <= 2
    elif "--sets" in options:
        assert found.columns == ["items", "count"] and found.height > 0
    else:
        assert found.height > 0


def test_long_work_speaks_on_stderr_and_answers_on_stdout(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    (home / "coterie.toml").write_text(SMALL)
    loaded = coterie("load", "synthetic:60", "--home", home, "--json")
    assert loaded.json["balanced"] and loaded.json["kept"] > 1000
    built = coterie("build", "--home", home, "--json")
    assert built.json["counts"]["users"] == 60 and "train encoder ..." in built.err
    measured = coterie(
        "evaluate",
        "--cut",
        "2024-05-01",
        "--window-days",
        "30",
        "--k",
        "7",
        "--home",
        home,
        "--json",
    )
    assert measured.json["settings"]["cut"].startswith("2024-05-01")
    assert {row["k"] for row in measured.json["rows"]} == {5, 7}
    made = coterie("demo", "--source", "synthetic:60", "--no-serve", "--home", home, "--json")
    assert made.json["built"]["counts"] == built.json["counts"]
    assert made.json["built"]["data_hash"] == built.json["data_hash"]


def test_the_option_wins_over_the_environment(built: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COTERIE_EVALUATION__CUT", "2023-01-01")
    monkeypatch.setenv("COTERIE_HOME", str(built.path))
    ran = coterie("evaluate", "--cut", "2024-05-01", "--window-days", "30", "--json")
    assert ran.json["settings"]["cut"].startswith("2024-05-01")
    assert coterie("evaluate", "--json").code == 3


def test_evaluate_takes_its_lengths_from_the_settings(
    built: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COTERIE_EVALUATION__KS", "[3, 8]")
    ran = coterie("evaluate", "--home", built.path, "--json")
    assert {row["k"] for row in ran.json["rows"]} == {3, 8}


# What they say


def test_recommend_says_why(built: Home) -> None:
    answer = coterie("recommend", "user-3", "--k", "4", "--home", built.path, "--json").json
    shown = coterie("recommend", "user-3", "--k", "4", "--home", built.path).out
    assert [i["rank"] for i in answer["items"]] == [1, 2, 3, 4]
    for item in answer["items"]:
        assert item["product"]["title"] in shown and item["reasons"][0]["text"] in shown


def test_an_unknown_customer_gets_the_fallback_and_is_told(built: Home) -> None:
    ran = coterie("recommend", "nobody", "--home", built.path)
    assert ran.code == 0 and "No customer has this id" in ran.err and "product-" in ran.out


def test_recommend_takes_the_rules_of_a_list(built: Home) -> None:
    rules = [
        "--category",
        "aisle-1",
        "--max-price",
        "9",
        "--per-category",
        "2",
        "--diversity",
        ".3",
    ]
    rules += ["--bought", "exclude", "--exclude", "product-27", "--lang", "zh"]
    asked = ["recommend", "user-3", "--k", "20", *rules, "--home", built.path]
    items = coterie(*asked, "--json").json["items"]
    shelves = [i["product"]["category_id"] for i in items]
    assert 1 <= len(items) <= 6 and all(shelves.count(s) <= 2 for s in set(shelves))
    assert all(
        s.startswith("aisle-1/") and i["product"]["price"] <= 9
        for s, i in zip(shelves, items, strict=True)
    )
    assert "位顾客购买" in coterie(*asked).out
    ran = coterie(
        "recommend", "user-3", "--min-price", "5", "--max-price", "3", "--home", built.path
    )
    assert ran.code == 4 and "swap them" in ran.err


def test_one_segment(built: Home) -> None:
    first = coterie("segments", "--home", built.path, "--json").json["segments"][0]
    ran = coterie("segments", first["segment_id"], "--home", built.path)
    assert f"{first['name']}: {first['size']:,} customers" in ran.out


def test_segments_say_whether_they_can_be_trusted(built: Home) -> None:
    told = coterie("segments", "stability", "--home", built.path, "--json").json
    assert told["connected"]
    assert {row["trust"] for row in told["segments"]} <= {"stable", "fair", "doubtful"}
    listed = coterie("segments", "list", "--home", built.path, "--json").json["segments"]
    assert [s["stability"] for s in listed] == [row["jaccard"] for row in told["segments"]]


def test_a_first_build_has_nothing_to_compare_with(built: Home) -> None:
    assert "first build" in coterie("segments", "changes", "--home", built.path).out
    (build,) = built.builds()
    words = ("segments", "changes", "--since", build, "--home", built.path, "--json")
    levels = coterie(*words).json["levels"]
    assert [level["kept_share"] for level in levels] == [1.0, 1.0]
    assert {c["kind"] for c in levels[0]["segments"]} == {"kept"}


def test_a_map_of_the_customers(built: Home, tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    told = coterie("segments", "map", "--output", path, "--home", built.path, "--json").json
    points = pl.read_csv(path)
    assert points.columns == ["user_id", "x", "y", "segment_id", "part_id"]
    assert points.height == told["customers"] == points["segment_id"].is_not_null().sum()
    centres = points.group_by("segment_id").agg(pl.col("x", "y").mean())
    assert centres.select("x", "y").unique().height == centres.height > 1


def test_a_title_is_no_markup(tmp_path: Path) -> None:
    titles = pl.DataFrame({"product_id": ["a"], "title": ["Cola [/b] [red]1 l[/] :smile:"]})
    home = fresh(tmp_path / "h", shop_of([("1", "a", 0, "o1")], products=titles))
    assert coterie("build", "--home", home.path).code == 0
    ran = coterie("recommend", "1", "--home", home.path)
    assert ran.code == 0 and "Cola [/b] [red]1 l[/] :smile:" in ran.out
    ran = coterie("cypher", "MATCH (p:Product) RETURN p.title AS `[b]t`", "--home", home.path)
    assert "[/b] [red]" in ran.out and "[b]t" in ran.out


def test_cypher_takes_parameters(built: Home) -> None:
    asked = ["cypher", "MATCH (u:User) WHERE u.id IN $ids RETURN u.id AS id ORDER BY id", "--json"]
    ran = coterie(*asked, "--param", 'ids=["user-1", "user-2"]', "--home", built.path)
    assert ran.json == {"columns": ["id"], "rows": [["user-1"], ["user-2"]]}
    plain = "RETURN $n + 1 AS n, $text AS text, $quoted AS quoted, $at AS at, $yes AS yes"
    values = ["n=41", "text=user-1", 'quoted="1228"', "at=2024-01-01", "yes=true"]
    options = [part for value in values for part in ("--param", value)]
    ran = coterie("cypher", plain, *options, "--home", built.path, "--json")
    assert ran.json["rows"] == [[42, "user-1", "1228", "2024-01-01", True]]


def test_cypher_is_limited_and_refused(built: Home) -> None:
    many = coterie("cypher", "MATCH (u:User) RETURN u.id", "--rows", "5", "--home", built.path)
    assert many.code == 5 and "more than 5 rows" in many.err
    for query in ("CREATE (:User)", "LOAD FROM '/etc/passwd' RETURN *", "MATCH (u) DELETE u", "HM"):
        ran = coterie("cypher", query, "--home", built.path)
        assert ran.code == 5 and ran.out == "" and ran.err.startswith("error: ")


def test_snapshots_are_listed_shown_and_rolled_back(own: Home) -> None:
    first = own.current()
    assert coterie("build", "--home", own.path).code == 0
    second = own.current()
    listed = coterie("snapshots", "list", "--home", own.path, "--json").json
    assert [(s["build"], s["published"]) for s in listed] == [(first, False), (second, True)]
    assert coterie("snapshots", "rollback", "--home", own.path, "--json").json == {
        "published": first
    }
    assert own.current() == first
    assert coterie("snapshots", "show", "--home", own.path, "--json").json["build"] == first
    shown = coterie("snapshots", "show", second, "--home", own.path).out
    assert second in shown and "served: what won" in shown
    again = coterie("snapshots", "rollback", "--home", own.path)
    assert again.code == 7 and "no build before" in again.err
    assert coterie("snapshots", "rollback", second, "--home", own.path).code == 0
    assert own.current() == second


def test_one_unreadable_build_hides_no_other(own: Home) -> None:
    broken = own.snapshots / "20200101T000000-old"
    broken.mkdir()
    (broken / "manifest.json").write_text("{}")
    ran = coterie("snapshots", "list", "--home", own.path, "--json")
    assert ran.code == 0, ran.err
    assert [s["build"] for s in ran.json] == [own.current()]
    assert "20200101T000000-old" in ran.err


@pytest.mark.parametrize("kind", ["parquet", "graphml"])
def test_the_graph_is_exported(built: Home, tmp_path: Path, kind: str) -> None:
    ran = coterie("export", tmp_path / "out", "--format", kind, "--home", built.path, "--json")
    assert ran.json["counts"]["User"] == 200 and (tmp_path / "out").exists()


# Loading


def test_loading_twice_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "shop.toml").write_text(TOML)
    home = tmp_path / "h"
    first = coterie("load", tmp_path / "shop.toml", "--home", home, "--json").json
    assert (first["read"], first["kept"], first["balanced"]) == (3, 3, True)
    counts = "MATCH (n) RETURN count(n) AS n"
    before = coterie("cypher", counts, "--home", home, "--json").json
    again = coterie("load", tmp_path / "shop.toml", "--home", home, "--json").json
    assert again["kept"] == 3 and set(again["written"]["edges"].values()) == {0}
    assert coterie("cypher", counts, "--home", home, "--json").json == before


def test_another_events_file(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "shop.toml").write_text(TOML)
    (tmp_path / "today.csv").write_text("customer,article,when,order\n3,c,2024-02-01,o9\n")
    arguments = ["load", tmp_path / "shop.toml", "--home", tmp_path / "h", "--json"]
    assert coterie(*arguments).json["kept"] == 3
    assert coterie(*arguments, "--events", tmp_path / "today.csv").json["kept"] == 1
    asked = "MATCH (u:User)-[e:PURCHASED]->() RETURN u.id AS id, count(e) AS n ORDER BY id"
    ran = coterie("cypher", asked, "--home", tmp_path / "h", "--json")
    assert ran.json["rows"] == [["1", 2], ["2", 1], ["3", 1]]


def test_a_guessed_mapping_loads(elsewhere: Path) -> None:
    (elsewhere / "events.csv").write_text(
        "customer_id,product_id,date,order_id,quantity,price\n"
        "c1,p1,2024-01-01 10:00:00,o1,1,2.50\nc1,p2,2024-01-01 10:00:00,o1,2,1.00\n"
        "c2,p1,2024-01-03 12:30:00,o2,1,2.50\n"
    )
    guessed = coterie("load", "--guess", "events.csv")
    assert guessed.code == 0 and guessed.err == ""
    assert coterie("load", "--guess", "events.csv", "--json").json == {"mapping": guessed.out}
    Path("shop.toml").write_text(guessed.out)
    assert coterie("load", "shop.toml", "--home", "h", "--json").json["kept"] == 3


def test_the_report_accounts_for_every_line(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS + EVENTS.split("\n", 1)[1])
    (tmp_path / "shop.toml").write_text(TOML)
    ran = coterie("load", tmp_path / "shop.toml", "--home", tmp_path / "h")
    assert "lines read" in ran.out and "events kept" in ran.out
    assert "next: coterie build" in ran.err


# From any folder


def test_relative_homes_and_files(elsewhere: Path) -> None:
    Path("events.csv").write_text(EVENTS)
    Path("shop.toml").write_text(TOML)
    Path("mine.toml").write_text("seed = 5\n" + SMALL)
    assert coterie("load", "shop.toml", "--home", "h").code == 0
    assert coterie("build", "--home", "h", "--config", "mine.toml", "--json").json["seed"] == 5
    os.chdir("/")
    ran = coterie("recommend", "1", "--home", elsewhere / "h", "--json")
    assert {i["product"]["product_id"] for i in ran.json["items"]} == {"a", "b"}


def test_in_a_process_of_its_own_from_another_folder(built: Home, tmp_path: Path) -> None:
    done = process(["recommend", "user-3", "--home", built.path, "--json"], cwd=tmp_path)
    out, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    assert json.loads(out)["user_id"] == "user-3"
    assert not list(tmp_path.iterdir())


BASE_INSTALL = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *where):
        missing = name.split(".")[0] in ("torch", "torch_geometric", "mlxtend", "pandas")
        return None if missing else self.finder.find_spec(name, *where)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
from cli.main import main
main()
"""


def base_install(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BASE_INSTALL, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_asking_needs_no_training_library(built: Home) -> None:
    done = base_install("recommend", "user-3", "--home", built.path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["items"]) == 10


def test_building_without_the_libraries_says_what_to_install(built: Home) -> None:
    done = base_install("build", "--home", built.path)
    assert done.returncode == 4 and "pip install 'coterie[learn]'" in done.stderr
    assert "torch, torch_geometric, mlxtend, pandas" in done.stderr


# Statuses


@pytest.mark.parametrize(
    ("status", "arguments", "said"),
    [
        (2, ["nonsense"], "No such command"),
        (2, ["recommend"], "Missing argument"),
        (2, ["recommend", "1", "--k", "0"], "--k"),
        (2, ["recommend", "1", "--mode", "sideways"], "--mode"),
        (2, ["load"], "name a SOURCE"),
        (2, ["evaluate", "--train", "x"], "both --train and --test"),
        (2, ["cypher", "RETURN 1", "--param", "x"], "NAME=VALUE"),
        (3, ["load", "--guess", "/nowhere.csv"], "nowhere.csv"),
        (3, ["evaluate", "--cut", "1999-01-01"], "evaluation.cut"),
        (4, ["build", "--config", "/nowhere.toml"], "no settings file /nowhere.toml"),
        (4, ["config", "--check", "--config", "/nowhere.toml"], "/nowhere.toml"),
        (4, ["load", "nowhere"], "nowhere"),
        (4, ["writeback"], "no build in"),
        (4, ["events", "status"], "start one: coterie serve"),
        (5, ["cypher", "MATCH (u:User) RETURN u.nothing"], "nothing"),
        (7, ["recommend", "1"], "coterie build --home"),
        (7, ["similar", "a"], "coterie build --home"),
        (7, ["rules", "show", "a"], "coterie build --home"),
        (7, ["segments"], "coterie build --home"),
        (7, ["serve"], "coterie build --home"),
        (7, ["snapshots", "show"], "coterie build --home"),
        (7, ["snapshots", "rollback"], "coterie build --home"),
        (7, ["snapshots", "show", "b7"], "there are: none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_statuses(bare: Home, status: int, arguments: list[str], said: str) -> None:
    extra = [] if arguments[0] == "nonsense" else ["--home", str(bare.path)]
    ran = coterie(*arguments, *extra)
    assert (ran.code, ran.out) == (status, "") and said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["similar", "nothing"],
        ["rules", "show", "nothing"],
        ["rules", "explain", "product-0", "nothing"],
        ["rules", "mine", "--segment", "nothing"],
        ["segments", "nothing"],
        ["recommend", "user-3", "--category", "nothing"],
    ],
    ids=" ".join,
)
def test_what_is_not_there(built: Home, arguments: list[str]) -> None:
    ran = coterie(*arguments, "--home", built.path, "--json")
    assert (ran.code, ran.out) == (8, "") and "nothing" in ran.err


def test_a_home_without_a_store(tmp_path: Path) -> None:
    for command in (["build"], ["cypher", "RETURN 1"], ["export", tmp_path / "x"], ["evaluate"]):
        ran = coterie(*command, "--home", tmp_path / "none")
        assert ran.code == 4 and "coterie load" in ran.err


def test_another_build_is_running(bare: Home) -> None:
    with bare.building():
        ran = coterie("build", "--home", bare.path)
    assert ran.code == 6 and "another build is running" in ran.err


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    (tmp_path / "coterie.toml").write_text("[gnn]\ndim = 0\nspeed = 1\n")
    ran = coterie("config", "--check", "--home", tmp_path)
    assert ran.code == 4 and "gnn.dim" in ran.err and "gnn.speed" in ran.err
    (tmp_path / "coterie.toml").write_text("[gnn]\ndim = 8\n")
    ran = coterie("config", "--check", "--home", tmp_path)
    assert ran.code == 0 and "valid" in ran.err
    assert coterie("config", "--home", tmp_path, "--json").json["gnn"]["dim"] == 8


def test_a_port_in_use_is_said_before_any_work(built: Home, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        served = coterie("serve", "--port", port, "--home", built.path)
        made = coterie("demo", "--source", "synthetic:60", "--port", port, "--home", tmp_path)
    for ran in (served, made):
        assert ran.code == 4 and f"cannot listen at 127.0.0.1:{port}" in ran.err
        assert "Traceback" not in ran.err
    assert not list(tmp_path.iterdir())


def test_an_address_of_another_machine(built: Home) -> None:
    ran = coterie("serve", "--host", "192.0.2.1", "--home", built.path)
    assert ran.code == 4 and "cannot listen at 192.0.2.1" in ran.err
