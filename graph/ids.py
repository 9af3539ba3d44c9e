"""``IdMap``: the only way between the shop's own strings and rows 0..n-1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from loaders.errors import DataError

__all__ = ["IdMap", "Rows"]

FEW = 1_000
"""Ids that are looked up one by one where the map has been asked so before."""

Rows = npt.NDArray[np.int64]


class IdMap:
    """A fixed, ordered set of ids; the row of an id is its place in it.

    Raises:
        DataError: an id stands in it twice.
    """

    def __init__(self, ids: pl.Series) -> None:
        self.ids = ids.cast(pl.String).rename("id").rechunk()
        if self.ids.n_unique() != len(self.ids):
            raise DataError("expected unique ids", column=ids.name)

    @staticmethod
    def of(ids: Iterable[str]) -> IdMap:
        """An ``IdMap`` over ``ids`` in the order given."""
        return IdMap(pl.Series("id", list(ids), dtype=pl.String))

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._rows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and self.ids.equals(other.ids)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.ids)}

    @cached_property
    def _names(self) -> list[str]:
        return self.ids.to_list()

    def row(self, id_: str) -> int | None:
        """The row of one id, or ``None`` where it is unknown."""
        return self._rows.get(id_)

    def id(self, row: int) -> str:
        """The id at ``row``."""
        return self._names[row]

    def to_ids(self, rows: Sequence[int] | npt.NDArray[Any]) -> list[str]:
        """The ids at ``rows`` ``[n]``."""
        return self.ids.gather(np.asarray(rows, dtype=np.int64)).to_list()

    def to_rows(
        self, ids: Iterable[str] | pl.Series, *, missing: Literal["error", "negative", "drop"]
    ) -> Rows:
        """Rows of ``ids``, int64 ``[n]``.

        Args:
            ids: the ids to look up.
            missing: what an unknown id does: ``error`` raises, ``negative`` gives -1, ``drop``
                leaves it out.

        Raises:
            DataError: an id is unknown and ``missing`` is ``error``.
        """
        asked = ids if isinstance(ids, pl.Series) else list(ids)
        rows = self._found(asked)
        if missing == "error" and (rows < 0).any():
            unknown = [asked[int(place)] for place in np.flatnonzero(rows < 0)]
            raise DataError(f"{len(unknown):,} unknown ids, such as {unknown[:3]}")
        return rows[rows >= 0] if missing == "drop" else rows

    def _found(self, ids: list[str] | pl.Series) -> Rows:
        """The row of each id, -1 where it is unknown, int64 ``[n]``."""
        if len(ids) <= FEW and "_rows" in self.__dict__:
            # A request's few ids: a join reads the whole map, which takes it milliseconds.
            return np.array([self._rows.get(id_, -1) for id_ in ids], np.int64)
        table = pl.DataFrame({"id": self.ids, "row": np.arange(len(self.ids), dtype=np.int64)})
        wanted = pl.DataFrame({"id": pl.Series(ids, dtype=pl.String)})
        found = wanted.join(table, on="id", how="left", maintain_order="left")["row"]
        return found.fill_null(-1).to_numpy().astype(np.int64)
