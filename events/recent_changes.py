"""``RecentChanges``: what was said of products since a snapshot learned, read as it comes."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from events.change import Change
from events.looks import Looks
from graph.properties import Scalar

__all__ = ["RecentChanges", "Said"]

Said = Mapping[str, Scalar]
"""Values of a product by name: attributes, ``title``, ``price``, ``category_id`` and ``brand``.

Names are in lower case, as the graph knows them in any.
"""

# "+label" is no less than "label", but by its index all changes would be looked at each time.
_UNLEARNED: Final = (
    f"SELECT seq, {', '.join(Change._fields)} FROM changes WHERE +label = 'Product' "
    "AND refused IS NULL AND (settled IS NULL OR settled > ?) AND "
)
FRESH: Final = f"{_UNLEARNED} seq > ? ORDER BY seq"
OF_ONE: Final = f"{_UNLEARNED} label = 'Product' AND id = ? AND seq <= ? ORDER BY seq"
REFUSED: Final = (
    "SELECT id, settled FROM changes WHERE settled > ? AND refused IS NOT NULL "
    "AND +label = 'Product' AND +seq <= ?"
)


class RecentChanges:
    """Changes of products that a snapshot has not learned from, merged as the graph merges them.

    Those delivered to the graph before it was read are in the snapshot; those that waited then, or
    came later, are not. Of several values of one property the last holds. A change that the graph
    refuses is felt while it waits, and not any more from then on.

    Args:
        path: the queue's file; it need not exist yet.
        read_at: when the snapshot's build read the graph, seconds since 1970.
        clock: seconds, from any beginning.
    """

    def __init__(
        self, path: Path, read_at: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._looks, self._read_at = Looks(path, clock), read_at
        self._said: dict[str, dict[str, Scalar]] = {}
        self._seen, self._refused = 0, 0.0

    def follow(self, tell: Callable[[str, Said], None]) -> None:
        """Read what is new, unless that was done a moment ago.

        Args:
            tell: called for each product that something new is known of, with its id and all that
                was said of it since the snapshot learned; never by two threads at a time.
        """
        self._looks.take(lambda connection: self._take(connection, tell))

    def _take(self, connection: sqlite3.Connection, tell: Callable[[str, Said], None]) -> None:
        refused = connection.execute(REFUSED, (self._refused, self._seen)).fetchall()
        fresh = connection.execute(FRESH, (self._read_at, self._seen)).fetchall()
        touched = dict.fromkeys(id_ for id_, _ in refused)
        again = {id_: self._of(connection, id_) for id_ in touched}
        self._said.update(again)
        self._refused = max((at for _, at in refused), default=self._refused)
        for seq, *row in fresh:
            change = Change(*row)
            _merge(self._said.setdefault(change.id, {}), change)
            touched[change.id] = None
            self._seen = seq
        for id_ in touched:
            tell(id_, self._said[id_])

    def _of(self, connection: sqlite3.Connection, id_: str) -> dict[str, Scalar]:
        """All that still holds of one product, as far as it was read."""
        own: dict[str, Scalar] = {}
        rows = connection.execute(OF_ONE, (self._read_at, id_, self._seen))
        for _, *row in rows:
            _merge(own, Change(*row))
        return own


def _merge(own: dict[str, Scalar], change: Change) -> None:
    own.update((name.lower(), value) for name, value in json.loads(change.properties).items())
    if change.category_id:
        own["category_id"] = change.category_id
    if change.brand:
        own["brand"] = change.brand
