"""``coterie build | evaluate | config``: learn, measure, and check settings."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cli.foresight import evaluate_customers
from cli.options import (
    DEFAULT_HOME,
    ConfigOption,
    HomeOption,
    JsonOption,
    StoreOption,
    at_home,
    settings,
)
from cli.output import emit_json, err, out, progress_bars, table
from graph.interactions import from_day
from pipeline.build import build as run_build
from pipeline.build import read_home
from pipeline.choose import BLEND
from pipeline.completion import fit_encoders, measure_completion
from pipeline.config import Config, settings_table
from pipeline.evaluate import evaluate_shop
from pipeline.fixed import evaluate_files
from pipeline.home import Home
from pipeline.snapshot import Snapshot
from pipeline.unwritten import write_back

__all__ = ["print_evaluation", "print_snapshot", "register"]

Task = Literal["customer", "basket", "churn", "value", "demand"]

MODES = {
    "all": "all: what customers buy next, old or new",
    "repeat": "repeat: what they buy again",
    "discover": "discover: what they buy for the first time",
}


def print_evaluation(report: dict[str, Any]) -> None:
    """Show a report's rows as one table a mode, best first, the served method marked."""
    if "not_measured" in report:
        err.print(f"not measured: {report['not_measured']}")
        return
    rows, choice = report["rows"], report["settings"].get("choice", {})
    k = max(r["k"] for r in rows)
    recall = report["settings"].get("recall", "recall")
    for mode in dict.fromkeys(r["mode"] for r in rows):
        here = [r for r in rows if r["mode"] == mode and r["k"] == k]
        cells = {(r["method"], r["metric"]): r for r in here}
        methods = sorted({r["method"] for r in here}, key=lambda m: -cells[m, "ndcg"]["value"])
        served = choice.get(mode, {}).get("served")
        table(
            f"{MODES[mode]} ({here[0]['users']:,} customers, lists of {k})",
            ("method", "NDCG (95 %)", "recall", "hits", "coverage"),
            [
                (
                    f"{m} *" if m == served else m,
                    _interval(cells[m, "ndcg"]),
                    *(f"{cells[m, x]['value']:.3f}" for x in (recall, "hit_rate", "coverage")),
                )
                for m in methods
            ],
            ("recall", "hits", "coverage"),
        )
    if choice:
        out.print("* served: what won on the validation window before the test window")


def _interval(row: dict[str, Any]) -> str:
    return f"{row['value']:.4f} ({row['low']:.3f}-{row['high']:.3f})"


def _gain(row: dict[str, Any]) -> str:
    return f"{row['value']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})"


def print_snapshot(snapshot: Snapshot) -> None:
    """Show what a build learned."""
    manifest = snapshot.manifest
    report = snapshot.report
    print_evaluation(report)
    if "completion" in report:
        print_completion(report["completion"])
    segments = snapshot.segmentation.segments
    table(
        "Segments",
        ("id", "name", "customers"),
        [(s.id, s.name, f"{s.size:,}") for s in segments],
        ("customers",),
    )
    counts = ", ".join(f"{v:,} {k}" for k, v in manifest.counts.items())
    out.print(f"published {manifest.build}: {counts}")


def build(
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Learn from everything loaded, measure it, and publish a snapshot.

    A running `coterie serve` picks the snapshot up by itself. Interrupted with Ctrl-C or killed,
    it goes on from its checkpoints when run again.

    Example: `coterie build --home shops/mine`
    """
    place = at_home(home, store)
    with progress_bars() as progress:
        snapshot = run_build(place, settings(place, config), progress)
    if json:
        emit_json(snapshot.manifest.model_dump(mode="json"))
    else:
        print_snapshot(snapshot)


def writeback(
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """End a build whose store was away at the last step: write to the graph, then publish.

    Nothing is learned again: it takes seconds.

    Example: `coterie writeback --home shops/mine`
    """
    with progress_bars() as progress:
        name = write_back(at_home(home, store), progress)
    if json:
        emit_json({"published": name})
    else:
        out.print(f"published {name}")


def evaluate(
    cut: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            metavar="DATE",
            help="First moment tested, UTC; by default 30 days before the last purchase.",
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="Length of the lists, told beside 5 and 10; by default as in evaluation.ks.",
        ),
    ] = None,
    window_days: Annotated[
        float | None, typer.Option(help="Days tested; by default all that follow the cut.")
    ] = None,
    train: Annotated[Path | None, typer.Option(help="A fixed split: its training file.")] = None,
    test: Annotated[Path | None, typer.Option(help="A fixed split: its test file.")] = None,
    valid: Annotated[
        Path | None, typer.Option(help="Its validation file; else the end of each training line.")
    ] = None,
    task: Annotated[
        Task,
        typer.Option(
            help="Lists for customers, the missing product of a basket, who will not buy, what"
            " customers will spend, or what will be asked for."
        ),
    ] = "customer",
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Measure every method at one cut in time, in three modes, with intervals.

    Or, with --train and --test, on a fixed split in the NGCF text format (`user item item ...`).

    Example: `coterie evaluate --cut 2017-12-01 --k 20`

    Example: `coterie evaluate --train train.txt --test test.txt --json`

    Example: `coterie evaluate --task basket --cut 2017-12-01`

    Example: `coterie evaluate --task churn --cut 2017-11-01`
    """
    place = at_home(home, store)
    changes: dict[str, Any] = {}
    changes |= {"k": k, "ks": sorted({*(x for x in (5, 10) if x < k), k})} if k else {}
    changes |= {"cut": cut} if cut else {}
    changes |= {"window_days": window_days} if window_days else {}
    chosen = settings(place, config, evaluation=changes)
    if task == "basket":
        _evaluate_baskets(place, chosen, json)
        return
    if task != "customer":
        evaluate_customers(place, chosen, task, json)
        return
    with progress_bars() as progress:
        if train and test:
            report = evaluate_files(train, test, valid, chosen, progress)
        elif train or test or valid:
            raise typer.BadParameter("a fixed split needs both --train and --test")
        else:
            report = evaluate_shop(read_home(place), chosen, progress=progress).report
    if json:
        emit_json(report.to_json())
    else:
        print_evaluation(report.to_json())


def _evaluate_baskets(place: Home, chosen: Config, json: bool) -> None:
    with progress_bars() as progress:
        shop = read_home(place)
        encoders = fit_encoders(shop, chosen, progress)
        found = measure_completion(shop, chosen, encoders, progress).to_json()
    if json:
        emit_json(found)
    else:
        print_completion(found)


def print_completion(found: dict[str, Any]) -> None:
    """Show how well baskets are completed, best method first, the served one marked."""
    rows = [
        (
            f"{row['method']} *" if row["method"] == BLEND else row["method"],
            *(_interval(row[name]) for name in ("hits@10", "hits@20", "ndcg@20")),
            "" if row["method"] == BLEND else _gain(row["blend_ahead"]),
        )
        for row in found["table"]
    ]
    of = found["settings"]
    start, days = from_day(of["cut"]), f"{of['window_days']:.0f} days"
    title = f"The hidden product of {of['baskets']:,} baskets, {days} from "
    columns = ("method", "among first 10", "first 20", "NDCG@20", "* ahead in NDCG")
    table(f"{title}{start:%Y-%m-%d} (95 % intervals)", columns, rows)
    parts = ", ".join(f"{name} {weight:g}" for name, weight in found["weights"].items())
    out.print(f"* what a build serves, its weights chosen on the {days} before: {parts}")


def config(
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the settings are valid.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show every setting with its value and meaning, or check them.

    With --json, the settings themselves, once they are known to be valid.

    Example: `coterie config`

    Example: `coterie config --check --config coterie.toml`
    """
    place = at_home(home)
    values = settings(place, config).model_dump(mode="json")
    if json:
        emit_json(values)
    elif check:
        err.print(f"settings are valid ({config or place.path / 'coterie.toml'} and environment)")
    else:
        rows = [(name, _lookup(values, name), doc) for name, _, doc in settings_table()]
        table("Settings", ("name", "value", "meaning"), rows)


def _lookup(values: dict[str, Any], name: str) -> Any:
    for part in name.split("."):
        values = values[part]
    return values


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(build)
    app.command()(writeback)
    app.command()(evaluate)
    app.command()(config)
