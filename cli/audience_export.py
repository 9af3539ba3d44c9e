"""``coterie audiences export``: members out to other systems, some held out for a campaign."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from audiences.export import Form
from audiences.holdout import HoldOut
from audiences.webhook import Hook
from cli.options import DEFAULT_HOME, ConfigOption, HomeOption, JsonOption, at_home, settings
from cli.output import emit_json, err, out
from loaders.errors import ConfigError
from pipeline.audiences import Desk

__all__ = ["Columns", "Name", "desk_of", "export"]

SECRET = "COTERIE_WEBHOOK_SECRET"

Name = Annotated[str, typer.Argument(help="Name of the audience.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", help="What to tell of each; repeat it. Default: user_id."),
]


def desk_of(home: Path, config: Path | None) -> Desk:
    """Audiences of the shop in ``home``."""
    place = at_home(home)
    return Desk(place, settings(place, config).audiences)


def export(
    name: Name,
    output: Annotated[Path | None, typer.Option(help="File to write; stdout without it.")] = None,
    form: Annotated[Form, typer.Option("--format", help="Form of the file.")] = "csv",
    webhook: Annotated[
        str | None,
        typer.Option(help=f"Address to send signed batches to; the secret is in {SECRET}."),
    ] = None,
    column: Columns = None,
    campaign: Annotated[
        str | None, typer.Option(help="Campaign it is for: a share of the customers is held out.")
    ] = None,
    holdout: Annotated[
        float, typer.Option(help="Share of a campaign's customers who are held out.")
    ] = 0.1,
    mark: Annotated[
        bool, typer.Option("--mark", help="Mark the held out in a column, and leave them in.")
    ] = False,
    sent: Annotated[
        datetime | None,
        typer.Option(help="When the campaign reaches customers, UTC.", show_default="now"),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Write all members to a file, or send them to a webhook.

    Example: `coterie audiences export lapsed --output lapsed.csv --column user_id --column spend`

    Example: `coterie audiences export lapsed --output spring.csv --campaign spring --holdout 0.2`

    Example: `coterie audiences export lapsed --webhook https://crm.example.com/coterie`
    """
    desk, columns = desk_of(home, config), column or ["user_id"]
    held = None
    if campaign:
        at = sent.replace(tzinfo=UTC) if sent else datetime.now(UTC)
        held = HoldOut(campaign, holdout, mark, at)
    if webhook:
        done = desk.send(name, _hook(webhook), columns, held)
        if json:
            emit_json(asdict(done))
        else:
            out.print(f"{done.rows:,} members sent in {done.batches:,} batches")
        return
    pieces = desk.export(name, form, columns, held)
    if output is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    size = _write(output, pieces)
    if json:
        emit_json({"file": str(output), "bytes": size})
    else:
        err.print(f"{size:,} bytes written to {output}")


def _hook(url: str) -> Hook:
    secret = os.environ.get(SECRET, "")
    if not secret:
        raise ConfigError(f"set {SECRET} to the secret that the receiver shares")
    return Hook(url, secret)


def _write(output: Path, pieces: Iterable[bytes]) -> int:
    """Write beside, then in one step in place: half an export is none."""
    aside = output.with_name(f".{output.name}.part")
    try:
        with aside.open("wb") as file:
            size = sum(file.write(piece) for piece in pieces)
        os.replace(aside, output)
    except OSError as error:
        raise ConfigError(f"cannot write {output}: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
    return size
