"""``coterie audiences ...``: who is wanted, how many they are, why, and out to other systems."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from audiences.cypher import Dialect
from audiences.definition import Definition, canonical, read_file
from audiences.estimate import Estimate
from audiences.explain import Explained, Told
from audiences.export import Form
from audiences.vault import Refresh
from audiences.webhook import Hook
from cli.options import DEFAULT_HOME, ConfigOption, HomeOption, JsonOption, at_home, settings
from cli.output import emit_json, err, out, progress_bars, table
from loaders.errors import AudienceError, ConfigError
from pipeline.audiences import Change, Desk, Listed

__all__ = ["register"]

HELP = """Say who is wanted, see how many they are and why, and export them.

Example: `coterie audiences estimate lapsed.toml`
"""
SECRET = "COTERIE_WEBHOOK_SECRET"

audiences = typer.Typer(no_args_is_help=True, help=HELP)

Name = Annotated[str, typer.Argument(help="Name of the audience.")]
Source = Annotated[
    str, typer.Argument(help="A definition, .toml or .json, or the name of a saved audience.")
]
File = Annotated[Path, typer.Argument(help="A definition, .toml or .json.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", help="What to tell of each; repeat it. Default: user_id."),
]


def _desk(home: Path, config: Path | None) -> Desk:
    place = at_home(home)
    return Desk(place, settings(place, config).audiences)


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
    desk = _desk(home, config)
    saved, told = desk.save(read_file(file))
    if json:
        emit_json({"name": saved.name, "version": saved.version, "estimate": asdict(told)})
        return
    out.print(f"saved {saved.name} as version {saved.version}")
    _estimate(told)


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
    desk = _desk(home, config)
    told = desk.estimate(_definition(desk, source))
    if json:
        emit_json(asdict(told))
    else:
        _estimate(told)


def _estimate(told: Estimate) -> None:
    if told.size is None:
        out.print(f"fewer than {told.minimum} customers; nothing more is told of so few")
        return
    about = "about " if told.coarse else ""
    out.print(f"{about}{told.size:,} customers, {told.share:.1%} of all")
    if told.coarse:
        out.print(
            f"It differs from another group by fewer than {told.minimum}, so the size is told in "
            f"steps of {told.minimum} and no value."
        )
        return
    out.print(f"They spent {told.spend:,.2f} so far.")
    if told.expected_value is not None:
        out.print(f"Expected of them: {told.expected_value:,.2f}.")
    for title, found in (("Segments", told.segments), ("Other audiences", told.audiences)):
        rows = [
            (o.id, o.name, _count(o.size), "" if o.share is None else f"{o.share:.0%}")
            for o in found
        ]
        if rows:
            table(title, ("id", "name", "shared", "of this"), rows, ("shared", "of this"))


def _count(size: int | None) -> str:
    return "too few" if size is None else f"{size:,}"


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
    found = _desk(home, config).listed(segment)
    if json:
        emit_json([_listed(one) for one in found])
    else:
        _table(found)


def _table(found: Sequence[Listed]) -> None:
    rows = [
        (
            one.saved.name,
            one.saved.definition.title,
            one.saved.version,
            *_line(one.last),
            ", ".join(one.used_by),
        )
        for one in found
    ]
    numbers = ("version", "customers", "added", "removed", "net", "spent")
    columns = ("name", "title", "version", "build", *numbers[1:], "used by")
    table("Audiences", columns, rows, numbers)


def _line(line: Refresh | None) -> tuple[Any, ...]:
    if line is None:
        return ("", "", "", "", "", "")
    spent = "" if line.spend is None else f"{line.spend:,.2f}"
    size = "cannot be evaluated" if line.problem else _count(line.size)
    return (line.build, size, line.added, line.removed, line.net, spent)


def _listed(one: Listed) -> dict[str, Any]:
    return {
        "name": one.saved.name,
        "version": one.saved.version,
        "definition": one.saved.definition.model_dump(mode="json", exclude_defaults=True),
        "last": asdict(one.last) if one.last else None,
        "used_by": one.used_by,
    }


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
    desk = _desk(home, config)
    if as_cypher:
        out.print(desk.cypher(_definition(desk, source), dialect))
        return
    versions, history, one = desk.vault.versions(source), desk.history(source), desk.show(source)
    if json:
        emit_json(
            {
                **_listed(one),
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
    _table([one])
    rows = [(v.version, v.created, canonical(v.definition.where)) for v in versions]
    table("Versions", ("version", "saved", "where"), rows, ("version",))
    lines = [(line.at, line.version, *_line(line)) for line in history]
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
    found = _desk(home, config).members(name, offset, k, column or ("user_id",))
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
    told = _desk(home, config).explain(name, user_id)
    if json:
        emit_json(asdict(told))
    else:
        _explain(name, told)


def _explain(name: str, told: Explained) -> None:
    barred = f" ({told.barred})" if told.barred else ""
    out.print(f"{told.user_id} is {'' if told.member else 'not '}in {name}{barred}")
    for depth, node in _nodes(told.tree):
        values = ", ".join(f"{key} {value}" for key, value in node.found.items())
        found = f"   [{values}]" if values else ""
        out.print(f"{'  ' * depth}{'yes' if node.met else 'no '}  {node.text}{found}")


def _nodes(node: Told, depth: int = 1) -> Iterable[tuple[int, Told]]:
    yield depth, node
    for inner in node.inner:
        yield from _nodes(inner, depth + 1)


@audiences.command()
def export(
    name: Name,
    output: Annotated[Path | None, typer.Option(help="File to write; stdout without it.")] = None,
    form: Annotated[Form, typer.Option("--format", help="Form of the file.")] = "csv",
    webhook: Annotated[
        str | None,
        typer.Option(help=f"Address to send signed batches to; the secret is in {SECRET}."),
    ] = None,
    column: Columns = None,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Write all members to a file, or send them to a webhook.

    Example: `coterie audiences export lapsed --output lapsed.csv --column user_id --column spend`

    Example: `coterie audiences export lapsed --webhook https://crm.example.com/coterie`
    """
    desk, columns = _desk(home, config), column or ["user_id"]
    if webhook:
        sent = desk.send(name, _hook(webhook), columns)
        if json:
            emit_json(asdict(sent))
        else:
            out.print(f"{sent.rows:,} members sent in {sent.batches:,} batches")
        return
    pieces = desk.export(name, form, columns)
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
    desk = _desk(home, config)
    changes = desk.diff(_definition(desk, file), version)
    if json:
        emit_json([asdict(change) for change in changes])
        return
    columns = ("name", "before", "after", "added", "removed")
    table("What changes", columns, [_cells(change) for change in changes], columns[1:])


def _cells(change: Change) -> tuple[str, ...]:
    sizes = (change.before, change.after, change.added, change.removed)
    return (change.name, *map(_count, sizes))


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
        found = _desk(home, config).refresh(names or (), progress)
    if json:
        emit_json([_listed(one) for one in found])
    else:
        _table(found)


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
    _desk(home, config).delete(name)
    if json:
        emit_json({"deleted": name})
    else:
        out.print(f"deleted {name}")


Way = Literal["add", "remove", "erase", "list"]


@audiences.command()
def suppress(
    way: Annotated[
        Way, typer.Argument(help="Add to the list, remove from it, erase for good, or list.")
    ],
    user_ids: Annotated[list[str] | None, typer.Argument(help="Ids of customers.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file of ids, one a line.")] = None,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Keep customers out of every audience, list and export, whatever a definition says.

    `erase` also takes them out of what was kept of earlier refreshes and exports.

    Example: `coterie audiences suppress add 1228 1229`

    Example: `coterie audiences suppress add --file opted-out.txt`
    """
    vault = _desk(home, config).vault
    ids = [*(user_ids or ()), *(_ids(file) if file else ())]
    if way != "list" and not ids:
        raise AudienceError([("user_ids", "give ids of customers, or --file")])
    if way == "list":
        listed = vault.suppressed()
        if json:
            emit_json(listed)
        else:
            out.print("\n".join(listed))
        return
    done = {"add": vault.suppress, "remove": vault.allow, "erase": vault.erase}[way](ids)
    if json:
        emit_json({"asked": len(ids), "changed": done})
    else:
        out.print(f"{way}: {done:,} of {len(ids):,} customers changed")


def _ids(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audiences, name="audiences")
