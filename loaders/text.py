"""Text files as UTF-8 chunks: unpacked, decoded and checked while they stream.

Whatever is wrong with the bytes (no file, a torn gzip, the wrong encoding, a line without end) is
found here with at most one chunk in memory, before any parser sees the file.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from loaders.errors import ConfigError, DataError

__all__ = ["MAX_LINE_BYTES", "is_gzip", "open_input", "utf8_chunks"]

MAX_LINE_BYTES = 1_000_000
"""Longest line accepted unless the mapping says otherwise."""

_CHUNK = 1 << 20
_NEWLINE = 10


def is_gzip(path: Path) -> bool:
    """Whether the file starts with gzip's two magic bytes, whatever its name."""
    with open_input(path) as file:
        return file.read(2) == b"\x1f\x8b"


def open_input(path: Path) -> IO[bytes]:
    """Open a file for reading.

    Raises:
        DataError: it does not exist, is a folder, may not be read, or is empty.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise DataError("no such file; check the path", file=str(path)) from error
    except IsADirectoryError as error:
        raise DataError("expected a file, found a folder", file=str(path)) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=str(path)) from error
    if not file.peek(1):
        file.close()
        raise DataError("the file is empty", file=str(path))
    return file


def utf8_chunks(
    path: Path, encoding: str = "utf-8", max_line: int = MAX_LINE_BYTES
) -> Iterator[bytes]:
    """The file's text as UTF-8, about 1 MB at a time, unpacked if it is gzip.

    Raises:
        DataError: the file is missing, empty, a damaged gzip, not in ``encoding``, or has a line
            of more than ``max_line`` bytes.
        ConfigError: Python knows no such encoding.
    """
    try:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
    except LookupError as error:
        raise ConfigError(f"encoding: there is none called '{encoding}'") from error
    guard = _LineGuard(path, max_line)
    read = 0
    for raw in _raw_chunks(path):
        read += len(raw)
        yield from _decoded(decoder, raw, guard, read, encoding)
    yield from _decoded(decoder, b"", guard, read, encoding)


def _raw_chunks(path: Path) -> Iterator[bytes]:
    packed = is_gzip(path)
    with open_input(path) as file:
        source = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file
        done = 0
        while True:
            try:
                chunk = source.read(_CHUNK)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise DataError(
                    f"the gzip file is cut short or damaged (after {done:,} bytes of content: "
                    f"{error}); copy it again",
                    file=str(path),
                ) from error
            if not chunk:
                return
            done += len(chunk)
            yield chunk


def _decoded(
    decoder: codecs.IncrementalDecoder, raw: bytes, guard: _LineGuard, read: int, encoding: str
) -> Iterator[bytes]:
    try:
        text = decoder.decode(raw, final=not raw)
    except UnicodeDecodeError as error:
        raise _not_decodable(error, guard, read, encoding) from error
    if text:
        chunk = text.encode()
        guard.see(chunk)
        yield chunk


def _not_decodable(
    error: UnicodeDecodeError, guard: _LineGuard, read: int, encoding: str
) -> DataError:
    start = bytes(error.object[: error.start])
    offset = read - len(error.object) + error.start
    found = error.object[error.start]
    looks = "utf-16" if offset == 0 and found in (0xFE, 0xFF) else "cp1252"
    return DataError(
        f"byte {offset:,} (0x{found:02x}) is not {encoding}; say which encoding the file is in, "
        f'such as encoding = "{looks}"',
        file=str(guard.path),
        row=guard.lines + start.count(b"\n") + 1,
    )


class _LineGuard:
    """Counts lines as they pass and refuses one that does not end."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit = path, limit
        self.lines = 0
        self._open = 0

    def see(self, chunk: bytes) -> None:
        ends: npt.NDArray[np.int64] = np.flatnonzero(np.frombuffer(chunk, np.uint8) == _NEWLINE)
        edges = np.concatenate(([-1 - self._open], ends, [len(chunk)]))
        lengths = np.diff(edges) - 1
        if lengths.max() > self.limit:
            raise DataError(
                f"the line has more than {self.limit:,} bytes; expected one record a line "
                "(raise max_line_bytes if it really is that long)",
                file=str(self.path),
                row=self.lines + int(np.argmax(lengths > self.limit)) + 1,
            )
        self.lines += len(ends)
        self._open = int(lengths[-1])
