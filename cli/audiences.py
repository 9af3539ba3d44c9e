"""``coterie audiences ...``: who is wanted, how many they are, why, and out to other systems."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from audiences.cypher import Dialect
from audiences.definition import Definition, canonical, read_file
from cli.audience_export import Columns, Name, desk_of, export
from cli.audience_views import (
    audience_json,
    change_cells,
    print_audiences,
    print_estimate,
    print_explained,
    refresh_cells,
)
from cli.options import DEFAULT_HOME, ConfigOption, HomeOption, JsonOption, at_home, settings
from cli.output import emit_json, out, progress_bars, table
from loaders.errors import ConfigError, OptionError
from pipeline.audiences import Desk
from pipeline.experiments import ExperimentDesk

__all__ = ["register"]

HELP = """Say who is wanted, see how many they are and why, and export them.

Example: `coterie audiences estimate lapsed.toml`
"""

audiences = typer.Typer(no_args_is_help=True, help=HELP)

Source = Annotated[
    str, typer.Argument(help="A definition, .toml or .json, or the name of a saved audience.")
]
File = Annotated[Path, typer.Argument(help="A definition, .toml or .json.")]


def _definition(desk: Desk, source: str) -> Definition:
    if source.endswith((".toml", ".json")):
        return read_file(Path(source))
    return desk.vault.versions(source)[-1].definition


@audiences.command()
def create(
    file: File,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Save a definition, as the next version where its name is taken.

    Example: `coterie audiences create lapsed.toml`
    """
    desk = desk_of(home, config)
    saved, told = desk.save(read_file(file))
    if json:
        emit_json({"name": saved.name, "version": saved.version, "estimate": asdict(told)})
        return
    out.print(f"saved {saved.name} as version {saved.version}")
    print_estimate(told)


@audiences.command()
def estimate(
    source: Source,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Tell size, value and overlap with segments and other audiences, before saving.

    Example: `coterie audiences estimate lapsed.toml`
    """
    desk = desk_of(home, config)
    told = desk.estimate(_definition(desk, source))
    if json:
        emit_json(asdict(told))
    else:
        print_estimate(told)


@audiences.command("list")
def list_(
    segment: Annotated[
        str | None, typer.Option(help="Only those that would change with this segment.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List the saved audiences with their size at the last refresh.

    Example: `coterie audiences list`

    Example: `coterie audiences list --segment segment-2`
    """
    found = desk_of(home, config).listed(segment)
    if json:
        emit_json([audience_json(one) for one in found])
    else:
        print_audiences(found)


@audiences.command()
def show(
    source: Source,
    as_cypher: Annotated[
        bool, typer.Option("--cypher", help="Print the query that finds the members.")
    ] = False,
    dialect: Annotated[Dialect, typer.Option(help="Engine of the query.")] = "embedded",
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show an audience's versions and history of size, or its Cypher.

    Example: `coterie audiences show lapsed`

    Example: `coterie audiences show lapsed.toml --cypher`
    """
    desk = desk_of(home, config)
    if as_cypher:
        out.print(desk.cypher(_definition(desk, source), dialect))
        return
    versions, history, one = desk.vault.versions(source), desk.history(source), desk.show(source)
    if json:
        emit_json(
            {
                **audience_json(one),
                "versions": [
                    {
                        "version": v.version,
                        "created": v.created,
                        "definition": canonical(v.definition),
                    }
                    for v in versions
                ],
                "history": [{**asdict(line), "net": line.net} for line in history],
            }
        )
        return
    print_audiences([one])
    rows = [(v.version, v.created, canonical(v.definition.where)) for v in versions]
    table("Versions", ("version", "saved", "where"), rows, ("version",))
    lines = [(line.at, line.version, *refresh_cells(line)) for line in history]
    numbers = ("version", "customers", "added", "removed", "net", "spent")
    table("History", ("at", "version", "build", *numbers[1:]), lines, numbers)


@audiences.command()
def members(
    name: Name,
    column: Columns = None,
    k: Annotated[int, typer.Option(min=1, max=100_000, help="How many to print.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over.")] = 0,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List members of a saved audience.

    Example: `coterie audiences members lapsed --column user_id --column spend`
    """
    found = desk_of(home, config).members(name, offset, k, column or ("user_id",))
    if json:
        emit_json({"build": found.build, "total": found.total, "members": found.rows.to_dicts()})
    else:
        table(f"{name}: {found.total:,} members", found.rows.columns, found.rows.rows())


@audiences.command()
def explain(
    name: Name,
    user_id: Annotated[str, typer.Argument(help="The customer's id.")],
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Tell why a customer is in an audience or not: thresholds beside true values.

    Example: `coterie audiences explain lapsed 1228`
    """
    told = desk_of(home, config).explain(name, user_id)
    if json:
        emit_json(asdict(told))
    else:
        print_explained(name, told)


audiences.command()(export)


@audiences.command()
def diff(
    file: Source,
    version: Annotated[
        int | None, typer.Option(min=1, help="Compare with this version, not the latest.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Tell what a changed definition changes: the audience, and those that refer to it.

    Example: `coterie audiences diff lapsed.toml`

    Example: `coterie audiences diff lapsed --version 1`
    """
    desk = desk_of(home, config)
    changes = desk.diff(_definition(desk, file), version)
    if json:
        emit_json([asdict(change) for change in changes])
        return
    columns = ("name", "before", "after", "added", "removed")
    table("What changes", columns, [change_cells(change) for change in changes], columns[1:])


@audiences.command()
def refresh(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of audiences; all without them.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Evaluate saved audiences over the published build, as each build does at its end.

    Example: `coterie audiences refresh lapsed`
    """
    with progress_bars() as progress:
        found = desk_of(home, config).refresh(names or (), progress)
    if json:
        emit_json([audience_json(one) for one in found])
    else:
        print_audiences(found)


@audiences.command()
def delete(
    name: Name,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Forget an audience with its versions, history and exports.

    Example: `coterie audiences delete lapsed`
    """
    desk_of(home, config).delete(name)
    if json:
        emit_json({"deleted": name})
    else:
        out.print(f"deleted {name}")


@audiences.command()
def suppress(
    user_ids: Annotated[
        list[str] | None, typer.Argument(help="Ids of customers; the list is printed without.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file of further ids, one a line.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take them off the list.")] = False,
    erase: Annotated[
        bool, typer.Option("--erase", help="Take them out of all that is kept, for good.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Keep customers out of every audience, list and export, whatever a definition says.

    Example: `coterie audiences suppress 1228 1229`

    Example: `coterie audiences suppress --file opted-out.txt`
    """
    if remove and erase:
        raise OptionError("erase", "give either --remove or --erase")
    vault = desk_of(home, config).vault
    ids = [*(user_ids or ()), *(_ids(file) if file else ())]
    if not ids and (remove or erase or file):
        raise OptionError("user_ids", "give ids of customers")
    if not ids:
        listed = vault.suppressed()
        if json:
            emit_json(listed)
        else:
            out.print("\n".join(listed))
        return
    done = (vault.erase if erase else vault.allow if remove else vault.suppress)(ids)
    if erase:
        ExperimentDesk(at_home(home), settings(at_home(home), config).experiments).ledger.forget(
            ids
        )
    if json:
        emit_json({"asked": len(ids), "changed": done})
    else:
        out.print(f"{done:,} of {len(ids):,} customers changed")


def _ids(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audiences, name="audiences")
