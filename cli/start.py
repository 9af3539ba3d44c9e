"""The program ``coterie``: servers load what serving needs, all other commands everything.

Loading everything takes as long as a server's whole start.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["serve"]:
        _serve()
    else:
        from cli.main import main as whole

        whole()


def _serve() -> None:
    import typer

    from cli.running import run
    from cli.serve import register

    app = typer.Typer(name="coterie", add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_alone)
    register(app)
    run(app)


def _alone() -> None:
    """Keeps ``serve`` a command of its own name, though there is no other."""


if __name__ == "__main__":
    main()
