"""``coterie events``: what waits for the graph, and delivering it by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.options import DEFAULT_HOME, HomeOption, JsonOption, StoreOption, at_home, settings
from cli.output import emit_json, err, out, table
from events.deliver import deliver, right_to_deliver
from events.lane import Lane, QueueStatus
from events.queue import EventQueue, queue_file
from loaders.errors import ConfigError
from pipeline.home import Home

__all__ = ["register"]

WAIT_SECONDS = 60.0
SHOWN = 10
LEADING = 4
"""First columns of a row, by which a person knows it."""
HELP = """Live events, and changes of customers and products, that wait for the graph.

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
    """Show how many events and changes wait, for how long, and which the store refused.

    Example: `coterie events status`
    """
    with _queue(at_home(home)) as queue:
        lanes: dict[str, Lane[Any]] = {"events": queue, "changes": queue.changes}
        found = {name: (lane.status(), lane.refused(SHOWN)) for name, lane in lanes.items()}
    if json:
        told = {name: _told(*of) for name, of in found.items()}
        emit_json({**told["events"], "changes": told["changes"]})
        return
    for name, (state, refused) in found.items():
        out.print(f"{state.waiting:,} {name} wait, the oldest for {state.oldest_seconds:.0f} s")
        if refused:
            columns = (*refused[0][0]._fields[:LEADING], "why")
            rows = [(*row[:LEADING], why) for row, why in refused]
            table(f"{state.refused:,} {name} refused by the store", columns, rows)


def _told(state: QueueStatus, refused: Sequence[tuple[Any, str]]) -> dict[str, Any]:
    """A lane for programs."""
    aside = [{**row._asdict(), "why": why} for row, why in refused]
    return {**asdict(state), "first_refused": aside}


@events.command("deliver")
def deliver_now(
    retry: Annotated[
        bool, typer.Option("--retry", help="Try events that the store refused once more.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Move all that waits to the graph now; a running `coterie serve` does so by itself.

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
        counts = {"delivered": done.events, "changes": done.changes, "refused": done.refused}
        emit_json({**counts, "tried_again": again})
        return
    err.print(
        f"{place.store_name} took {done.events:,} events and {done.changes:,} changes, and refused "
        f"{done.refused:,}"
    )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(events, name="events")
