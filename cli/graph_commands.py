"""``coterie cypher | schema | export | copy``: the graph itself."""

from __future__ import annotations

import json as parser
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from api.answers import FORMS
from cli.options import DEFAULT_HOME, HomeOption, JsonOption, StoreOption, at_home
from cli.output import emit_json, err, out, progress_bars, table
from graph.answer import Answer
from graph.copy import copy_graph
from graph.describe import PropertyInfo, describe
from graph.export import export_graph
from graph.neo4j_address import is_address
from graph.open import open_store, store_name
from graph.query import open_answer, rows_of
from graph.store import GraphStore, QueryLimits
from graph.workers import Workers
from loaders.errors import ConfigError

__all__ = ["register"]


Form = Literal["table", "json", "csv", "ndjson", "arrow"]
_PAGE_ROWS = 1_000
_STREAM_ROWS = 1_000_000


def cypher(
    query: Annotated[str, typer.Argument(help="One Cypher statement that reads.")],
    param: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=VALUE for $NAME in the query; repeatable. Numbers and lists are JSON; "
            "quotes make a number text."
        ),
    ] = None,
    format: Annotated[
        Form,
        typer.Option(help="How to print the answer; csv, ndjson and arrow may be large."),
    ] = "table",
    rows: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="A result of more rows is an error.",
            show_default="1,000; as csv, ndjson and arrow 1,000,000",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Longest time, in seconds.")] = 30.0,
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the graph in Cypher, read-only. `--json` is short for `--format json`.

    Example: `coterie cypher "MATCH (c:Community) RETURN c.name, c.size"`

    Example: `coterie cypher 'MATCH (u:User {id: $x}) RETURN u' --param 'x="1228"'`

    Example: `coterie cypher "MATCH (u:User) RETURN u.id, u.age" --format csv > users.csv`
    """
    form: Form = "json" if json else format
    if form == "arrow" and sys.stdout.isatty():
        raise typer.BadParameter("arrow is for programs; send it to a file or a pipe")
    # A library's own handler of Ctrl-C would otherwise let the wait for an answer go on.
    signal.siginterrupt(signal.SIGINT, True)
    parameters = dict(_parameter(text) for text in param or ())
    most = rows or (_PAGE_ROWS if form in ("table", "json") else _STREAM_ROWS)
    with (
        Workers(at_home(home, store).store) as workers,
        open_answer(workers, query, parameters, QueryLimits(most, seconds)) as answer,
    ):
        _print(answer, form)


def _print(answer: Answer, form: Form) -> None:
    if form in ("csv", "ndjson", "arrow"):
        for chunk in FORMS[form].chunks(answer):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    columns, found = answer.schema.names, rows_of(answer.table())
    if form == "json":
        emit_json({"columns": columns, "rows": found})
    else:
        table("", columns, found)
        err.print(f"{len(found):,} rows")


def schema(
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show what the graph holds: labels, relationships, properties, each with a real example.

    Examples of customers' properties are those of a real customer.

    Example: `coterie schema --json`
    """
    with open_store(at_home(home, store).store, read_only=True) as opened:
        found = describe(opened)
    if json:
        emit_json(asdict(found))
        return
    nodes = [(x.label, x.count, x.build, _told(x.properties)) for x in found.labels]
    table("Nodes", ("label", "count", "by build", "properties"), nodes, ("count",))
    edges = [
        (x.type, f"{x.source} → {x.target}", x.count, x.build, _told(x.properties))
        for x in found.relationships
    ]
    columns = ("type", "between", "count", "by build", "properties")
    table("Relationships", columns, edges, ("count",))
    out.print("\n".join(["Queries that find some:", *(x.example for x in found.relationships)]))


def _told(properties: Sequence[PropertyInfo]) -> str:
    """A property a line: name, type, example."""
    return "\n".join(f"{p.name}: {p.type}{_example(p)}" for p in properties)


def _example(found: PropertyInfo) -> str:
    return "" if found.example is None else f", {found.example}"


def _parameter(text: str) -> tuple[str, Any]:
    """``NAME=VALUE``; a value that reads as JSON (a number, a list, quoted text) is that."""
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise typer.BadParameter(f"expected NAME=VALUE, got {text!r}")
    try:
        return name, parser.loads(value)
    except ValueError:
        return name, value


def export(
    path: Annotated[Path, typer.Argument(help="What to write; must not exist yet.")],
    format: Annotated[
        Literal["parquet", "graphml", "networkx", "pyg"],
        typer.Option(
            help="A folder of Parquet tables; or one file: GraphML, JSON for networkx, or tensors "
            "for PyTorch Geometric."
        ),
    ] = "parquet",
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Write the whole graph for other tools.

    Example: `coterie export shop-graph --format parquet`

    Example: `coterie export shop.json --format networkx`

    Example: `coterie export shop.pt --format pyg`

    In Python then: networkx.node_link_graph(json.load(open("shop.json")), edges="edges"), and
    HeteroData.from_dict(torch.load("shop.pt")).
    """
    with open_store(at_home(home, store).store, read_only=True) as opened:
        if format == "pyg":
            _export_pyg(opened, path)
        else:
            export_graph(opened, format, path)
        counts = opened.counts()
    if json:
        emit_json({"path": str(path), "format": format, "counts": counts})
    else:
        err.print(f"wrote {sum(counts.values()):,} nodes and edges to {path}")


def _export_pyg(store: GraphStore, path: Path) -> None:
    """Tensors, which take what only building needs.

    Raises:
        ConfigError: torch is not installed.
    """
    try:
        from gnn.tensor_file import export_pyg
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"exporting tensors needs {error.name}; install it: pip install 'coterie[learn]'"
        ) from error
    export_pyg(store, path)


def copy(
    source: Annotated[str, typer.Option("--from", help="Store to read: a file or an address.")],
    target: Annotated[str, typer.Option("--to", help="Store to write: a file or an address.")],
    json: JsonOption = False,
) -> None:
    """Copy a shop's graph into another store, embedded or Neo4j.

    Example: `coterie copy --from ~/.coterie/store/shop.lbug --to neo4j://host:7687`
    """
    places = [text if is_address(text) else Path(text).expanduser() for text in (source, target)]
    with open_store(places[0], read_only=True) as old, open_store(places[1]) as new:
        with progress_bars() as progress:
            copy_graph(old, new, progress)
        counts = new.counts()
    if json:
        emit_json({"to": store_name(places[1]), "counts": counts})
    else:
        err.print(f"{store_name(places[1])} holds {sum(counts.values()):,} nodes and edges")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(cypher)
    app.command()(schema)
    app.command()(export)
    app.command()(copy)
