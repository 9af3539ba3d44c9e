"""What counts for whom, line by line, and what is said of it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shops import environment

from experiments.config import ExperimentsConfig
from experiments.definition import Definition, parse
from experiments.ledger import Ledger, Touch
from experiments.measure import PURCHASES, outcomes
from experiments.register import Experiment
from experiments.report import Question, results
from loaders.errors import ConfigError, ExperimentError, StoreUnavailable
from pipeline.experiments import ExperimentDesk
from pipeline.home import Home

DAY = 86_400_000_000
NOW = datetime(1970, 1, 11, tzinfo=UTC)
TWO = [{"id": "control"}, {"id": "other", "override": {"mode": "discover"}}]


def defined(**more: Any) -> Definition:
    return parse({"id": "e", "variants": TWO, **more})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "sub" / "ledger.sqlite")


def test_what_is_told_twice_counts_once(ledger: Ledger) -> None:
    assert ledger.units() == {} and ledger.exposures("e").is_empty()
    shown = Touch("e", "control", "ann", 5 * DAY)
    click = Touch("e", "other", "bob", 7 * DAY, "click-1")
    ledger.note([shown, shown, click])
    ledger.note([click, shown._replace(at=4 * DAY), shown._replace(at=9 * DAY)])
    assert ledger.exposures("e").rows() == [("ann", "control", 4 * DAY), ("bob", "other", 7 * DAY)]
    assert ledger.clicks("e").rows() == [("bob", 7 * DAY)]
    ledger.note([shown._replace(experiment="f")])
    assert ledger.units() == {"e": 2, "f": 1}
    ledger.forget(["ann"])
    assert ledger.units() == {"e": 1}
    ledger.delete("e")
    assert ledger.units() == {} and ledger.clicks("e").is_empty()


def test_threads_share_commits_and_failures(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    write, first = ledger._write, threading.Event()

    def counted(touches: Sequence[Touch]) -> None:
        commits.append(len(touches))
        first.wait(10)  # until all others have asked
        write(touches)

    monkeypatch.setattr(ledger, "_write", counted)
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(ledger.note, [Touch("e", "control", f"u{i}", i)]) for i in range(20)]
        while len(ledger._waiting) + sum(commits) < 20:
            time.sleep(0.001)
        first.set()
        assert [one.result() for one in asked] == [None] * 20
    assert len(commits) == 2 and sum(commits) == 20
    assert ledger.units() == {"e": 20}
    ledger.path.write_text("no database")
    with pytest.raises(StoreUnavailable, match="try again"):
        ledger.note([Touch("e", "control", "u", 1)])


NOTING = """
import sys
from pathlib import Path
from experiments.ledger import Ledger, Touch
ledger = Ledger(Path(sys.argv[1]))
for i in range(100_000):
    ledger.note([Touch("e", "control", f"{sys.argv[2]}-{i}", i, f"{sys.argv[2]}-{i}")])
    print(i, flush=True)
"""


def test_what_was_acknowledged_outlives_a_kill(ledger: Ledger) -> None:
    """Two processes note at once; both are killed amid it."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", NOTING, ledger.path, name],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for name in "ab"
    ]
    told = [-1, -1]
    for _ in range(10):
        for i, process in enumerate(running):
            assert process.stdout is not None
            told[i] = int(process.stdout.readline())
    for process in running:
        process.kill()
        process.communicate()
    units, clicks = set(ledger.exposures("e")["unit"]), ledger.clicks("e")["unit"].to_list()
    assert {
        f"{name}-{i}" for name, last in zip("ab", told, strict=True) for i in range(last + 1)
    } <= units
    assert sorted(clicks) == sorted(units)


def test_what_counts_for_whom() -> None:
    exposures = pl.DataFrame(
        [("ann", "control", DAY), ("anonymous/s1", "other", DAY), ("zoe", "other", 8 * DAY)],
        ["unit", "variant", "at"],
        orient="row",
    )
    clicks = pl.DataFrame({"unit": ["ann", "ann", "zoe"], "at": [2 * DAY, 3 * DAY, 7 * DAY]})
    lines: list[tuple[str, str | None, str | None, int, float | None]] = [
        ("ann", None, "o1", DAY - 1, 100.0),  # before she was shown anything
        ("ann", None, "o2", DAY, 1.0),
        ("ann", None, "o2", DAY, 2.0),  # another line of one order
        ("ann", None, None, 3 * DAY, None),  # an order of its own, of unknown value
        ("ann", None, "o3", 8 * DAY, 100.0),  # as her window ends
        ("anonymous/s1", "s1", "o4", 2 * DAY, 5.0),  # once, though both ids lead to it
        ("carl", "s1", "o5", 2 * DAY, 7.0),  # the visitor logged in
        ("carl", "s2", "o6", 2 * DAY, 100.0),
    ]
    found = outcomes(
        exposures,
        clicks,
        pl.DataFrame(lines, PURCHASES, orient="row"),
        timedelta(days=7),
        NOW,
    )
    assert found.sort("unit").rows() == [
        ("ann", "control", 1.0, 1.0, 2, 3.0, False),
        ("anonymous/s1", "other", 0.0, 1.0, 2, 12.0, False),
        ("zoe", "other", 0.0, 0.0, 0, 0.0, True),
    ]


def test_before_anybody_was_exposed_the_graph_is_not_asked(tmp_path: Path) -> None:
    desk = ExperimentDesk(Home(tmp_path), ExperimentsConfig())  # nothing loaded, nothing built
    desk.create(defined())
    desk.start("e")
    assert desk.results("e").verdict == "Nobody was exposed yet."
    assert desk.options().methods == ()
    (tmp_path / "experiments" / "experiments.json").write_text("{")
    with pytest.raises(ConfigError, match="restore the file from a backup"):
        desk.all()


def table(control: tuple[int, int], other: tuple[int, int]) -> pl.DataFrame:
    """Visitors and how many of them bought, for 10 each."""
    rows = [
        (
            "control" if group is control else "other",
            0.0,
            float(i < some),
            int(i < some),
            10.0 * (i < some),
            False,
        )
        for group in (control, other)
        for n, some in [group]
        for i in range(n)
    ]
    columns = {
        "variant": pl.String,
        "clicked": pl.Float64,
        "converted": pl.Float64,
        "orders": pl.Int64,
        "revenue": pl.Float64,
        "open": pl.Boolean,
    }
    return pl.DataFrame(rows, columns, orient="row")


def asked(**more: Any) -> Question:
    metrics = ("clicks", "conversion", "revenue")
    base: dict[str, Any] = {"metric": "conversion", "metrics": metrics, "window_days": 7.0}
    return Question(("control", "other"), (1, 1), **{**base, **more})


def test_results_in_figures_and_words() -> None:
    config = ExperimentsConfig()
    found = results(table((1000, 100), (1000, 200)), asked(), config, NOW)
    assert [(g.units, g.converted, g.orders, g.revenue) for g in found.variants] == [
        (1000, 100, 100, 1000.0),
        (1000, 200, 200, 2000.0),
    ]
    clicks, bought, spent = found.comparisons
    assert clicks.difference is None and not clicks.significant
    assert bought.primary and bought.significant and bought.difference is not None
    assert bought.difference.value == pytest.approx(0.1)
    assert spent.difference is not None and spent.difference.value == pytest.approx(1.0)
    assert found.verdict == "other makes more visitors buy than control."
    less = results(table((1000, 200), (1000, 100)), asked(metric="revenue"), config, NOW)
    assert less.verdict == "other brings less revenue than control."
    none = results(table((1000, 100), (1000, 101)), asked(), config, NOW)
    assert none.verdict == "No difference in conversion is told from chance yet."
    few = results(table((10, 1), (10, 2)), asked(), config, NOW)
    assert few.verdict == "Too little has happened to say more yet."
    lost = results(table((1000, 100), (800, 160)), asked(), config, NOW)
    assert not lost.sample_ratio.ok and lost.verdict.startswith("Do not trust these figures")
    assert results(table((0, 0), (0, 0)), asked(), config, NOW).verdict == "Nobody was exposed yet."


def test_a_shop_without_prices_has_no_revenue() -> None:
    found = results(
        table((1000, 100), (1000, 200)),
        asked(metric="revenue").without_values(),
        ExperimentsConfig(),
        NOW,
    )
    assert [a.metric for a in found.comparisons] == ["clicks", "conversion"]
    assert found.variants[0].revenue is None and found.variants[0].revenue_per_visitor is None
    assert "carry no values" in found.verdict


def test_alpha_is_shared_by_the_variants() -> None:
    three = pl.concat(
        [
            table((1000, 100), (1000, 140)),
            table((0, 0), (1000, 140)).with_columns(variant=pl.lit("third")),
        ]
    )
    question = Question(
        ("control", "other", "third"), (1, 1, 1), "conversion", ("conversion",), 7.0
    )
    found = results(three, question, ExperimentsConfig(), NOW)
    assert found.alpha == 0.025 and len(found.comparisons) == 2


@pytest.mark.parametrize(
    ("more", "field", "told"),
    [
        ({"variants": TWO[:1]}, "variants", "at least 2"),
        ({"variants": [*TWO, {"id": "other"}]}, "variants", "an id of its own"),
        ({"id": "Home page"}, "id", "match pattern"),
        ({"id": "plan"}, "id", "choose another"),
        ({"share": 0}, "share", "greater than 0"),
        ({"lists": ["session"]}, "lists", "no mode to override"),
        ({"ends": "2024-01-01T00:00:00Z", "starts": "2024-01-02T00:00:00Z"}, "ends", "later than"),
        ({"ends": "2024-01-01T00:00:00"}, "ends", "timezone"),
        ({"metric": "profit"}, "metric", "'clicks', 'conversion' or 'revenue'"),
        ({"colour": "red"}, "colour", "not permitted"),
    ],
)
def test_every_mistake_is_named(more: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(ExperimentError) as wrong:
        defined(**more)
    assert [path for path, _ in wrong.value.problems] == [field]
    assert told in wrong.value.problems[0][1]


def test_a_definition_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text('id = "e"\n[[variants]]\nid = "control"\n[[variants]]\nid = "other"\n')
    assert parse(path).kinds == ("customer", "session")
    path.write_text("id = ")
    with pytest.raises(ConfigError, match="not valid TOML"):
        parse(path)
    with pytest.raises(ConfigError, match="cannot read"):
        parse(tmp_path / "none.json")


def test_whose_lists_it_concerns() -> None:
    assert defined().kinds == ("customer",)  # a visitor's list has no mode
    plain = [{"id": "control"}, {"id": "other", "override": {"method": "EASE"}}]
    assert defined(variants=plain).kinds == ("customer", "session")
    assert defined(variants=plain, segments=["segment-1"]).kinds == ("customer",)
    assert defined(variants=plain, lists=["session"]).kinds == ("session",)


def test_what_may_become_of_it() -> None:
    one = Experiment.new(defined(ends="1970-01-20T00:00:00Z"), NOW)
    assert one.changed(one.definition, NOW) is one
    again = one.changed(defined(share=0.5), NOW)
    assert [v.version for v in again.versions] == [1, 2]
    with pytest.raises(ExperimentError, match="only a running one"):
        one.stop(NOW)
    running = one.start(NOW)
    assert running.is_active(NOW) and not running.is_active(NOW + timedelta(days=10))
    with pytest.raises(ExperimentError, match="variants: is settled, as it is running"):
        running.changed(defined(variants=TWO[::-1], ends="1970-01-20T00:00:00Z"), NOW)
    assert running.changed(defined(share=0.7), NOW).definition.share == 0.7
    stopped = running.stop(NOW)
    with pytest.raises(ExperimentError, match="share: is settled, as it is stopped"):
        stopped.changed(defined(share=0.7, ends="1970-01-20T00:00:00Z"), NOW)
    with pytest.raises(ExperimentError, match="make another one"):
        stopped.start(NOW)
    with pytest.raises(ExperimentError, match="give a later time"):
        one.start(NOW + timedelta(days=30))
