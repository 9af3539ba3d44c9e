"""``open_store``: the store a path or address names."""

from __future__ import annotations

from pathlib import Path

from graph.embedded import EmbeddedStore
from graph.neo4j_address import SCHEMES, Address, is_address
from graph.store import GraphStore
from loaders.errors import ConfigError

__all__ = ["open_store", "store_name"]


def open_store(
    uri: str | Path, *, read_only: bool = False, wait_seconds: float = 0.0
) -> GraphStore:
    """Open the store at ``uri``.

    Args:
        uri: path of an embedded store's file, or ``neo4j://host[:port][/database]``; see
            ``docs/neo4j.md`` for other schemes and the login.
        read_only: never write; works beside a process that does.
        wait_seconds: how long to wait for another writer to finish, such as a nightly load; on
            Neo4j, writers need not wait for each other.

    Raises:
        ConfigError: the address is of a kind there is no store for, or there is nothing to read.
        StoreUnavailable: another process is writing; the message names it. Or the server does
            not answer.
    """
    scheme, separator, _ = str(uri).partition("://")
    if is_address(uri):
        # Only where it is needed: the driver loads pandas where that is installed.
        from graph.neo4j_store import Neo4jStore

        return Neo4jStore(str(uri), read_only)
    if separator:
        raise ConfigError(
            f"'{scheme}://' addresses are not supported; give the path of a file, or an address "
            f"that starts with one of {', '.join(SCHEMES)}"
        )
    return EmbeddedStore(uri, read_only, wait_seconds=wait_seconds)


def store_name(uri: str | Path) -> str:
    """``uri`` without the login it may hold.

    Raises:
        ConfigError: it is an address that cannot be read.
    """
    return str(Address.parse(str(uri)) if is_address(uri) else uri)
