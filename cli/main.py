"""``coterie``: one command for the whole way from files to a served recommendation.

Exit codes stand in ``docs/cli.md``: each error of ``loaders.errors`` has its own.
"""

from __future__ import annotations

import typer

from cli import (
    ask,
    audiences,
    build,
    campaigns,
    demo,
    events,
    experiments,
    forget,
    graph_commands,
    keys,
    lifecycle,
    load,
    merchandising,
    profiles,
    rules,
    segments,
    serve,
    snapshots,
    tune,
)
from cli.running import run

__all__ = ["app", "main"]

HELP = """Learn a shop's customers, products and events as a graph, and serve what was learned.

Example: `coterie demo`

Every command tells more: `coterie load --help`
"""

app = typer.Typer(
    name="coterie",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help=HELP,
)
for room in (
    demo,
    serve,
    load,
    build,
    tune,
    ask,
    segments,
    profiles,
    rules,
    lifecycle,
    audiences,
    campaigns,
    experiments,
    merchandising,
    graph_commands,
    snapshots,
    events,
    forget,
    keys,
):
    room.register(app)


def main() -> None:
    """Run the command line."""
    run(app)


if __name__ == "__main__":
    main()
