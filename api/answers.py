"""Answers of Cypher queries as JSON, CSV, NDJSON or Arrow, a batch at a time.

Whatever its size, one batch of an answer is in memory at a time. Times are UTC in ISO 8601, bytes
base64; a number that is none is null, or an empty cell.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa
from pydantic_core import to_json

from api.downloads import preferred, safe, written
from graph.answer import Answer, rows_of

__all__ = ["FORMS", "Form", "Format", "form_for"]

Format = Literal["json", "csv", "ndjson", "arrow"]

_CHUNK_BYTES: Final = 65_536


@dataclass(frozen=True)
class Form:
    """A form that answers come in.

    Attributes:
        name: what the command line calls it; also the suffix of files.
        media_type: what HTTP calls it.
        encode: pieces of a document, made as the answer's batches are read.
    """

    name: Format
    media_type: str
    encode: Callable[[Answer], Iterator[bytes]]

    @property
    def is_page(self) -> bool:
        """Whether it is read whole, so that it must not be large."""
        return self.name == "json"

    def chunks(self, answer: Answer) -> Iterator[bytes]:
        """The document in pieces worth sending; the answer is closed at the end."""
        held = b""
        with answer:
            for piece in self.encode(answer):
                held += piece
                if len(held) >= _CHUNK_BYTES:
                    yield held
                    held = b""
        if held:
            yield held


def form_for(accept: str) -> Form:
    """The form that an Accept header ranks highest; JSON where it does not care."""
    by_type = {form.media_type: form for form in FORMS.values()}
    return by_type[preferred(accept, list(by_type))]


def _json(answer: Answer) -> Iterator[bytes]:
    """One object: ``columns``, and ``rows`` as lists."""
    yield b'{"columns":' + _as_json(answer.schema.names) + b',"rows":['
    comma = b""
    for batch in answer.batches:
        if batch.num_rows:
            yield comma + _as_json(rows_of(batch))[1:-1]
            comma = b","
    yield b"]}"


def _ndjson(answer: Answer) -> Iterator[bytes]:
    """An object a row, a row a line."""
    names = _distinct(answer.schema.names)
    for batch in answer.batches:
        rows = rows_of(batch)
        yield b"".join(_as_json(dict(zip(names, row, strict=True))) + b"\n" for row in rows)


def _csv(answer: Answer) -> Iterator[bytes]:
    """A line of names, then a line a row; lists and maps are JSON text in their cell."""
    yield written([[safe(name) for name in answer.schema.names]]).encode()
    for batch in answer.batches:
        yield written(zip(*map(_cells, batch.columns), strict=True)).encode()


def _arrow(answer: Answer) -> Iterator[bytes]:
    """An Arrow stream, with the types of the graph."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, answer.schema) as writer:
        for batch in answer.batches:
            writer.write_batch(batch)
            yield _taken(sink)
    yield _taken(sink)


def _taken(sink: io.BytesIO) -> bytes:
    """What was written since the last time."""
    found = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return found


def _as_json(value: Any) -> bytes:
    # A query may find values of any type; one that JSON lacks is written as text.
    return to_json(value, inf_nan_mode="null", bytes_mode="base64", fallback=str)


def _cells(column: pa.Array) -> list[str]:
    """A column's values as text, column by column because that is five times as fast."""
    values, kind = column.to_pylist(), column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return ["" if v is None or not math.isfinite(v) else repr(v) for v in values]
    if not pa.types.is_nested(kind):
        values = json.loads(_as_json(values))
    return [
        "" if v is None else safe(v if isinstance(v, str) else _as_json(v).decode()) for v in values
    ]


def _distinct(names: list[str]) -> list[str]:
    """``names``, with a number behind one that comes up again."""
    taken: dict[str, None] = {}
    for name in names:
        new, n = name, 1
        while new in taken:
            n += 1
            new = f"{name}_{n}"
        taken[new] = None
    return list(taken)


FORMS: Final[dict[Format, Form]] = {
    form.name: form
    for form in (
        Form("json", "application/json", _json),
        Form("csv", "text/csv", _csv),
        Form("ndjson", "application/x-ndjson", _ndjson),
        Form("arrow", "application/vnd.apache.arrow.stream", _arrow),
    )
}
