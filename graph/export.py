"""The graph for other tools: Parquet tables, GraphML, or a networkx graph."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import networkx as nx
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from graph.schema import EDGES, NODES, EdgeType
from graph.store import GraphStore
from loaders.errors import ConfigError

__all__ = ["ExportFormat", "export_graph", "to_networkx"]

ExportFormat = Literal["parquet", "graphml"]


def export_graph(store: GraphStore, format: ExportFormat, path: str | Path) -> Path:
    """Write the whole graph to ``path``, aside first, so that it is there whole or not at all.

    Args:
        store: what to export.
        format: ``parquet`` makes a folder with a file a label and edge type; ``graphml`` one file.
        path: where to; must not exist yet.

    Raises:
        ConfigError: ``path`` exists already, or the format is unknown.
    """
    target = Path(path)
    if target.exists():
        raise ConfigError(f"{target} exists already; remove it or choose another path")
    if format not in ("parquet", "graphml"):
        raise ConfigError(f"unknown export format '{format}'; choose parquet or graphml")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        made = aside / "export"
        _write_parquet(store, made) if format == "parquet" else _write_graphml(store, made)
        os.rename(made, target)
    finally:
        shutil.rmtree(aside)
    return target


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
    labels = dict.fromkeys(label for edge in wanted for label in (edge.source, edge.target))
    with store.transaction():
        for label in labels:
            for row in _rows(store.nodes(label)):
                graph.add_node(f"{label}/{row['id']}", label=label, **row)
        for edge in wanted:
            for number, row in enumerate(_rows(_plain(store.edges(edge)))):
                source, target = row.pop("source"), row.pop("target")
                graph.add_edge(
                    f"{edge.source}/{source}",
                    f"{edge.target}/{target}",
                    key=f"{edge.name}/{number}",
                    type=edge.name,
                    **row,
                )
    return graph


def _rows(table: pa.Table) -> Iterable[dict[str, Any]]:
    """Rows as dictionaries without what is empty."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    for row in frame.iter_rows(named=True):
        yield {name: value for name, value in row.items() if not _is_empty(value)}


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
