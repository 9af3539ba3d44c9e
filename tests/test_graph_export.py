"""Exports hold the whole graph and appear whole or not at all."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.embedded import EmbeddedStore
from graph.export import export_graph, to_networkx
from graph.schema import EVENT_EDGES
from graph.store import Derived
from graph.write import write_dataset
from loaders.errors import ConfigError
from loaders.synthetic import Planted


@pytest.fixture(scope="module")
def store(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedStore:
    store = EmbeddedStore(tmp_path_factory.mktemp("export") / "graph.lbug")
    write_dataset(store, planted.dataset)
    pairs = pa.table({"source": ["product-0"], "target": ["product-1"], "score": [0.25]})
    vector = pa.array([[0.5, -1.0]], pa.list_(pa.float32()))
    store.replace_derived(
        Derived(
            "7",
            {"ProductVector": pa.table({"id": ["product-0"], "vector": vector})},
            {("SIMILAR_TO", "Product", "Product"): pairs},
        )
    )
    return store


def test_parquet_folder_holds_every_row(store: EmbeddedStore, tmp_path: Path) -> None:
    folder = export_graph(store, "parquet", tmp_path / "new" / "out")
    counts = store.counts()
    users = pq.read_table(folder / "User.parquet")
    bought = pq.read_table(folder / "User-PURCHASED-Product.parquet")
    assert (users.num_rows, bought.num_rows) == (counts["User"], counts["PURCHASED"])
    assert str(bought.schema.field("source").type) == "string"
    children = [pq.read_table(f).num_rows for f in folder.glob("*CHILD_OF*")]
    assert (len(children), sum(children)) == (2, counts["CHILD_OF"])
    assert [p.name for p in folder.parent.iterdir()] == ["out"]


def test_graphml_reads_back(store: EmbeddedStore, tmp_path: Path) -> None:
    graph = nx.read_graphml(export_graph(store, "graphml", tmp_path / "g.graphml"))
    counts = store.counts()
    assert graph.number_of_edges() == sum(v for k, v in counts.items() if k.isupper())
    assert graph.nodes["Product/product-0"]["title"] == "Product 0 of aisle 0"


def test_networkx_of_some_types(store: EmbeddedStore) -> None:
    graph = to_networkx(store, [EVENT_EDGES["purchase"]])
    counts = store.counts()
    assert graph.number_of_nodes() == counts["User"] + counts["Product"]
    assert graph.number_of_edges() == counts["PURCHASED"]
    edge = to_networkx(store).get_edge_data("Product/product-0", "Product/product-1")
    assert edge == {"SIMILAR_TO/0": {"type": "SIMILAR_TO", "score": 0.25, "build": "7"}}


def test_networkx_file_reads_back(store: EmbeddedStore, tmp_path: Path) -> None:
    file = export_graph(store, "networkx", tmp_path / "shop.json")
    graph = nx.node_link_graph(json.loads(file.read_text()), edges="edges")
    assert isinstance(graph, nx.MultiDiGraph)
    counts = store.counts()
    assert graph.number_of_edges() == sum(v for k, v in counts.items() if k.isupper())
    owned = ("Shop", "UserVector", "ProductVector")
    nodes = sum(v for k, v in counts.items() if not k.isupper() and k not in owned)
    assert graph.number_of_nodes() == nodes
    product = graph.nodes["Product/product-0"]
    assert (product["key"], product["title"]) == ("product-0", "Product 0 of aisle 0")
    assert product["vector"] == [0.5, -1.0]
    edge = graph.get_edge_data("Product/product-0", "Product/product-1")
    assert edge == {"SIMILAR_TO/0": {"type": "SIMILAR_TO", "score": 0.25, "build": "7"}}
    user, item, bought = next(e for e in graph.edges(data=True) if "at" in e[2])
    assert user.startswith("User/") and item.startswith("Product/")
    assert datetime.fromisoformat(bought["at"]).tzinfo


def test_a_file_of_an_empty_store_reads_back(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path / "graph.lbug") as empty:
        file = export_graph(empty, "networkx", tmp_path / "shop.json")
    assert len(nx.node_link_graph(json.loads(file.read_text()), edges="edges")) == 0


def test_what_is_there_is_not_overwritten(store: EmbeddedStore, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        export_graph(store, "graphml", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_unknown_format(store: EmbeddedStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one of parquet, graphml, networkx"):
        export_graph(store, "dot", tmp_path / "out")  # type: ignore[arg-type]


def test_a_failing_export_leaves_nothing(
    store: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        export_graph(store, "parquet", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
