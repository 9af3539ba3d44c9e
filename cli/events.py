"""``coterie events``: what live events wait for the graph, and delivering them by hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli.options import DEFAULT_HOME, HomeOption, JsonOption, StoreOption, at_home, settings
from cli.output import emit_json, err, out, table
from events.deliver import deliver, right_to_deliver
from events.queue import EventQueue, queue_file
from loaders.errors import ConfigError
from pipeline.home import Home

__all__ = ["register"]

WAIT_SECONDS = 60.0
SHOWN = 10
HELP = """Live events that wait for the graph.

Example: `coterie events status --home shops/mine`
"""

events = typer.Typer(no_args_is_help=True, help=HELP)


def _queue(home: Home) -> EventQueue:
    path = queue_file(home.path)
    if not path.exists():
        raise ConfigError(f"no server has taken events in {home.path}; start one: coterie serve")
    return EventQueue(path, settings(home, None).events)


@events.command()
def status(home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> None:
    """Show how many events wait, for how long, and which the store refused.

    Example: `coterie events status`
    """
    with _queue(at_home(home)) as queue:
        found, refused = queue.status(), queue.refused(SHOWN)
    if json:
        aside = [{**event._asdict(), "why": why} for event, why in refused]
        emit_json({**asdict(found), "first_refused": aside})
        return
    out.print(f"{found.waiting:,} events wait, the oldest for {found.oldest_seconds:.0f} s")
    if refused:
        rows = [(e.event_id, e.event, e.user_id, e.product_id, why) for e, why in refused]
        columns = ("event_id", "event", "user", "product", "why")
        table(f"{found.refused:,} refused by the store", columns, rows)


@events.command("deliver")
def deliver_now(
    retry: Annotated[
        bool, typer.Option("--retry", help="Try those that the store refused once more.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Move all waiting events to the graph now; a running `coterie serve` does so by itself.

    Example: `coterie events deliver --retry`
    """
    place = at_home(home, store)
    with _queue(place) as queue:
        right = right_to_deliver(queue, WAIT_SECONDS)
        try:
            again = queue.retry() if retry else 0
            chosen = settings(place, None).events
            done = deliver(queue, place.store, chosen, wait_seconds=WAIT_SECONDS)
        finally:
            right.release()
    if json:
        emit_json({"delivered": done.events, "refused": done.refused, "tried_again": again})
        return
    err.print(f"{place.store_name} took {done.events:,} events and refused {done.refused:,}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(events, name="events")
