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

    def row(self, id_: str) -> int | None:
        """The row of one id, or ``None`` where it is unknown."""
        return self._rows.get(id_)

    def id(self, row: int) -> str:
        """The id at ``row``."""
        return str(self.ids[int(row)])

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
        asked = ids if isinstance(ids, pl.Series) else pl.Series("id", list(ids), dtype=pl.String)
        table = pl.DataFrame({"id": self.ids, "row": np.arange(len(self.ids), dtype=np.int64)})
        wanted = pl.DataFrame({"id": asked.cast(pl.String)})
        found = wanted.join(table, on="id", how="left", maintain_order="left")["row"]
        if missing == "error" and found.null_count():
            unknown = wanted.filter(found.is_null())["id"]
            raise DataError(f"{len(unknown):,} unknown ids, such as {unknown.head(3).to_list()}")
        kept = found.drop_nulls() if missing == "drop" else found.fill_null(-1)
        return kept.to_numpy().astype(np.int64)
