"""Whether the shop has what a definition names: every mistake with its path and what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

import polars as pl

from audiences.conditions import (
    Act,
    Attribute,
    Churn,
    Condition,
    Likes,
    Rfm,
    Rhythm,
    Segment,
    Sequence,
    Similar,
    Stage,
    Value,
    What,
)
from audiences.definition import Definition, references, walk
from audiences.tables import Tables
from loaders.errors import AudienceError

__all__ = ["check", "cycle"]

MOST_COMPARED: Final = 5_000
Problem = tuple[str, str]


def check(definition: Definition, tables: Tables, library: Mapping[str, Definition]) -> None:
    """Refuse what cannot be evaluated.

    Args:
        definition: what is wanted.
        tables: what there is.
        library: the saved audiences by name; ``definition`` takes the place of its namesake.

    Raises:
        AudienceError: every mistake is listed.
    """
    problems = [p for path, c in walk(definition.where) for p in _problems(path, c, tables)]
    problems += _references(definition, library)
    if problems:
        raise AudienceError(problems)


def _references(definition: Definition, library: Mapping[str, Definition]) -> Iterator[Problem]:
    for name, path in references(definition.where).items():
        if name != definition.name and name not in library:
            yield path, _unknown("audience", name, library)
    if around := cycle(definition, library):
        first = references(definition.where)[around[1]]
        yield first, f"audiences may not refer to each other in a circle: {' > '.join(around)}"


def cycle(definition: Definition, library: Mapping[str, Definition]) -> list[str]:
    """Names along which ``definition`` comes back to itself; empty where it does not."""
    known = {**library, definition.name: definition}
    stack, seen = [[definition.name]], set()
    while stack:
        way = stack.pop()
        for name in references(known[way[-1]].where):
            if name == definition.name:
                return [*way, name]
            if name in known and name not in seen:
                seen.add(name)
                stack.append([*way, name])
    return []


def _problems(path: str, condition: Condition, tables: Tables) -> Iterator[Problem]:
    if isinstance(condition, Sequence):
        for name in ("first", "then", "then_not"):
            act: Act | None = getattr(condition, name)
            yield from _what(f"{path}.{name}", act, tables) if act else ()
    elif isinstance(condition, What):
        yield from _what(path, condition, tables)
        if isinstance(condition, Likes):
            yield from _lists(path, condition, tables)
    elif isinstance(condition, Segment):
        yield from _named(f"{path}.any_of", condition.any_of, "segment", tables.segments)
    elif isinstance(condition, Similar):
        yield from _examples(path, condition, tables)
    elif isinstance(condition, Attribute):
        yield from _attribute(path, condition, tables)
    elif isinstance(condition, Stage | Rfm | Value | Churn | Rhythm):
        yield from _trait(path, condition, tables)


def _what(path: str, what: What, tables: Tables) -> Iterator[Problem]:
    yield from _named(f"{path}.product", what.product, "product", tables.product_ids)
    yield from _named(f"{path}.category", what.category, "category", tables.category_ids)
    yield from _named(f"{path}.brand", what.brand, "brand", tables.brands)


def _named(
    path: str, asked: tuple[str, ...], what: str, known: Collection[str]
) -> Iterator[Problem]:
    for place, id_ in enumerate(asked):
        if id_ not in known:
            yield f"{path}.{place}", _unknown(what, id_, known)


def _unknown(what: str, id_: str, known: Collection[str]) -> str:
    few = sorted(known) if len(known) <= MOST_COMPARED else []
    near = get_close_matches(id_, few, 3, 0.5) or few[:5]
    hint = f"; there are {', '.join(map(repr, near))}" if near else ""
    return f"there is no {what} {id_!r}{hint}"


def _lists(path: str, condition: Likes, tables: Tables) -> Iterator[Problem]:
    kept = tables.liked.shape[1]
    if condition.top > kept:
        yield (
            f"{path}.top",
            f"builds keep the first {kept} of each list; ask for at most that, or raise"
            " snapshots.liked and build again",
        )


def _examples(path: str, condition: Similar, tables: Tables) -> Iterator[Problem]:
    for place, id_ in enumerate(condition.users):
        if id_ not in tables.users:
            yield f"{path}.users.{place}", f"there is no customer {id_!r}"
    if not tables.vectors.any():
        yield path, "the build holds no vectors of customers; run coterie build"


def _attribute(path: str, condition: Attribute, tables: Tables) -> Iterator[Problem]:
    if condition.name not in tables.attributes.columns:
        yield f"{path}.name", _unknown("attribute", condition.name, tables.attributes.columns)
        return
    series = tables.attributes[condition.name]
    if condition.any_of or condition.missing or series.dtype.is_numeric():
        return
    if series.cast(pl.Float64, strict=False).null_count() == len(series):
        yield path, f"{condition.name} is no number; ask for any_of its values instead"


def _trait(path: str, condition: Any, tables: Tables) -> Iterator[Problem]:
    name = condition.kind if isinstance(condition, Stage | Rfm) else condition.of
    if name not in tables.traits.columns:
        yield path, f"this build tells nobody's {name}; build again with this version"
    elif isinstance(condition, Stage):
        known = tables.traits[name].drop_nulls().unique().cast(pl.String).to_list()
        yield from _named(f"{path}.any_of", condition.any_of, "stage", known)
