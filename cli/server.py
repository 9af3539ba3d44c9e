"""One process that serves a home at a socket, alone or beside others at the same socket.

    python -m cli.server PLAN

is what a server of several processes runs for each of them.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from api.access.audit import Audit, audit_file
from api.access.check import Access, is_loopback
from api.access.keys import KeyFile, key_file
from api.app import create_app, version_of
from api.builds import HomeBuilds
from api.live import Live
from api.merchandising import House
from api.observe.logs import configure
from api.observe.metrics import FOLDER, Metrics
from api.observe.shown import Shown
from api.observe.traces import begin_traces
from api.provider import SnapshotProvider
from api.settings import ApiSettings
from api.trials import Trials
from cli.plan import Plan
from pipeline.audiences import Desk
from pipeline.config import load_config
from pipeline.experiments import ExperimentDesk
from pipeline.forget import forget_user
from pipeline.home import Home
from pipeline.merchandising import MerchandisingDesk

__all__ = ["answer_at"]


def answer_at(taken: socket.socket, plan: Plan, home: Home, keys: KeyFile) -> None:
    """Serve the home's published snapshot at a socket until interrupted."""
    import uvicorn

    from cli.sharing import SharingServer

    choice = ApiSettings(host=plan.host, port=plan.port, access_log=plan.access_log)
    chosen = load_config(home.path / "coterie.toml")
    folder = os.environ.get(FOLDER)
    shown = Shown(Path(folder) if folder else None)
    house = House(MerchandisingDesk(home))
    provider = SnapshotProvider(home, home.name, shown=shown, rules=house)
    tried = ExperimentDesk(home, chosen.experiments)
    trials = Trials(tried, provider.held, provider.hold)
    live = Live(home.path, home.store, chosen.events, choice.store_check_seconds)
    traces = begin_traces(chosen.traces, version_of())

    @asynccontextmanager
    async def watching(app: Any) -> AsyncIterator[None]:
        provider.start()
        trials.start()
        live.start()
        yield
        live.stop()
        trials.stop()
        provider.stop()
        if traces is not None:
            traces.end()

    access = Access(keys, Audit(audit_file(home.path)), local=is_loopback(plan.host))
    eraser = partial(forget_user, home, chosen)
    desk, counted = Desk(home, chosen.audiences), Metrics(shown, version_of())
    app = create_app(
        provider,
        choice,
        live,
        access,
        HomeBuilds(home),
        desk,
        counted,
        trials,
        house=house,
        eraser=eraser,
        traces=traces,
    )
    app.router.lifespan_context = watching
    configure(plan.log)
    server = uvicorn.Server if plan.lifeline is None else SharingServer
    # Its log goes where ours goes, and requests are in ours.
    config = uvicorn.Config(app, log_level="warning", log_config=None, access_log=False)
    with taken, suppress(KeyboardInterrupt):
        server(config).run(sockets=[taken])


def _end_with(lifeline: int) -> None:
    """End this process in order when whoever started it has gone."""

    def watch() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def main() -> None:
    """Serve by the plan that the command line holds as JSON."""
    plan = Plan.model_validate_json(sys.argv[1])
    if plan.lifeline is not None:
        _end_with(plan.lifeline)
    # The address of a store may hold a password, which no command line should.
    home = Home(plan.home, os.environ.get("COTERIE_STORE"))
    answer_at(socket.socket(fileno=plan.socket), plan, home, KeyFile(key_file(home.path)))


if __name__ == "__main__":
    main()
