"""Audiences as the command line prints them: tables for people, plain values for machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from audiences.estimate import Estimate
from audiences.explain import Explained, Told
from audiences.vault import Refresh
from cli.output import out, table
from pipeline.audiences import Change, Listed

__all__ = [
    "audience_json",
    "change_cells",
    "nodes",
    "print_audiences",
    "print_estimate",
    "print_explained",
    "refresh_cells",
]


def print_estimate(told: Estimate) -> None:
    """Show what is told of an audience."""
    if told.size is None:
        out.print(f"fewer than {told.minimum} customers; nothing more is told of so few")
        return
    about = "about " if told.coarse else ""
    out.print(f"{about}{told.size:,} customers, {told.share:.1%} of all")
    if told.coarse:
        out.print(
            f"It differs from another group by fewer than {told.minimum}, so the size is told in "
            f"steps of {told.minimum} and no value."
        )
        return
    out.print(f"They spent {told.spend:,.2f} so far.")
    if told.expected_value is not None:
        out.print(f"Expected of them: {told.expected_value:,.2f}.")
    for title, found in (("Segments", told.segments), ("Other audiences", told.audiences)):
        rows = [
            (o.id, o.name, shown_count(o.size), "" if o.share is None else f"{o.share:.0%}")
            for o in found
        ]
        if rows:
            table(title, ("id", "name", "shared", "of this"), rows, ("shared", "of this"))


def shown_count(size: int | None) -> str:
    """A number of customers, or that they are too few."""
    return "too few" if size is None else f"{size:,}"


def print_audiences(found: Sequence[Listed]) -> None:
    """Show saved audiences, a line each."""
    rows = [
        (
            one.saved.name,
            one.saved.definition.title,
            one.saved.version,
            *refresh_cells(one.last),
            ", ".join(one.used_by),
        )
        for one in found
    ]
    numbers = ("version", "customers", "added", "removed", "net", "spent")
    columns = ("name", "title", "version", "build", *numbers[1:], "used by")
    table("Audiences", columns, rows, numbers)


def refresh_cells(line: Refresh | None) -> tuple[Any, ...]:
    """Build, size, added, removed, net and spend of a refresh."""
    if line is None:
        return ("", "", "", "", "", "")
    spent = "" if line.spend is None else f"{line.spend:,.2f}"
    size = "cannot be evaluated" if line.problem else shown_count(line.size)
    return (line.build, size, line.added, line.removed, line.net, spent)


def audience_json(one: Listed) -> dict[str, Any]:
    """A saved audience as plain keys and values."""
    return {
        "name": one.saved.name,
        "version": one.saved.version,
        "definition": one.saved.definition.model_dump(mode="json", exclude_defaults=True),
        "last": asdict(one.last) if one.last else None,
        "used_by": one.used_by,
    }


def print_explained(name: str, told: Explained) -> None:
    """Show why a customer is in an audience or not."""
    barred = f" ({told.barred})" if told.barred else ""
    out.print(f"{told.user_id} is {'' if told.member else 'not '}in {name}{barred}")
    for depth, node in nodes(told.tree):
        values = ", ".join(f"{key} {value}" for key, value in node.found.items())
        found = f"   [{values}]" if values else ""
        out.print(f"{'  ' * depth}{'yes' if node.met else 'no '}  {node.text}{found}")


def nodes(node: Told, depth: int = 1) -> Iterable[tuple[int, Told]]:
    """A condition and all within it, each with its depth."""
    yield depth, node
    for inner in node.inner:
        yield from nodes(inner, depth + 1)


def change_cells(change: Change) -> tuple[str, ...]:
    """Name, sizes and moves of a change."""
    sizes = (change.before, change.after, change.added, change.removed)
    return (change.name, *map(shown_count, sizes))
