"""Options that several commands share, written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from loaders.errors import ConfigError
from pipeline.config import Config, load_config
from pipeline.home import Home

__all__ = ["ConfigOption", "HomeOption", "JsonOption", "StoreOption", "at_home", "settings"]

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="COTERIE_HOME",
        help="Folder of the shop: its store, settings and snapshots.",
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="COTERIE_CONFIG", help="Settings file; by default HOME/coterie.toml."
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="COTERIE_STORE",
        help="Address of a Neo4j server that holds the graph, such as neo4j://host:7687.",
        show_default="the embedded store in HOME",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document; all else goes to stderr.")
]
DEFAULT_HOME = Path("~/.coterie")


def at_home(path: Path, store: str | None = None) -> Home:
    """The home at ``path``, with ``~`` resolved; its graph is in ``store`` if that is given."""
    return Home(path.expanduser().resolve(), store or None)


def settings(home: Home, config: Path | None, **overrides: Any) -> Config:
    """Settings from ``config``, or from the home's own file; ``overrides`` win over both.

    Raises:
        ConfigError: there is no file ``config``, or a setting is not valid.
    """
    if config is not None and not config.exists():
        raise ConfigError(f"there is no settings file {config}")
    return load_config(config or home.path / "coterie.toml", **overrides)
