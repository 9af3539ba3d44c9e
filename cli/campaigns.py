"""``coterie campaigns``: what campaigns changed, by those who were held out of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.experiment_views import figure, print_results
from cli.options import (
    DEFAULT_HOME,
    ConfigOption,
    HomeOption,
    JsonOption,
    StoreOption,
    at_home,
    settings,
)
from cli.output import emit_json, err, out, table
from pipeline.campaigns import Campaigns, Exports

__all__ = ["register"]

HELP = """See what campaigns changed: exports of audiences that held some customers out.

Example: `coterie campaigns results spring`
"""

campaigns = typer.Typer(no_args_is_help=True, help=HELP)

Name = Annotated[str, typer.Argument(help="Name of the campaign.")]


def _campaigns(home: Path, config: Path | None, store: str | None = None) -> Campaigns:
    place = at_home(home, store)
    return Campaigns(place, settings(place, config).experiments)


def _print(found: list[Exports]) -> None:
    lines = [
        (
            one.name,
            ", ".join(one.audiences),
            f"{one.share:.0%}",
            f"{one.first:%Y-%m-%d %H:%M}",
            f"{one.last:%Y-%m-%d %H:%M}",
            f"{one.customers:,}",
        )
        for one in found
    ]
    columns = ("campaign", "audiences", "held out", "first sent", "last sent", "customers")
    table("Campaigns", columns, lines, ("held out", "customers"))


@campaigns.command("list")
def list_(
    home: HomeOption = DEFAULT_HOME, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """List all campaigns that audiences were exported for.

    Example: `coterie campaigns list`
    """
    found = _campaigns(home, config).all()
    if json:
        emit_json([asdict(one) for one in found])
    elif not found:
        err.print("there is no campaign; make one: coterie audiences export NAME --campaign NAME")
    else:
        _print(found)


@campaigns.command()
def results(
    name: Name,
    days: Annotated[
        float | None,
        typer.Option(min=0.01, max=365, help="Days after it was sent in which purchases count."),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Tell what a campaign changed: those it reached beside those who were held out.

    Example: `coterie campaigns results spring --days 14`
    """
    found = _campaigns(home, config, store).results(name, days)
    if json:
        more = asdict(found.incremental_revenue) if found.incremental_revenue else None
        plain = found.results.plain()
        emit_json({**asdict(found.exports), "results": plain, "incremental_revenue": more})
        return
    _print([found.exports])
    print_results(name, found.results)
    if found.incremental_revenue:
        out.print(f"revenue beyond what would have come: {figure(found.incremental_revenue)}")


@campaigns.command()
def delete(
    name: Name,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Forget a campaign and who was in it.

    Example: `coterie campaigns delete spring`
    """
    _campaigns(home, config).delete(name)
    if json:
        emit_json({"deleted": name})
    else:
        out.print(f"deleted {name}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(campaigns, name="campaigns")
