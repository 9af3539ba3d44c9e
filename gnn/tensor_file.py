"""The graph as tensors: a file that PyTorch Geometric's ``HeteroData`` is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import torch

from graph.export import whole
from graph.schema import EDGES, NODES, EdgeType, NodeLabel
from graph.store import GraphStore

__all__ = ["export_pyg", "to_tensors"]

_MICROSECONDS = 1_000_000
_JOINED = tuple(dict.fromkeys(label for e in EDGES for label in (e.source, e.target)))
_VECTORS = {label.of: label.name for label in NODES.values() if "vector" in label.properties}


def export_pyg(store: GraphStore, path: str | Path) -> Path:
    """Save ``to_tensors`` in the file ``path``, whole or not at all.

    ``HeteroData.from_dict(torch.load(path))`` reads it; it holds nothing that runs code.

    Raises:
        ConfigError: ``path`` exists already.
    """
    with whole(path) as made:
        torch.save(to_tensors(store), made)
    return Path(path)


def to_tensors(store: GraphStore) -> dict[Any, Any]:
    """The whole graph in the form of ``HeteroData.to_dict``.

    By label: ``id``, a list of the shop's ids in the order of rows; ``num_nodes``; numbers and
    truth values of the schema as float32 [n], NaN where unknown; and ``x``, float32 [n, dim], the
    vectors that the last build learned, zero where there is none. By (source, type, target):
    ``edge_index`` int64 [2, n_edges] (rows of source and target); ``time`` int64 [n_edges], seconds
    since 1970 UTC; ``order`` int32 [n_edges], lines of one order sharing a number, -1 where
    unknown; and numbers as float32 [n_edges].
    """
    with store.transaction():
        tables = {name: store.nodes(name) for name in (*_JOINED, *_VECTORS.values())}
        rows = {name: pl.Series(table["id"]) for name, table in tables.items()}
        found: dict[Any, Any] = {"_global_store": {}}
        for name in _JOINED:
            found[name] = _node_store(NODES[name], tables)
        for edge in EDGES:
            ends = rows[edge.source], rows[edge.target]
            found[edge.source, edge.name, edge.target] = _edge_store(edge, store.edges(edge), ends)
    return found


def _node_store(label: NodeLabel, tables: dict[str, pa.Table]) -> dict[str, Any]:
    table = tables[label.name]
    numbers = {
        name: _floats(table[name])
        for name, kind in label.properties.items()
        if kind in ("float", "int", "bool")
    }
    ids = table["id"].to_pylist()
    vectors = {}
    if label.name in _VECTORS and tables[_VECTORS[label.name]].num_rows:
        vectors = {"x": _matrix(ids, tables[_VECTORS[label.name]])}
    return {"id": ids, "num_nodes": len(ids), **numbers, **vectors}


def _matrix(ids: list[str], vectors: pa.Table) -> torch.Tensor:
    """Vectors in the order of ``ids``, float32 [len(ids), dim], zero where there is none."""
    held = np.asarray(vectors["vector"].to_pylist(), np.float32)
    matrix = torch.zeros(len(ids), held.shape[1])
    matrix[_places(pl.Series(vectors["id"]), pl.Series(ids))] = torch.from_numpy(held)
    return matrix


def _edge_store(
    edge: EdgeType, table: pa.Table, rows: tuple[pl.Series, pl.Series]
) -> dict[str, torch.Tensor]:
    ends = [
        _places(pl.Series(table[name].cast(pa.string())), ids)
        for name, ids in zip(("source", "target"), rows, strict=True)
    ]
    made = {"edge_index": torch.stack(ends)}
    if "at" in edge.properties:
        made["time"] = torch.from_numpy(
            table["at"].cast(pa.int64()).to_numpy().copy() // _MICROSECONDS
        )
    if "order_id" in edge.properties:
        made["order"] = _numbers_of(pl.Series(table["order_id"], dtype=pl.String))
    numbers = [name for name, kind in edge.properties.items() if kind in ("float", "int")]
    return made | {name: _floats(table[name]) for name in numbers}


def _places(wanted: pl.Series, ids: pl.Series) -> torch.Tensor:
    """Rows of ``wanted`` in ``ids``, int64 [len(wanted)]."""
    known = pl.DataFrame({"id": ids.cast(pl.String), "row": np.arange(len(ids), dtype=np.int64)})
    asked = pl.DataFrame({"id": wanted.cast(pl.String)})
    found = asked.join(known, on="id", how="left", maintain_order="left")["row"]
    return torch.from_numpy(found.to_numpy().copy())


def _numbers_of(names: pl.Series) -> torch.Tensor:
    """A number for each distinct name, int32 [len(names)], -1 where there is none."""
    numbers = names.rank("dense").cast(pl.Int32) - 1
    return torch.from_numpy(numbers.fill_null(-1).to_numpy().copy())


def _floats(column: pa.ChunkedArray) -> torch.Tensor:
    """Numbers as float32 [len(column)], NaN where unknown."""
    return torch.from_numpy(column.cast(pa.float32()).to_numpy().copy())
