"""``run``: a command line whose errors are a line for people and a status for scripts."""

from __future__ import annotations

import sys

import typer

from cli.output import err
from loaders.errors import CoterieError

__all__ = ["INTERRUPTED", "run"]

INTERRUPTED = 130


def run(app: typer.Typer) -> None:
    """Run commands; turn errors that are meant for people into one line and an exit code."""
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
