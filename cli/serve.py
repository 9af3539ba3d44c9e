"""``coterie serve`` and ``coterie demo``: the HTTP service, and the whole way to it in one go."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer

from api.app import create_app
from api.provider import SnapshotProvider
from api.settings import ApiSettings
from cli.ask import open_service, print_recommendations
from cli.build import print_snapshot
from cli.load import load_into, print_report
from cli.options import DEFAULT_HOME, ConfigOption, HomeOption, StoreOption, at_home, settings
from cli.output import err, out, progress_bars
from loaders.sources import load_source
from pipeline.build import build
from pipeline.config import load_config
from pipeline.home import Home

__all__ = ["register", "run_server"]

DEMO_SOURCE = "complete-journey"
DEMO_CUT = "2017-12-01"


def run_server(home: Home, host: str, port: int) -> None:
    """Serve the home's published snapshot until interrupted."""
    import uvicorn

    provider = SnapshotProvider(home, home.path.name)

    @asynccontextmanager
    async def watching(app: Any) -> AsyncIterator[None]:
        provider.start()
        yield
        provider.stop()

    app = create_app(provider, ApiSettings(host=host, port=port))
    app.router.lifespan_context = watching
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    err.print(f"serving {home.path} at http://{host}:{port} (Ctrl-C ends it)")
    uvicorn.run(app, host=host, port=port, log_level="warning")


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
    source: Annotated[str, typer.Option(help="What to load.")] = DEMO_SOURCE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve at the end.")] = True,
    config: ConfigOption = None,
) -> None:
    """Load a real retailer's year, learn from it, measure it, and serve it.

    Example: `coterie demo --home .coterie`
    """
    place, start = at_home(home, store), time.perf_counter()
    chosen = settings(place, config)
    if source == DEMO_SOURCE and chosen.evaluation.cut is None:
        chosen = load_config(config or place.path / "coterie.toml", evaluation={"cut": DEMO_CUT})
    with progress_bars() as progress:
        data = load_source(source, progress=progress)
        load_into(place, data, progress)
        snapshot = build(place, chosen, progress)
    print_report(data.report)
    print_snapshot(snapshot)
    _show_one(place)
    out.print(f"done in {time.perf_counter() - start:.0f} s; ask more of it:")
    out.print(
        f"  coterie recommend USER --home {place.path}    coterie segments --home {place.path}"
    )
    if serving:
        run_server(place, host, port)


def _show_one(place: Home) -> None:
    """One customer's lists, as an example of what is served."""
    service = open_service(place.path)
    hits = service.search_users("", 1)
    for mode in ("repeat", "discover") if hits else ():
        print_recommendations(service, hits[0].user_id, 5, mode)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(serve)
