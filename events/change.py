"""``Change``: what a shop says of one customer or product, as it waits for the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from events.lane import Lane

__all__ = ["CHANGES_TABLE", "Change", "ChangeLane"]

CHANGES_TABLE: Final = """
CREATE TABLE IF NOT EXISTS changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    label TEXT NOT NULL,
    id TEXT NOT NULL,
    properties TEXT NOT NULL,
    category_id TEXT,
    brand TEXT,
    received REAL NOT NULL,
    settled REAL,
    refused TEXT
);
CREATE INDEX IF NOT EXISTS changes_waiting ON changes (seq) WHERE settled IS NULL;
CREATE INDEX IF NOT EXISTS changes_settled ON changes (settled) WHERE settled IS NOT NULL;
CREATE INDEX IF NOT EXISTS changes_refused ON changes (seq) WHERE refused IS NOT NULL;
CREATE INDEX IF NOT EXISTS changes_of ON changes (label, id);
CREATE INDEX IF NOT EXISTS changes_refused_at ON changes (settled) WHERE refused IS NOT NULL;
"""

_DROP_SAID_ANEW: Final = """
DELETE FROM changes WHERE seq IN (
    SELECT old.seq FROM changes AS new
    JOIN changes AS old ON old.label = new.label AND old.id = new.id AND old.seq < new.seq
    WHERE new.seq = ? AND new.label = 'Product'
        AND old.settled IS NOT NULL AND old.refused IS NULL
        AND (old.category_id IS NULL OR new.category_id IS NOT NULL)
        AND (old.brand IS NULL OR new.brand IS NOT NULL)
        AND NOT EXISTS (
            SELECT 1 FROM json_each(old.properties)
            WHERE key NOT IN (SELECT key FROM json_each(new.properties))
        )
)
"""
"""What of a product was said before the change at a place and is said anew by it."""


class Change(NamedTuple):
    """Properties of one node to set; what it does not name stays as it is.

    Attributes:
        label: ``User`` or ``Product``.
        id: the shop's own.
        properties: a JSON object of values by name; none of them is null.
        category_id: the category that a product moves to.
        brand: the brand that a product gets.
    """

    label: str
    id: str
    properties: str
    category_id: str | None = None
    brand: str | None = None

    @property
    def named(self) -> str:
        """What a person knows it by."""
        return f"{self.label} {self.id}"


class ChangeLane(Lane[Change]):
    """Changes that wait; one that was refused is forgotten when a later one of its node arrives.

    Delivered ones of products stay until later ones of the same product say anew all that they did,
    so that a server that is started, whatever the age of its snapshot, knows the latest of each
    property: at most a few rows a product.
    """

    def _forget(self, connection: sqlite3.Connection, before: float, places: Sequence[int]) -> None:
        """Drop what no reader needs, and refusals that were mended since; see ``Lane``."""
        connection.execute(
            "DELETE FROM changes WHERE refused IS NOT NULL AND EXISTS (SELECT 1 FROM changes later "
            "WHERE later.label = changes.label AND later.id = changes.id "
            "AND later.seq > changes.seq AND later.settled IS NOT NULL AND later.refused IS NULL)"
        )
        connection.execute(
            "DELETE FROM changes WHERE label = 'User' AND settled <= ? AND refused IS NULL",
            (before,),
        )
        connection.executemany(_DROP_SAID_ANEW, [(place,) for place in places])
