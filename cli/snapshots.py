"""``coterie snapshots``: which builds there are, what is in one, and going back to one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.build import print_evaluation
from cli.options import DEFAULT_HOME, HomeOption, JsonOption, at_home
from cli.output import emit_json, err, out, table
from loaders.errors import SnapshotMissing
from pipeline.home import Home
from pipeline.snapshot import read_manifest, read_report

__all__ = ["register"]

HELP = """List, show and roll back published builds.

Example: `coterie snapshots list --home shops/mine`
"""

snapshots = typer.Typer(no_args_is_help=True, help=HELP)


@snapshots.command("list")
def list_snapshots(home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> None:
    """List all builds, newest last, the published one marked.

    Example: `coterie snapshots list`
    """
    place = at_home(home)
    published = place.current() if place.pointer.exists() else None
    rows = [row for build in place.builds() if (row := _row(place, build, published))]
    if json:
        emit_json(rows)
        return
    columns = ("build", "created", "users", "products", "purchases", "published")
    table(f"Snapshots in {place.snapshots}", columns, [[r[c] for c in columns] for r in rows])


def _row(place: Home, build: str, published: str | None) -> dict[str, Any] | None:
    """What the list says of a build; ``None``, and a warning, where it cannot be read."""
    try:
        manifest = read_manifest(place.snapshot(build))
    except SnapshotMissing as error:
        err.print(f"{build}: {error}")
        return None
    counts = {name: manifest.counts[name] for name in ("users", "products", "purchases")}
    created = f"{manifest.created:%Y-%m-%d %H:%M:%S}"
    return {"build": build, "created": created, **counts, "published": build == published}


@snapshots.command()
def show(
    build: Annotated[
        str | None, typer.Argument(help="Its name; by default the published one.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Show one build: data, settings, versions, choice and figures.

    Example: `coterie snapshots show --json`
    """
    folder = at_home(home).snapshot(build)
    manifest = read_manifest(folder).model_dump(mode="json")
    if json:
        emit_json(manifest)
        return
    simple = [(k, v) for k, v in manifest.items() if not isinstance(v, dict | list)]
    nested = [(k, v) for k in ("counts", "seconds", "versions") for v in [_flat(manifest[k])]]
    table(f"Snapshot {manifest['build']}", ("what", "value"), simple + nested)
    print_evaluation(read_report(folder))


def _flat(values: dict[str, Any]) -> str:
    return ", ".join(f"{k} {v}" for k, v in values.items())


@snapshots.command()
def rollback(
    build: Annotated[
        str | None, typer.Argument(help="Its name; by default the one before the published.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Publish an earlier build again; a running `coterie serve` changes over by itself.

    Example: `coterie snapshots rollback`
    """
    place = at_home(home)
    name = build or place.previous()
    place.publish(name)
    if json:
        emit_json({"published": name})
    else:
        out.print(f"published {name}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(snapshots, name="snapshots")
