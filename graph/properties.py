"""Single values on their way into a property: what type they are, and whether one fits another.

A table is cast as a whole (``graph.frames``); what comes by itself, as JSON, is judged here, so
that it can be told before anything is stored.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from graph.schema import PropertyType
from loaders.errors import DataError

__all__ = ["Scalar", "fitted", "kind_of"]

Scalar = str | float | bool
"""A value as JSON has it; its numbers are one kind, whole or not."""

_WORDS: Final[dict[PropertyType, str]] = {
    "string": "a text",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "time": "a time such as 2024-03-01T12:00:00Z",
}


def kind_of(value: Scalar) -> PropertyType:
    """The type that a new property of such a value gets.

    A number makes a property of any numbers: the next value may not be whole.
    """
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "float"


def fitted(value: Scalar, kind: PropertyType) -> Scalar | datetime:
    """``value`` as a property of type ``kind`` holds it.

    Raises:
        DataError: it is of another type.
    """
    text, flag = isinstance(value, str), isinstance(value, bool)
    if (kind == "string" and text) or (kind == "bool" and flag):
        return value
    if isinstance(value, int | float) and not flag:
        if kind == "float":
            return float(value)
        if kind == "int" and float(value).is_integer():
            return int(value)
    if kind == "time" and isinstance(value, str) and (moment := _moment(value)):
        return moment
    raise DataError(f"expected {_WORDS.get(kind, kind)}, found {value!r}")


def _moment(value: str) -> datetime | None:
    """A time in UTC; what names no zone is UTC. ``None`` where it is none."""
    try:
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
