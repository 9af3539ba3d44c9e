"""``open_store``: the store a path or address names."""

from __future__ import annotations

from pathlib import Path

from graph.embedded import EmbeddedStore
from graph.store import GraphStore
from loaders.errors import ConfigError

__all__ = ["open_store"]


def open_store(
    uri: str | Path, *, read_only: bool = False, wait_seconds: float = 0.0
) -> GraphStore:
    """Open the store at ``uri``.

    Args:
        uri: path of an embedded store's file.
        read_only: never write; works beside a process that does.
        wait_seconds: how long to wait for another writer to finish, such as a nightly load.

    Raises:
        ConfigError: the address is of a kind there is no store for, or there is nothing to read.
        StoreUnavailable: another process is writing; the message names it.
    """
    scheme, separator, _ = str(uri).partition("://")
    if separator:
        raise ConfigError(
            f"'{scheme}://' addresses are not supported: this version has the embedded store "
            "only; give the path of a file"
        )
    return EmbeddedStore(uri, read_only, wait_seconds=wait_seconds)
