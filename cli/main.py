"""``coterie``: one command for the whole way from files to a served recommendation.

Exit codes stand in ``docs/cli.md``: each error of ``loaders.errors`` has its own.
"""

from __future__ import annotations

import sys

import typer

from cli import (
    ask,
    build,
    events,
    graph_commands,
    keys,
    lifecycle,
    load,
    rules,
    serve,
    snapshots,
    tune,
)
from cli.output import err
from loaders.errors import CoterieError

__all__ = ["app", "main"]

INTERRUPTED = 130
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
    serve,
    load,
    build,
    tune,
    ask,
    rules,
    lifecycle,
    graph_commands,
    snapshots,
    events,
    keys,
):
    room.register(app)


def main() -> None:
    """Run the command line; turn errors that are meant for people into one line and a status."""
    try:
        app()
    except CoterieError as error:
        err.print("error:", style="bold red", end=" ")
        err.print(str(error))
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            err.print("interrupted; run the same command again to go on")
        raise


if __name__ == "__main__":
    main()
