"""``coterie segments``: who the customers are, how surely, and whether another way tells more."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from typer.core import TyperGroup

from api.models.segments import Segment, SegmentLevelChanges
from api.segment_views import changes_of
from cli.ask import open_service
from cli.options import DEFAULT_HOME, ConfigOption, HomeOption, JsonOption, at_home, settings
from cli.output import emit_json, emitted, out, progress_bars, table
from cli.profiles import register_segments
from pipeline.build import read_home
from pipeline.comparing import DAYS, Row, compare_segments
from pipeline.examples import ByExample, read_labels, segments_by_example
from pipeline.mapping import customer_map
from pipeline.segmenting import changes_between, segments_of_build
from segments.by_gds import gds_way
from segments.map import Projection
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
    if emitted(answer, json):
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
    if emitted(profile, json):
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
    if emitted(answer, json):
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
        ("id", "name", "what", "of or into", "before", "after", "Jaccard", "arrived"),
        [
            (
                *(c.segment_id, c.name, c.kind, c.other_id),
                *(f"{c.before:,}", f"{c.after:,}", f"{c.jaccard:.2f}" if c.jaccard else ""),
                f"{c.arrived:,}",
            )
            for c in level.segments
        ],
        ("before", "after", "Jaccard", "arrived"),
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


@segments.command()
def compare(
    cut: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="First day that is told, UTC; by default 30 before the end."
        ),
    ] = None,
    days: Annotated[float, typer.Option(min=1, help="Days that are told.")] = DAYS,
    k: Annotated[
        int, typer.Option(min=0, help="Segments of every method; 0: as many as a build finds.")
    ] = 0,
    samples: Annotated[
        int, typer.Option(min=0, help="Samples of the events, and other seeds, for stability.")
    ] = 3,
    gds: Annotated[
        str | None,
        typer.Option(
            help="Address of a Neo4j server with Graph Data Science, such as bolt://host:7687: its "
            "FastRP, kNN and Leiden are one more way. Nothing is written into its store."
        ),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Compare ways of making segments: by the graph, by distance, by what they know of the future.

    The last column is bits per purchase line, after the cut, that are saved by telling a product's
    category from the mix of the buyer's segment instead of the whole shop's. Customers are
    described without training, by a decomposition of who bought what, whatever a build uses.

    Example: `coterie segments compare --cut 2017-12-01`

    Example: `coterie segments compare --gds bolt://graph.example:7687`
    """
    place = at_home(home)
    with gds_way(gds) as more, progress_bars() as progress:
        found = compare_segments(
            read_home(place),
            settings(place, config).segments,
            cut=cut,
            days=days,
            segments=k,
            samples=samples,
            more=more,
            progress=progress,
        )
    if json:
        emit_json(found.to_json())
        return
    columns = (
        *("method", "segments", "modularity", "silhouette", "Davies-Bouldin", "coverage"),
        *("stability", "seeds", "seconds", "bits per line (95 %)", "communities ahead"),
    )
    title = f"{found.customers:,} customers, {found.lines:,} lines from {found.cut:%Y-%m-%d} on"
    table(title, columns, [_compared(row) for row in found.rows], columns[1:9])


def _compared(row: Row) -> tuple[str, ...]:
    q = row.quality
    near = (q.modularity, q.silhouette, q.davies_bouldin, q.coverage)
    figures = (*near, row.stability, row.seeds, row.seconds)
    bits, ahead = row.bits, row.ahead
    return (
        row.method,
        str(q.groups),
        *(f"{figure:.2f}" for figure in figures),
        f"{bits.value:.4f} ({bits.low:.4f}-{bits.high:.4f})",
        f"{ahead.value:+.4f} ({ahead.low:+.4f} to {ahead.high:+.4f})",
    )


@segments.command()
def learn(
    labels: Annotated[Path, typer.Option(help="CSV with columns id and label: the examples.")],
    output: Annotated[
        Path | None, typer.Option(help="Write every customer's label to this CSV file.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Label all customers after examples: a classifier chosen by cross-validation, calibrated.

    Tells which features decide, and with --output each customer's label and how likely it is right.

    Example: `coterie segments learn --labels vip.csv --output labelled.csv`
    """
    place = at_home(home)
    examples = read_labels(labels)
    with progress_bars() as progress:
        progress("learn from examples", 0, 1)
        found = segments_by_example(read_home(place), examples, settings(place, config).seed)
        progress("learn from examples", 1, 1)
    if output:
        found.table.write_csv(output)
    if json:
        learned = asdict(found.learned) | {"unknown": list(found.unknown)}
        counts = found.table["label"].value_counts(sort=True).rows()
        kept = {k: learned[k] for k in ("classifier", "losses", "accuracy", "features", "unknown")}
        emit_json({**kept, "customers": dict(counts)})
        return
    _print_learned(found)


def _print_learned(found: ByExample) -> None:
    learned = found.learned
    if found.unknown:
        out.print(f"{len(found.unknown):,} ids are no customers here, such as {found.unknown[0]}")
    losses = sorted(learned.losses.items(), key=lambda item: item[1])
    table(
        f"Chosen: {learned.classifier}, right in {learned.accuracy:.0%} of held-out examples",
        ("classifier", "log loss"),
        [(name, f"{loss:.3f}") for name, loss in losses],
        ("log loss",),
    )
    told = [(name, f"{worse:.3f}") for name, worse in learned.features[:12]]
    table("What decides", ("feature", "log loss added without it"), told)
    each = found.table.group_by("label").agg(pl.len(), pl.col("probability").mean()).sort("label")
    rows = [(label, f"{n:,}", f"{p:.2f}") for label, n, p in each.rows()]
    table("Customers", ("label", "customers", "mean probability"), rows, ("customers",))


@segments.command("map")
def draw_map(
    output: Annotated[Path, typer.Option(help="CSV file to write.")],
    projection: Annotated[
        Projection,
        typer.Option(help="pca: distances can be read; tsne: neighbours stay together, slower."),
    ] = "pca",
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Write two coordinates of each customer, with segment and part, for a chart.

    Example: `coterie segments map --output map.csv --projection tsne`
    """
    place = at_home(home)
    chosen = settings(place, config).segments
    points = customer_map(read_home(place), segments_of_build(place), chosen, projection)
    points.write_csv(output)
    if json:
        emit_json({"file": str(output), "customers": points.height})
    else:
        out.print(f"wrote {points.height:,} customers to {output}")


def _short(value: Any) -> Any:
    return f"{value:.2f}" if isinstance(value, float) else value


def register(app: typer.Typer) -> None:
    """Add the commands."""
    register_segments(segments)
    app.add_typer(segments, name="segments")
