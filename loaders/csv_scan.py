"""The shape of a CSV file, from its bytes alone: where records start and how many fields they have.

A parser that fills short rows with nulls, or names no row for long ones, cannot tell a retailer
which line to mend; one vectorised pass over the separators can (about 150 MB/s).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CsvScan", "CsvShape"]

Ints = npt.NDArray[np.int64]

_NEWLINE, _RETURN = 10, 13


@dataclass(frozen=True)
class CsvShape:
    """What a scan found.

    Attributes:
        lines: int64 [records], 1-based line each record starts on; the first is the header's.
        fields: int64 [records], number of fields.
        blank: bool [records], lines that hold nothing.
        open_quote: line of the record whose quote never closes, or ``None``.
    """

    lines: Ints
    fields: Ints
    blank: npt.NDArray[np.bool_]
    open_quote: int | None


class CsvScan:
    """Feed it the file's chunks with ``see``, then ask for its ``shape``."""

    def __init__(self, separator: str, quote: str) -> None:
        self._separator = ord(separator)
        self._quote = ord(quote) if quote else None
        self._inside = False
        self._parts: list[tuple[Ints, Ints, Ints, Ints]] = []
        self._size = 0
        self._separators = 0
        self._newlines = 0
        self._last = _NEWLINE

    def see(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        data = np.frombuffer(chunk, np.uint8)
        ends = np.flatnonzero(data == _NEWLINE)
        separators = np.flatnonzero(data == self._separator)
        line = self._newlines + 1 + np.arange(1, len(ends) + 1)
        before_end = np.where(ends > 0, data[ends - 1], self._last)
        self._newlines += len(ends)
        quoted = self._quoted(data)
        if quoted is not None:
            free = ~quoted[ends]
            ends, line, before_end = ends[free], line[free], before_end[free]
            separators = separators[~quoted[separators]]
        before = self._separators + np.searchsorted(separators, ends)
        self._parts.append((ends + self._size, before, line, before_end == _RETURN))
        self._separators += len(separators)
        self._size += len(chunk)
        self._last = chunk[-1]

    def _quoted(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
        """Which bytes lie between quotes; ``None`` where there is no quote in sight."""
        if self._quote is None:
            return None
        quotes = data == self._quote
        if not quotes.any():
            return np.ones(len(data), bool) if self._inside else None
        inside = np.bitwise_xor.accumulate(quotes) ^ self._inside
        self._inside = bool(inside[-1])
        return inside

    def shape(self) -> CsvShape:
        """Everything seen, as records."""
        ends, separators, starts, returns = (
            np.concatenate([part[i] for part in self._parts]) for i in range(4)
        )
        if self._last != _NEWLINE or self._inside:
            ends = np.append(ends, self._size)
            separators = np.append(separators, self._separators)
            starts, returns = np.append(starts, 0), np.append(returns, 0)
        lines = np.concatenate(([1], starts[:-1]))
        fields = np.diff(separators, prepend=0) + 1
        blank = np.diff(ends, prepend=-1) - returns.astype(np.int64) == 1
        return CsvShape(lines, fields, blank, int(lines[-1]) if self._inside else None)
