"""``Told``: what the inner layers tell of a request, for its log line and the metrics."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

__all__ = ["OTHER", "Kind", "Told", "listed", "told_of"]

Kind = Literal["customer", "session", "basket"]
"""Whom a list was made for."""
OTHER: Final = "other"
"""Stands for whatever is no route: pages, files, and addresses where there is nothing; and for
methods that no route has."""
_NAME: Final = "coterie.told"


@dataclass(slots=True)
class Told:
    """Facts of one request.

    Attributes:
        key: id of the key it was let in by, which opens nothing.
        kind: whom its list was made for; empty where the answer is no list.
        source: what the list rests on.
        fallback: the list is not what was hoped for.
    """

    key: str | None = None
    kind: Kind | str = ""
    source: str = ""
    fallback: bool = False


class _Listed(Protocol):
    @property
    def fallback(self) -> str | None: ...


def told_of(scope: MutableMapping[str, Any]) -> Told:
    """What is told of the request so far; to be added to."""
    found: Told | None = scope.get(_NAME)
    if found is None:
        found = scope[_NAME] = Told()
    return found


def listed(scope: MutableMapping[str, Any], kind: Kind, found: _Listed) -> None:
    """Tell that the request was answered by a list."""
    told = told_of(scope)
    told.kind, told.fallback = kind, found.fallback is not None
    told.source = getattr(found, "source", kind)
