"""The tensor file loads without running code, and holds what the store holds."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
import torch
from shops import coterie

from gnn.tensor_file import export_pyg
from gnn.tensors import tolerated
from graph.embedded import EmbeddedStore
from graph.open import open_store
from graph.schema import EVENT_EDGES
from graph.store import Derived, GraphStore
from graph.write import write_dataset
from loaders.errors import ConfigError
from loaders.synthetic import Planted
from pipeline.home import Home
from tests.neo4j_fixture import clean_neo4j
from tests.test_graph_conformance import purchases, vector_table

with tolerated("`torch.jit.script"):
    from torch_geometric.data import HeteroData

BOUGHT = ("User", "PURCHASED", "Product")


def loaded(file: Path) -> HeteroData:
    return HeteroData.from_dict(torch.load(file, weights_only=True))


@pytest.fixture(params=["embedded", "neo4j"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> GraphStore:
    place = tmp_path / "graph.lbug" if request.param == "embedded" else clean_neo4j()
    opened = open_store(place)
    request.addfinalizer(opened.close)
    return opened


def test_a_hand_made_shop(store: GraphStore, tmp_path: Path) -> None:
    store.upsert_nodes("User", pa.table({"id": ["bob", "ann"], "anonymous": [True, False]}))
    store.upsert_nodes("Product", pa.table({"id": ["x", "y"], "price": [2.5, None]}))
    lines = [("e1", "ann", "x"), ("e2", "bob", "y")]
    store.append_events(EVENT_EDGES["purchase"], purchases(*lines))
    store.replace_derived(Derived("1", {"UserVector": vector_table(["bob"], [[1.0, -2.0]])}, {}))
    data = loaded(export_pyg(store, tmp_path / "shop.pt"))
    data.validate()
    assert data["User"].id == ["ann", "bob"] and data["Product"].num_nodes == 2
    assert data["User"].x.tolist() == [[0.0, 0.0], [1.0, -2.0]]
    assert data["User"].anonymous.tolist() == [0.0, 1.0]
    assert data["Product"].price[0] == 2.5 and data["Product"].price[1].isnan()
    assert "x" not in data["Product"] and "UserVector" not in data.node_types
    bought = data[BOUGHT]
    assert sorted(bought.edge_index.T.tolist()) == [[0, 0], [1, 1]]
    assert bought.time.tolist() == [1_704_110_400] * 2 and bought.value.tolist() == [2.5] * 2
    assert bought.order.tolist() == [0, 0]
    assert data["User", "VIEWED", "Product"].edge_index.shape == (2, 0)


def test_a_built_shop_by_the_command_line(built: Home, planted: Planted, tmp_path: Path) -> None:
    file = tmp_path / "shop.pt"
    ran = coterie("export", file, "--format", "pyg", "--home", built.path, "--json")
    assert ran.code == 0, ran.err
    data, counts = loaded(file), ran.json["counts"]
    assert data["User"].num_nodes == counts["User"] == 200
    assert data["User"].x.shape == (200, 16) and data["User"].x.dtype == torch.float32
    edges = {name: data[name].num_edges for name in data.edge_types}
    assert sum(edges.values()) == sum(v for k, v in counts.items() if k.isupper())
    rows = data[BOUGHT].edge_index
    spent = torch.zeros(200).index_add_(0, rows[0], data[BOUGHT].value)
    expected = planted.dataset.events.group_by("user_id").agg(pl.col("value").sum())
    best = expected.sort("value")["user_id"][-1]
    assert data["User"].id[int(spent.argmax())] == best
    assert float(spent.max()) == pytest.approx(expected["value"].max(), rel=1e-4)
    assert len(data[BOUGHT].order.unique()) == planted.dataset.events["order_id"].n_unique()


def test_an_empty_store_and_a_file_that_is_there(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path / "graph.lbug") as store:
        data = loaded(export_pyg(store, tmp_path / "shop.pt"))
        assert data.num_nodes == 0
        with pytest.raises(ConfigError, match="exists already"):
            export_pyg(store, tmp_path / "shop.pt")


def test_a_shop_that_was_only_loaded_has_no_vectors(planted: Planted, tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path / "graph.lbug") as store:
        write_dataset(store, planted.dataset)
        data = loaded(export_pyg(store, tmp_path / "shop.pt"))
    assert "x" not in data["User"] and data[BOUGHT].num_edges == planted.dataset.events.height
