"""``coterie cypher`` and ``coterie export``: the graph itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import DEFAULT_HOME, HomeOption, JsonOption, StoreOption, at_home
from cli.output import emit_json, err, table
from graph.export import ExportFormat, export_graph
from graph.open import open_store
from graph.query import read_query
from graph.store import QueryLimits

__all__ = ["register"]


def cypher(
    query: Annotated[str, typer.Argument(help="One reading statement.")],
    param: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of a $parameter; repeatable.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Most rows.")] = 1000,
    seconds: Annotated[float, typer.Option(min=0.1, help="Longest time.")] = 30.0,
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the graph in Cypher, read-only.

    Example: `coterie cypher "MATCH (u:User)-[:MEMBER_OF]->(c:Community) RETURN c.name, count(*)"`
    """
    parameters = dict(_parameter(text) for text in param or ())
    answer = read_query(at_home(home, store).store, query, parameters, QueryLimits(rows, seconds))
    found = answer.to_pylist()
    if json:
        emit_json({"columns": answer.column_names, "rows": [list(r.values()) for r in found]})
    else:
        table("", answer.column_names, [list(r.values()) for r in found])
        err.print(f"{len(found):,} rows")


def _parameter(text: str) -> tuple[str, Any]:
    """``NAME=VALUE``; a value that reads as a number is one."""
    name, mark, value = text.partition("=")
    if not mark:
        raise typer.BadParameter(f"expected NAME=VALUE, got {text!r}")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def export(
    path: Annotated[Path, typer.Argument(help="File or folder to write.")],
    format: Annotated[ExportFormat, typer.Option(help="What to write.")] = "parquet",
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Write the whole graph for other tools.

    Example: `coterie export shop-graph --format parquet`
    """
    with open_store(at_home(home, store).store, read_only=True) as opened:
        export_graph(opened, format, path)
        counts = opened.counts()
    if json:
        emit_json({"path": str(path), "format": format, "counts": counts})
    else:
        err.print(f"wrote {sum(counts.values()):,} nodes and edges to {path}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(cypher)
    app.command()(export)
