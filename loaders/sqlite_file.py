"""``transaction``: what a few processes keep in one SQLite file, changed together or not at all.

The file is opened and closed each time, in SQLite's rollback mode: on disk when the block ends, and
whoever is killed in the middle leaves no trace. For thousands of writes a second see
``events.queue``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from loaders.errors import StoreUnavailable

__all__ = ["transaction"]

WAIT_SECONDS: Final = 10.0
"""How long to wait for another process to finish its write, which takes milliseconds."""


@contextmanager
def transaction(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """A connection to the file at ``path`` in one transaction, which holds if the block ends well.

    Args:
        path: the file; made, with its folder, where it is not there.
        schema: statements that make what is missing and leave the rest.

    Raises:
        StoreUnavailable: the file cannot be used, or another process has held it too long.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
            connection.isolation_level = None
            connection.executescript(schema)
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection
    except (sqlite3.DatabaseError, OSError) as error:
        raise StoreUnavailable(f"cannot use {path}: {error}; try again") from error
