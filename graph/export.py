"""The graph for other tools: Parquet tables, GraphML, networkx in memory or as a JSON file."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import networkx as nx
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from graph.schema import EDGES, NODES, EdgeType
from graph.store import GraphStore
from loaders.errors import ConfigError

__all__ = ["ExportFormat", "export_graph", "to_networkx", "whole"]

ExportFormat = Literal["parquet", "graphml", "networkx"]
_VECTORS = {label.of: label.name for label in NODES.values() if "vector" in label.properties}


def export_graph(store: GraphStore, format: ExportFormat, path: str | Path) -> Path:
    """Write the whole graph to ``path``, aside first, so that it is there whole or not at all.

    Args:
        store: what to export.
        format: ``parquet`` makes a folder with a file a label and edge type; ``graphml`` one file;
            ``networkx`` one JSON file of nodes and edges, as ``networkx.node_link_graph`` takes it.
        path: where to; must not exist yet.

    Raises:
        ConfigError: ``path`` exists already, or the format is unknown.
    """
    writers: dict[str, Callable[[GraphStore, Path], None]] = {
        "parquet": _write_parquet,
        "graphml": _write_graphml,
        "networkx": _write_node_link,
    }
    if format not in writers:
        raise ConfigError(f"unknown export format '{format}'; choose one of {', '.join(writers)}")
    with whole(path) as made:
        writers[format](store, made)
    return Path(path)


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Where to write what is to be at ``path``; it gets there when the block ends well.

    Raises:
        ConfigError: ``path`` exists already.
    """
    target = Path(path)
    if target.exists():
        raise ConfigError(f"{target} exists already; remove it or choose another path")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield aside / "export"
        os.rename(aside / "export", target)
    finally:
        shutil.rmtree(aside)


def _file_name(edge: EdgeType) -> str:
    return f"{edge.source}-{edge.name}-{edge.target}.parquet"


def _write_parquet(store: GraphStore, folder: Path) -> None:
    folder.mkdir()
    with store.transaction():
        for label in NODES:
            pq.write_table(store.nodes(label), folder / f"{label}.parquet")
        for edge in EDGES:
            pq.write_table(_plain(store.edges(edge)), folder / _file_name(edge))


def _plain(table: pa.Table) -> pa.Table:
    """``table`` with its ends as strings, which every reader of Parquet knows."""
    for place, name in enumerate(("source", "target")):
        table = table.set_column(place, name, table[name].cast(pa.string()))
    return table


def _write_graphml(store: GraphStore, file: Path) -> None:
    graph = to_networkx(store)
    for _, properties in graph.nodes(data=True):
        _as_text(properties)
    for *_, properties in graph.edges(data=True):
        _as_text(properties)
    nx.write_graphml(graph, file)


def _as_text(properties: dict[str, Any]) -> None:
    """GraphML has no times and no lists; they become text."""
    for name, value in properties.items():
        if not isinstance(value, (str, bool, int, float)):
            properties[name] = str(value)


def to_networkx(store: GraphStore, edges: Iterable[EdgeType] = EDGES) -> nx.MultiDiGraph:
    """The graph as networkx knows it; meant for shops of up to some hundred thousand edges.

    Nodes are named ``Label/id`` and carry ``label``, ``id`` and their properties; the key of an
    edge is its type and a number. Empty properties are left out.

    Args:
        store: what to read.
        edges: the edge types wanted; nodes are those of the labels they join.
    """
    wanted = list(edges)
    graph = nx.MultiDiGraph()
    with store.transaction():
        graph.add_nodes_from(_nodes(store, wanted))
        graph.add_edges_from(_edges(store, wanted))
    return graph


def _nodes(store: GraphStore, edges: list[EdgeType]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and properties of the nodes that ``edges`` join; vectors are a property here."""
    for label in dict.fromkeys(label for edge in edges for label in (edge.source, edge.target)):
        table = pl.DataFrame(pl.from_arrow(store.nodes(label)))
        if label in _VECTORS:
            vectors = pl.DataFrame(pl.from_arrow(store.nodes(_VECTORS[label])))
            table = table.join(vectors.select("id", "vector"), on="id", how="left")
        for row in _rows(table):
            yield f"{label}/{row['id']}", {**row, "label": label}


def _edges(
    store: GraphStore, edges: list[EdgeType]
) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Both ends, key and properties of all edges."""
    for edge in edges:
        frame = pl.DataFrame(pl.from_arrow(_plain(store.edges(edge))))
        for number, row in enumerate(_rows(frame)):
            source, target = row.pop("source"), row.pop("target")
            ends = f"{edge.source}/{source}", f"{edge.target}/{target}"
            yield *ends, f"{edge.name}/{number}", {**row, "type": edge.name}


def _write_node_link(store: GraphStore, file: Path) -> None:
    """One JSON document, written row by row: a graph in memory would take ten times the tables.

    Nodes are named by ``id`` there, so the shop's own id becomes ``key``.
    """
    with store.transaction(), file.open("w", encoding="utf-8") as out:
        out.write('{"directed": true, "multigraph": true, "graph": {},\n"nodes": [')
        _write_list(
            out.write,
            ({**p, "key": p["id"], "id": name} for name, p in _nodes(store, list(EDGES))),
        )
        out.write('],\n"edges": [')
        _write_list(
            out.write,
            (
                {**p, "source": source, "target": target, "key": key}
                for source, target, key, p in _edges(store, list(EDGES))
            ),
        )
        out.write("]}\n")


def _write_list(write: Callable[[str], Any], items: Iterable[dict[str, Any]]) -> None:
    for number, item in enumerate(items):
        write(",\n" if number else "\n")
        write(json.dumps(item, ensure_ascii=False, default=str))


def _rows(frame: pl.DataFrame) -> Iterable[dict[str, Any]]:
    """Rows as dictionaries without what is empty."""
    for row in frame.iter_rows(named=True):
        yield {name: value for name, value in row.items() if not _is_empty(value)}


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
