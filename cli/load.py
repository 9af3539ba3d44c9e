"""``coterie load``: a shop's data into its store, with an account of every line."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import DEFAULT_HOME, HomeOption, JsonOption, StoreOption, at_home
from cli.output import emit_json, err, out, progress_bars, table
from graph.open import open_store
from graph.write import WriteCounts, write_dataset
from loaders.dataset import Dataset
from loaders.guess import guess_mapping
from loaders.mapping import EXAMPLE_MAPPING
from loaders.progress import Progress
from loaders.report import LoadReport
from loaders.sources import CHOICES, load_source
from pipeline.home import Home

__all__ = ["load_into", "print_report", "register", "report_json"]

WAIT_FOR_STORE = 60.0
EXAMPLE_KEYS = ("line", "product_id", "quantity")

HELP = f"""Load a shop into its store, and say what became of every line.

SOURCE is one of: {CHOICES}.

Loading the same data again changes nothing; a load that was killed is completed by running it
again. Nothing is stored where the input cannot be used.

Examples; the second writes a first mapping file, to edit:

    coterie load complete-journey
    coterie load --guess orders.csv > shop.toml
    coterie load shop.toml

A mapping file says which file and column is what:

"""


def _indented(text: str) -> str:
    """A block that the help keeps as it is."""
    return "\n".join(f"    {line}".rstrip() for line in text.strip().splitlines())


def load_into(home: Home, data: Dataset, progress: Progress) -> WriteCounts:
    """Write ``data`` to the home's store, waiting a while for another writer."""
    home.path.mkdir(parents=True, exist_ok=True)
    with open_store(home.store, wait_seconds=WAIT_FOR_STORE) as store:
        return write_dataset(store, data, progress)


def print_report(report: LoadReport) -> None:
    """Show where each line went."""
    rows: list[tuple[str, str, str, str]] = [("lines read", f"{report.read:,}", "", "")]
    for step in report.steps:
        sign = "-" if step.removed else " "
        shown = "; ".join(_example(e) for e in step.examples[:1])
        rows.append((step.name, f"{sign}{step.lines:,}", step.doc, shown))
    rows.append(("events kept", f"{report.kept:,}", "", ""))
    table(f"Loaded {report.source}", ("what", "lines", "why", "example"), rows, ("lines",))


def _example(values: dict[str, Any]) -> str:
    shown = [k for k in EXAMPLE_KEYS if values.get(k) is not None] or list(values)[:3]
    return ", ".join(f"{k} {values[k]}" for k in shown)


def report_json(report: LoadReport) -> dict[str, Any]:
    """The report as plain keys."""
    return {
        "source": report.source,
        "read": report.read,
        "kept": report.kept,
        "balanced": report.balanced,
        "steps": [
            {
                "name": s.name,
                "why": s.doc,
                "lines": s.lines,
                "removed": s.removed,
                "examples": list(s.examples),
            }
            for s in report.steps
        ],
    }


def load(
    source: Annotated[
        str | None, typer.Argument(help="What to load; see above.", show_default=False)
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="Events file to take instead of the mapping's.")
    ] = None,
    guess: Annotated[
        Path | None, typer.Option(help="Print a first mapping for this file; load nothing.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of a synthetic shop.")] = 0,
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Load a source into the home's store; ``HELP`` is what people read."""
    if guess:
        mapping = guess_mapping(guess)
        if json:
            emit_json({"mapping": mapping})
        else:
            out.print(mapping, end="")
        return
    if not source:
        raise typer.BadParameter(f"name a SOURCE: {CHOICES}")
    place = at_home(home, store)
    with progress_bars() as progress:
        files = {"events": events} if events else None
        data = load_source(source, files=files, seed=seed, progress=progress)
        counts = load_into(place, data, progress)
    if json:
        emit_json({**report_json(data.report), "written": asdict(counts), "home": str(place.path)})
        return
    print_report(data.report)
    nodes = sum(counts.nodes.values())
    err.print(f"{place.store_name} took {nodes:,} nodes and {counts.new_edges:,} new edges")
    err.print(f"next: coterie build --home {place.path}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("load", help=HELP + _indented(EXAMPLE_MAPPING))(load)
