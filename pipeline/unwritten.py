"""What a build derived and could not write into the graph, kept until the graph is back."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from graph.open import open_store
from graph.store import Derived
from loaders.errors import ConfigError
from loaders.progress import Progress, silent
from pipeline.home import Home

__all__ = ["WAIT_FOR_STORE", "forget", "keep", "kept", "write_back"]

WAIT_FOR_STORE: Final = 60.0
_MARK: Final = "--"


def keep(home: Home, derived: Derived) -> None:
    """Put ``derived`` on disk, in the place of what an earlier build left there."""
    aside = Path(tempfile.mkdtemp(dir=home.path, prefix=".unwritten."))
    for label, table in derived.nodes.items():
        pq.write_table(table, aside / f"{label}.parquet")
    for ends, table in derived.edges.items():
        pq.write_table(table, aside / f"{_MARK.join(ends)}.parquet")
    (aside / "build").write_text(derived.build, encoding="utf-8")
    forget(home)
    aside.rename(home.unwritten)


def kept(home: Home) -> Derived:
    """What a build left to be written.

    Raises:
        ConfigError: nothing is left.
    """
    try:
        build = (home.unwritten / "build").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"no build in {home.path} was kept from writing to the graph") from None
    tables = {file.stem: pq.read_table(file) for file in home.unwritten.glob("*.parquet")}
    edges = {}
    for name in [name for name in tables if _MARK in name]:
        kind, source, target = name.split(_MARK)
        edges[kind, source, target] = tables.pop(name)
    return Derived(build, tables, edges)


def forget(home: Home) -> None:
    """Drop what is kept, if anything is."""
    shutil.rmtree(home.unwritten, ignore_errors=True)


def write_back(home: Home, progress: Progress = silent) -> str:
    """Write what the last build left into the graph, then publish that build; its name.

    Raises:
        ConfigError: nothing is left to be written.
        StoreUnavailable: the graph is still away, or a build is running.
    """
    with home.building():
        derived = kept(home)
        home.snapshot(derived.build)
        progress("write back to the graph", 0, 1)
        with open_store(home.store, wait_seconds=WAIT_FOR_STORE) as store:
            store.replace_derived(derived)
        progress("write back to the graph", 1, 1)
        home.publish(derived.build)
        forget(home)
    return derived.build
