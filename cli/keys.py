"""``coterie keys``: who may ask a server what, and the log of what was handed out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any

import typer

from api.access.audit import Audit, audit_file
from api.access.keys import SCOPES, Key, KeyFile, Scope, key_file
from cli.options import DEFAULT_HOME, HomeOption, JsonOption, at_home
from cli.output import emit_json, err, out, table
from loaders.errors import ConfigError

__all__ = ["register"]

HELP = """Keys that a server takes, each for some scopes; kept as hashes only.

`storefront` lists products and takes events, and may be public; `marketer` sees customers and
segments; `analyst` asks Cypher; `admin` goes back to earlier builds.

Example: `coterie keys create shop-pages --scope storefront --origin https://shop.example`
"""
PER_MINUTE = 6_000

keys = typer.Typer(no_args_is_help=True, help=HELP)

KeyId = Annotated[str, typer.Argument(help="Id of the key, as `coterie keys list` shows it.")]


def _file(home: Any) -> KeyFile:
    return KeyFile(key_file(at_home(home).path))


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may ask, given once or more.", show_default="storefront"),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Pages that may use it, such as https://shop.example; all by default."),
    ] = None,
    per_minute: Annotated[
        int, typer.Option(min=1, help="Most requests a minute of each server process.")
    ] = PER_MINUTE,
    days: Annotated[
        float | None, typer.Option(min=0.001, help="Days it lasts; for good by default.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Make a key. It is shown once; running servers take it at once.

    Example: `coterie keys create nightly-export --scope marketer --days 90`
    """
    scopes = [_scope(text) for text in scope or ("storefront",)]
    more = [s for s in scopes if s != "storefront"]
    if origin and more:
        raise ConfigError(
            f"a key with --origin stands in pages for all to read, so it cannot have the scope "
            f"{', '.join(more)}; make two keys"
        )
    key, token = _file(home).create(
        name, scopes, origins=origin or (), per_minute=per_minute, days=days
    )
    _show(key, token, json)


def _scope(text: str) -> Scope:
    for scope in SCOPES:
        if scope == text:
            return scope
    raise ConfigError(f"there is no scope '{text}'; there are: {', '.join(SCOPES)}")


@keys.command()
def rotate(
    key: KeyId,
    grace_hours: Annotated[
        float, typer.Option(min=0, help="Hours for which the old one goes on to open.")
    ] = 24.0,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Give a key a new secret, while the old one still opens for a while.

    Example: `coterie keys rotate 3fa9c1d2 --grace-hours 48`
    """
    _show(*_file(home).rotate(key, grace_hours), json)


def _show(key: Key, token: str, json: bool) -> None:
    if json:
        emit_json({**_row(key), "key": token})
        return
    err.print(f"key {key.id} ({key.name}) for {', '.join(key.scopes)}; it is not shown again:")
    out.print(token, soft_wrap=True, highlight=False)


@keys.command()
def revoke(key: KeyId, home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> None:
    """Take a key away; running servers refuse it at once.

    Example: `coterie keys revoke 3fa9c1d2`
    """
    gone = _file(home).revoke(key)
    if json:
        emit_json({"revoked": gone.id})
    else:
        err.print(f"key {gone.id} ({gone.name}) opens nothing any more")


@keys.command("list")
def list_keys(home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> None:
    """List all keys.

    Example: `coterie keys list`
    """
    rows = [_row(key) for key in _file(home).all()]
    if json:
        emit_json(rows)
    elif not rows:
        err.print("there is no key; make one: coterie keys create NAME --scope storefront")
    else:
        table("Keys", tuple(rows[0]), [tuple(row.values()) for row in rows])


def _row(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": ", ".join(key.scopes),
        "origins": ", ".join(key.origins) or "any",
        "per_minute": key.per_minute,
        "created": f"{key.created:%Y-%m-%d %H:%M}",
        "expires": f"{key.expires:%Y-%m-%d %H:%M}" if key.expires else "never",
    }


@keys.command()
def audit(
    days: Annotated[float, typer.Option(min=0, help="How far to look back.")] = 7.0,
    limit: Annotated[int, typer.Option(min=1, help="Most lines to show.")] = 100,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Show which key read about customers, asked the graph or changed the build, newest first.

    Example: `coterie keys audit --days 30`
    """
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    lines = [n for n in Audit(audit_file(at_home(home).path)).lines() if n["at"] >= since]
    newest = list(islice(reversed(lines), limit))
    if json:
        emit_json(newest)
    elif not newest:
        err.print(f"nothing was noted in the last {days:g} days")
    else:
        columns = ("at", "key", "name", "client", "method", "path", "query")
        table("Audit", columns, [tuple(n.get(c) or "" for c in columns) for n in newest])


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(keys, name="keys")
