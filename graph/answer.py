"""``Answer``: what a query found, in batches, so that nobody must hold a large one whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

__all__ = ["Answer", "rows_of"]


@dataclass(frozen=True)
class Answer:
    """The columns of an answer and its rows, each batch of them once.

    Use it as a context, or ``close`` it: a query whose answer is left half read is ended then.

    Attributes:
        schema: names and types of the columns; names may come up more than once.
        batches: the rows, a generator.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """A table that is there already, as an answer."""
        return cls(table.schema, iter(table.to_batches()))

    def table(self) -> pa.Table:
        """All that has not been read yet, as one table."""
        return pa.Table.from_batches(self.batches, self.schema)

    def close(self) -> None:
        """End the query, if it still runs."""
        close = getattr(self.batches, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def rows_of(table: pa.Table | pa.RecordBatch) -> list[list[Any]]:
    """The rows of an answer; unlike dictionaries, they keep columns that share a name."""
    return [list(row) for row in zip(*(c.to_pylist() for c in table.columns), strict=True)]
