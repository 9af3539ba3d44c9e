"""``coterie segments list | show | changes | stability``: who the customers are, and how surely."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from pydantic import BaseModel
from typer.core import TyperGroup

from api.models.segments import Segment, SegmentLevelChanges
from api.segment_views import changes_of
from cli.ask import open_service
from cli.options import DEFAULT_HOME, HomeOption, JsonOption, at_home
from cli.output import emit_json, out, table
from pipeline.segmenting import changes_between, segments_of_build
from segments.model import verdict

__all__ = ["register"]

HELP = """List, show and check segments; no command lists them, an id shows one.

Example: `coterie segments list`
"""


class _Short(TyperGroup):
    """``coterie segments`` lists, ``coterie segments ID`` shows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first not in self.commands and first != "--help":
            args = ["list" if first.startswith("-") or not first else "show", *args]
        return super().parse_args(ctx, args)


segments = typer.Typer(cls=_Short, help=HELP)


@segments.command("list")
def list_segments(home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> None:
    """List the segments and the parts that they divide into.

    Example: `coterie segments list`

    Example: `coterie segments list --json`
    """
    answer = open_service(home).segments()
    if _answer(answer, json):
        return
    parts: dict[str | None, list[Segment]] = {}
    for part in answer.parts:
        parts.setdefault(part.parent_id, []).append(part)
    rows = [
        row
        for segment in answer.segments
        for row in (
            _row(segment),
            *(_row(part, "  ") for part in parts.get(segment.segment_id, ())),
        )
    ]
    columns = ("id", "name", "customers", "of customers", "of spend", "found again")
    table("Segments", columns, rows, columns[2:5])


def _row(segment: Segment, indent: str = "") -> tuple[str, ...]:
    spend = segment.share_of_spend
    again = "" if segment.stability is None else f"{segment.stability:.2f} {segment.trust}"
    return (
        f"{indent}{segment.segment_id}",
        f"{indent}{segment.name}",
        f"{segment.size:,}",
        f"{segment.share_of_customers:.0%}",
        "" if spend is None else f"{spend:.0%}",
        again,
    )


@segments.command()
def show(
    segment_id: Annotated[str, typer.Argument(help="Id of the segment, or of a part of one.")],
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Show what sets one segment apart.

    Example: `coterie segments show segment-2`

    Example: `coterie segments show segment-2 --json`
    """
    profile = open_service(home).segment(segment_id)
    if _answer(profile, json):
        return
    rows = [
        (
            *(t.kind, t.label, f"{t.share:.1%}", f"{t.share_overall:.1%}", f"{t.lift:.1f}"),
            "" if t.p_value is None else f"{t.p_value:.1g}",
        )
        for t in profile.traits
    ]
    columns = ("kind", "what", "here", "whole shop", "lift", "p-value")
    table(f"{profile.name}: {profile.size:,} customers", columns, rows, columns[2:])


@segments.command()
def changes(
    since: Annotated[
        str | None, typer.Option(help="An earlier build; by default the one before.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Tell what became of the last build's segments: kept, split, merged, born, died.

    And how many customers have another segment than before, and why.

    Example: `coterie segments changes`

    Example: `coterie segments changes --since 20171101T020500-4f1c --json`
    """
    place = at_home(home)
    found = segments_of_build(place)
    levels, previous = found.segmentation.changes, found.segmentation.previous
    if since:
        before = segments_of_build(place, since)
        levels, previous = changes_between(before, found), before.build
    answer = changes_of(found.build, previous, levels)
    if _answer(answer, json):
        return
    if not answer.levels:
        out.print(f"{found.build} is a first build: there is nothing to compare it with")
    for level in answer.levels:
        _print_changes(level, answer.previous or "")


def _print_changes(level: SegmentLevelChanges, previous: str) -> None:
    kind = "Parts" if level.level else "Segments"
    table(
        f"{kind} since {previous}: {level.kept_share:.1%} of {level.customers:,} customers kept "
        f"theirs, {level.arrived:,} arrived, {level.left:,} left",
        ("id", "name", "what", "of or into", "before", "after", "Jaccard"),
        [
            (
                *(c.segment_id, c.name, c.kind, c.other_id),
                *(f"{c.before:,}", f"{c.after:,}", f"{c.jaccard:.2f}" if c.jaccard else ""),
            )
            for c in level.segments
        ],
        ("before", "after", "Jaccard"),
    )
    if level.flows:
        rows = [(f.source, f.target, f"{f.customers:,}", f.reason) for f in level.flows]
        table("Who changed", ("from", "to", "customers", "because"), rows, ("customers",))


@segments.command()
def stability(home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> None:
    """Tell which segments can be trusted: found again from resampled events, or not.

    Jaccard .75 and more is stable; below .6 nothing should be built on a segment.

    Example: `coterie segments stability`
    """
    found = segments_of_build(at_home(home)).segmentation
    rows = [
        {
            "segment_id": s.id,
            "name": s.name,
            "customers": s.size,
            "jaccard": s.stability,
            "trust": verdict(s.stability),
        }
        for s in found.segments
    ]
    if json:
        figures = {"agreement": found.stability, "resampled": found.resampled}
        emit_json({**figures, "connected": found.connected, "segments": rows})
        return
    again = "not measured" if found.resampled is None else f"{found.resampled:.2f}"
    columns = ("segment_id", "name", "customers", "jaccard", "trust")
    table(
        f"Agreement (adjusted Rand) of runs {found.stability:.2f}, with resampled events {again}",
        columns,
        [[_short(row[c]) for c in columns] for row in rows],
        ("customers", "jaccard"),
    )


def _short(value: Any) -> Any:
    return f"{value:.2f}" if isinstance(value, float) else value


def _answer(answer: BaseModel, json: bool) -> bool:
    """Print ``answer`` as JSON where that is asked for; whether it was."""
    if json:
        emit_json(answer.model_dump(mode="json"))
    return json


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(segments, name="segments")
