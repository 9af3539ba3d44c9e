"""``coterie serve``: the HTTP service.

Nothing that only building needs is imported here, so that a server is there soon.
"""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from api.access.check import is_loopback
from api.access.keys import KeyFile, key_file
from api.observe.logs import AccessLog, LogForm, configure
from api.observe.traces import check_traces
from cli.fleet import run_fleet
from cli.options import (
    DEFAULT_HOME,
    HomeOption,
    StoreOption,
    at_home,
)
from cli.plan import Plan, listening
from pipeline.config import load_config
from pipeline.home import Home

__all__ = ["register", "run_server"]

_log = logging.getLogger("coterie.serve")


def run_server(plan: Plan, home: Home, workers: int) -> None:
    """Serve the home's published snapshot until interrupted.

    Raises:
        ConfigError: the address cannot be listened at, or a setting cannot be followed.
    """
    check_traces(load_config(home.path / "coterie.toml").traces)
    taken = listening(plan.host, plan.port)
    keys = KeyFile(key_file(home.path))
    configure(plan.log)
    _log.info("serving %s at http://%s:%d (Ctrl-C ends it)", home.path, plan.host, plan.port)
    if not keys.all():
        _log.info("%s", _WITHOUT_KEYS[is_loopback(plan.host)])
    if workers > 1:
        run_fleet(taken, plan, home.address, workers)
    else:
        # What only starts others need not load all that they do.
        from cli.server import answer_at

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


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)
