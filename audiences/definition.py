"""``Definition``: who is wanted, read from TOML or JSON, with every mistake named by its path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from audiences.conditions import (
    KINDS,
    Act,
    All,
    AnyOf,
    Condition,
    InAudience,
    Not,
    Segment,
    Similar,
)
from loaders.definitions import read_document
from loaders.errors import AudienceError

__all__ = ["Definition", "canonical", "parse", "read_file", "references", "segments_in", "walk"]

NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"
DEEPEST: Final = 20
"""Conditions inside conditions; a person gets lost long before."""
_KINDS: Final[dict[str, type[BaseModel]]] = {
    model.model_fields["kind"].annotation.__args__[0]: model  # type: ignore[union-attr]
    for model in KINDS
}


class Definition(BaseModel):
    """An audience: its name, what a person calls it, and its condition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=NAME, description="short name: a-z, 0-9, - and _")]
    title: str = Field("", max_length=200, description="what a person reads")
    where: Condition = Field(description="who is in it")


_CONDITION: Final = TypeAdapter[Condition](Condition)


def read_file(path: Path) -> Definition:
    """The definition in a ``.toml`` or ``.json`` file.

    Raises:
        ConfigError: the file cannot be read or is neither.
        AudienceError: it is no definition; every mistake is listed with its path.
    """
    return parse(read_document(path))


def parse(data: Any) -> Definition:
    """A definition from plain keys and values.

    Raises:
        AudienceError: every mistake is listed with its path.
    """
    if depth(data) > 3 * DEEPEST:
        raise AudienceError([("where", f"conditions are nested deeper than {DEEPEST}; flatten it")])
    try:
        return Definition.model_validate(data)
    except ValidationError as error:
        # A list whose every condition is wrong is told to be empty as well.
        found = error.errors()
        told = [e for e in found if e["type"] != "too_short" or not e["input"]]
        raise AudienceError([_problem(e, data) for e in told]) from error


def depth(data: Any) -> int:
    """How many lists and tables hold each other, without recursion."""
    level, deepest = [data], 0
    while level and deepest <= 100:
        inner: list[Any] = []
        for value in level:
            inner += value.values() if isinstance(value, Mapping) else ()
            inner += value if isinstance(value, list | tuple) else ()
        level, deepest = inner, deepest + 1
    return deepest


def canonical(model: BaseModel) -> str:
    """JSON that equal definitions and conditions share, defaults left out."""
    data = model.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def walk(condition: Condition, path: str = "where") -> Iterator[tuple[str, Condition]]:
    """A condition and all within it, each with its path."""
    yield path, condition
    if isinstance(condition, All | AnyOf):
        for place, inner in enumerate(condition.of):
            yield from walk(inner, f"{path}.of.{place}")
    elif isinstance(condition, Not):
        yield from walk(condition.of, f"{path}.of")


def references(condition: Condition) -> dict[str, str]:
    """Names of the audiences that ``condition`` refers to, with the path of the first mention."""
    found: dict[str, str] = {}
    for path, inner in walk(condition):
        if isinstance(inner, InAudience):
            found.setdefault(inner.name, f"{path}.name")
        elif isinstance(inner, Similar) and inner.audience:
            found.setdefault(inner.audience, f"{path}.audience")
    return found


def segments_in(condition: Condition) -> set[str]:
    """Ids of the segments that ``condition`` names."""
    return {s for _, c in walk(condition) if isinstance(c, Segment) for s in c.any_of}


def _problem(error: Any, data: Any) -> tuple[str, str]:
    """Path and remedy of one of pydantic's errors."""
    path, inside = _path(error["loc"], data)
    kind, context = error["type"], error.get("ctx", {})
    fields = ", ".join(_keys(inside, path))
    if kind == "union_tag_invalid":
        return f"{path}.kind", f"there is no kind '{context['tag']}'; kinds are {_names()}"
    if kind == "union_tag_not_found":
        return f"{path}.kind", f"say which kind of condition it is: {_names()}"
    if kind == "extra_forbidden":
        return path, f"is no key here; keys are {fields}"
    if kind == "missing":
        return path, f"is missing; keys are {fields}"
    if kind == "string_pattern_mismatch":
        return path, f"{error['input']!r} is no name: take a-z, 0-9, - and _, at most 63 characters"
    return path, f"{error['msg'].removeprefix('Value error, ')} (got {_short(error['input'])})"


def _path(places: tuple[str | int, ...], data: Any) -> tuple[str, Any]:
    """Where an error is in the data: pydantic's place without the kinds it went through."""
    shown: list[str] = []
    inside: Any = data
    here: Any = data
    for position, place in enumerate(places):
        last = position == len(places) - 1
        if isinstance(here, Mapping) and place not in here and place == here.get("kind"):
            continue
        shown.append(str(place))
        if isinstance(here, Mapping):
            inside, here = here, here.get(place)
        elif isinstance(here, list | tuple) and isinstance(place, int) and not last:
            here = here[place]
    return ".".join(shown) or "definition", inside


def _keys(inside: Any, path: str) -> list[str]:
    parts = path.split(".")
    if len(parts) == 1 or not isinstance(inside, Mapping):
        return list(Definition.model_fields)
    if parts[-2] in ("first", "then", "then_not"):
        return list(Act.model_fields)
    return list(_KINDS.get(str(inside.get("kind")), Definition).model_fields)


def _names() -> str:
    return ", ".join(_KINDS)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
