"""``Ledger``: who was shown which variant first and when, and who clicked, in one file of a home.

What is noted is on disk when the call returns. A unit is exposed once however often it is told, and
a click is known by its event's id, so that what is sent again changes no count.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from loaders.errors import StoreUnavailable
from loaders.sqlite_file import transaction

__all__ = ["Ledger", "Touch"]

_SCHEMA: Final = """
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS exposures (
    experiment TEXT, unit TEXT, variant TEXT, at INTEGER, PRIMARY KEY (experiment, unit)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clicks (
    event_id TEXT PRIMARY KEY, experiment TEXT, unit TEXT, at INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS clicks_of ON clicks (experiment, unit);
"""
_EXPOSURES: Final = pl.Schema({"unit": pl.String, "variant": pl.String, "at": pl.Int64})
_CLICKS: Final = pl.Schema({"unit": pl.String, "at": pl.Int64})


class Touch(NamedTuple):
    """A variant that was shown, or a click on what it listed.

    Attributes:
        experiment, variant: ids.
        unit: who, as in ``experiments.assign.unit_of``.
        at: UTC microseconds since 1970.
        click: id of the click's event; ``None`` where it was only shown.
    """

    experiment: str
    variant: str
    unit: str
    at: int
    click: str | None = None


@dataclass
class _Asked:
    """What a thread asked to be noted, and what became of it."""

    touches: Sequence[Touch]
    done: bool = False
    error: Exception | None = None


class Ledger:
    """Exposures and clicks of a shop's experiments.

    Args:
        path: the file; made when first written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: deque[_Asked] = deque()
        self._turn = threading.Lock()

    def note(self, touches: Sequence[Touch]) -> None:
        """Keep exposures and clicks, all or none; who clicked was shown it.

        What other threads ask while one commit is under way goes into the next one together: a
        commit takes some ten milliseconds, however much is in it.

        Raises:
            StoreUnavailable: they could not be written; none of them is kept.
        """
        mine = _Asked(touches)
        self._waiting.append(mine)
        with self._turn:
            if not mine.done:
                self._commit()
        if mine.error:
            raise StoreUnavailable(str(mine.error)) from mine.error

    def _commit(self) -> None:
        """Write what waits, in one transaction."""
        together = [self._waiting.popleft() for _ in range(len(self._waiting))]
        error: Exception | None = None
        try:
            self._write([touch for one in together for touch in one.touches])
        except Exception as found:  # told to each of them
            error = found
        for one in together:
            one.done, one.error = True, error

    def _write(self, touches: Sequence[Touch]) -> None:
        with transaction(self.path, _SCHEMA) as connection:
            connection.executemany(
                "INSERT INTO exposures VALUES (?, ?, ?, ?) ON CONFLICT (experiment, unit)"
                " DO UPDATE SET at = excluded.at WHERE excluded.at < at",
                [(t.experiment, t.unit, t.variant, t.at) for t in touches],
            )
            connection.executemany(
                "INSERT INTO clicks VALUES (?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING",
                [(t.click, t.experiment, t.unit, t.at) for t in touches if t.click],
            )

    def _read(self, query: str, *values: Any) -> list[Any]:
        if not self.path.exists():
            return []
        with transaction(self.path, _SCHEMA) as connection:
            return connection.execute(query, values).fetchall()

    def exposures(self, experiment: str) -> pl.DataFrame:
        """``unit``, ``variant`` and ``at`` of the first exposure, a row each unit."""
        query = "SELECT unit, variant, at FROM exposures WHERE experiment = ?"
        return pl.DataFrame(self._read(query, experiment), _EXPOSURES, orient="row")

    def clicks(self, experiment: str) -> pl.DataFrame:
        """``unit`` and ``at`` of each click."""
        query = "SELECT unit, at FROM clicks WHERE experiment = ?"
        return pl.DataFrame(self._read(query, experiment), _CLICKS, orient="row")

    def units(self) -> dict[str, int]:
        """How many units were exposed, by experiment."""
        query = "SELECT experiment, count(*) FROM exposures GROUP BY experiment"
        return dict(self._read(query))

    def delete(self, experiment: str) -> None:
        """Forget all that is known of an experiment."""
        self._without("experiment", [experiment])

    def forget(self, units: Iterable[str]) -> None:
        """Forget all that is known of some units."""
        self._without("unit", units)

    def _without(self, column: str, values: Iterable[str]) -> None:
        if not self.path.exists():
            return
        rows = [(value,) for value in values]
        with transaction(self.path, _SCHEMA) as connection:
            for table in ("exposures", "clicks"):
                connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", rows)
