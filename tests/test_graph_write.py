"""A dataset into the graph and back: the same counts, tables and arrays, whatever the order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graph import write
from graph.embedded import EmbeddedStore
from graph.open import open_store
from graph.readback import data_hash, read_shop
from graph.store import GraphStore
from graph.write import write_dataset
from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.report import LoadReport
from loaders.synthetic import Planted
from tests.neo4j_fixture import clean_neo4j

AT = datetime(2024, 1, 1, 12, tzinfo=UTC)


def tiny(**changes: pl.DataFrame) -> Dataset:
    """Three users, of whom one is a visitor; four events of three kinds; a campaign."""
    tables = {
        "users": pl.DataFrame(
            {
                "user_id": ["bob", "ann", "anonymous/7"], "anonymous": [None, False, True],
                "age": [30, None, None],
            }
        ),
        "products": pl.DataFrame(
            {
                "product_id": ["y", "x"], "title": ["Y", None], "price": [None, 2.0],
                "category_id": ["food/tea", None], "brand": [None, "Acme"],
                "organic": [True, False],
            }
        ),
        "categories": pl.DataFrame(
            {
                "category_id": ["food", "food/tea"], "name": ["Food", "Tea"], "level": [0, 1],
                "parent_id": [None, "food"],
            }
        ),
        "campaigns": pl.DataFrame(
            {"campaign_id": ["c"], "kind": ["mail"], "starts": [AT], "ends": [None]}
        ),
        "campaign_targets": pl.DataFrame({"campaign_id": ["c", "c"], "user_id": ["ann", "bob"]}),
        "campaign_products": pl.DataFrame({"campaign_id": ["c"], "product_id": ["x"]}),
        "redemptions": pl.DataFrame(
            {"redemption_id": ["r"], "user_id": ["ann"], "campaign_id": ["c"], "at": [AT]}
        ),
    }  # fmt: skip
    events = pl.DataFrame(
        {
            "event_id": ["1", "2", "3", "4"],
            "event": ["purchase", "purchase", "view_item", "rate"],
            "user_id": ["bob", "ann", "ann", "anonymous/7"],
            "product_id": ["x", "y", "y", "x"],
            "at": [datetime(2024, 1, day, 6, tzinfo=UTC) for day in (3, 2, 2, 1)],
            "quantity": [2.0, None, None, None],
            "value": [4.0, 1.5, None, None],
            "order_id": ["o2", "o1", None, None],
            "rating": [None, None, None, 5.0],
        }
    )
    tables = {**tables, **changes}
    return Dataset.of(
        tables.pop("events", events),
        LoadReport("tiny", 4, 4),
        currency="EUR",
        **tables,  # type: ignore[arg-type]
    )


@pytest.fixture(params=["embedded", "neo4j"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    if request.param == "embedded":
        address: str | Path = tmp_path / "graph.lbug"
    else:
        address = clean_neo4j()
    with open_store(address) as opened:
        yield opened


def test_counts_of_a_load_and_of_its_repeat(store: GraphStore) -> None:
    counts = write_dataset(store, tiny())
    assert counts.nodes == {
        "Shop": 1,
        "Category": 2,
        "Brand": 1,
        "User": 3,
        "Product": 2,
        "Campaign": 1,
    }
    assert counts.edges == {
        "IN_CATEGORY": 1, "CHILD_OF": 1, "OF_BRAND": 1, "TARGETED": 2, "PROMOTES": 1, "REDEEMED": 1,
        "PURCHASED": 2, "VIEWED": 1, "RATED": 1,
    }  # fmt: skip
    before = store.counts()
    assert write_dataset(store, tiny()).new_edges == 0
    assert store.counts() == before


def test_read_back_by_hand(store: GraphStore) -> None:
    write_dataset(store, tiny())
    shop = read_shop(store)
    assert shop.currency == "EUR"
    assert shop.users.to_dict(as_series=False) == {
        "user_id": ["ann", "anonymous/7", "bob"],
        "anonymous": [False, True, False],
        "age": [None, None, 30],
    }
    assert shop.products.to_dict(as_series=False) == {
        "product_id": ["x", "y"],
        "title": [None, "Y"],
        "price": [2.0, None],
        "category_id": [None, "food/tea"],
        "brand": ["Acme", None],
        "organic": [False, True],
    }
    assert shop.categories.rows() == [("food", "Food", 0, None), ("food/tea", "Tea", 1, "food")]
    graph = shop.graph
    assert graph.users.ids.to_list() == ["ann", "anonymous/7", "bob"]
    assert graph.products.ids.to_list() == ["x", "y"]
    assert graph.registered.tolist() == [True, False, True]
    assert graph.user_rows.tolist() == [1, 0, 0, 2]
    assert graph.product_rows.tolist() == [0, 1, 1, 0]
    assert graph.kinds.tolist() == [4, 0, 1, 0]
    assert graph.days.tolist() == [19723.25, 19724.25, 19724.25, 19725.25]
    assert graph.quantities.tolist() == [1.0, 1.0, 1.0, 2.0]
    np.testing.assert_array_equal(graph.values, np.float32([np.nan, 1.5, np.nan, 4.0]))
    assert graph.orders.tolist() == [-1, 0, -1, 1]


def test_types_of_the_arrays(store: GraphStore) -> None:
    for shop in (read_shop(store), (write_dataset(store, tiny()), read_shop(store))[1]):
        types = {
            name: str(getattr(shop.graph, name).dtype)
            for name in (
                "registered", "user_rows", "product_rows", "kinds", "days", "quantities", "values",
                "orders",
            )
        }  # fmt: skip
        assert list(types.values()) == [
            "bool", "int32", "int32", "int8", "float64", "float32", "float32", "int32",
        ]  # fmt: skip


def test_empty_store_reads_as_an_empty_shop(store: GraphStore) -> None:
    shop = read_shop(store)
    assert (len(shop.graph), shop.graph.shape, shop.levels) == (0, (0, 0), 0)


def test_order_of_loading_does_not_matter(planted: Planted, tmp_path: Path) -> None:
    data = planted.dataset
    shuffled = replace(
        data,
        events=data.events.sample(fraction=1, shuffle=True, seed=3),
        users=data.users.reverse(),
        products=data.products.reverse(),
    )
    half = replace(data, events=data.events.head(5000))
    shops = []
    for number, loads in enumerate(([data], [shuffled], [half, data])):
        with EmbeddedStore(tmp_path / f"{number}.lbug") as store:
            for load in loads:
                write_dataset(store, load)
            shops.append(read_shop(store))
    assert len({data_hash(shop.graph) for shop in shops}) == 1
    assert shops[0].users.equals(shops[1].users)
    assert shops[0].products.equals(shops[2].products)
    assert len(shops[0].graph) == data.events.height


@pytest.mark.parametrize("which", ["tiny", "planted"])
def test_both_stores_read_back_the_same_shop(planted: Planted, tmp_path: Path, which: str) -> None:
    data = tiny() if which == "tiny" else planted.dataset
    shops, counts = [], []
    for address in (tmp_path / "graph.lbug", clean_neo4j()):
        with open_store(address) as store:
            write_dataset(store, replace(data, events=data.events.head(len(data.events) // 2)))
            write_dataset(store, data)
            counts.append(store.counts())
            shops.append(read_shop(store))
    assert counts[0] == counts[1]
    assert data_hash(shops[0].graph) == data_hash(shops[1].graph)
    for table in ("users", "products", "categories"):
        assert getattr(shops[0], table).equals(getattr(shops[1], table))


def test_a_long_history_goes_in_slices(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = set()
    for size in (4000, 1_000_000):
        monkeypatch.setattr(write, "_SLICE", size)
        with EmbeddedStore(tmp_path / f"{size}.lbug") as store:
            counts = write_dataset(store, planted.dataset)
            assert counts.edges["PURCHASED"] == planted.dataset.events.height
            assert write_dataset(store, planted.dataset).new_edges == 0
            hashes.add(data_hash(read_shop(store).graph))
    assert len(hashes) == 1


def test_sums_survive(planted: Planted, store: GraphStore) -> None:
    write_dataset(store, planted.dataset)
    graph = read_shop(store).graph
    events = planted.dataset.events
    assert graph.values.sum() == pytest.approx(events["value"].sum())
    assert graph.orders.max() + 1 == events["order_id"].n_unique()
    pairs = events.select("user_id", "product_id").unique().height
    assert graph.matrix().nnz == pairs


def test_data_hash_tells_data_apart(store: GraphStore) -> None:
    write_dataset(store, tiny())
    graph = read_shop(store).graph
    hashes = {
        data_hash(graph),
        data_hash(replace(graph, values=graph.values + 1)),
        data_hash(replace(graph, registered=~graph.registered)),
        data_hash(graph.where(graph.kinds == 0)),
    }
    assert len(hashes) == 4
    assert all(len(h) == 64 for h in hashes)
    assert data_hash(graph) == data_hash(read_shop(store).graph)


def test_bare_rows_of_a_later_load_keep_what_is_known(store: GraphStore) -> None:
    write_dataset(store, tiny())
    only_events = Dataset.of(tiny().events, LoadReport("later", 4, 4), currency="EUR")
    write_dataset(store, only_events)
    shop = read_shop(store)
    assert shop.products["title"].to_list() == [None, "Y"]
    assert shop.products["category_id"].to_list() == [None, "food/tea"]
    assert shop.users["anonymous"].to_list() == [False, True, False]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (replace(tiny(), currency="USD"), "money in EUR and this data in USD"),
        (
            tiny(products=pl.DataFrame({"product_id": ["x", "y"], "organic": ["very", "no"]})),
            "organic",
        ),
        (tiny(users=pl.DataFrame({"user_id": ["ann", "bob"], "id": ["1", "2"]})), "rename"),
    ],
)
def test_refused_data_leaves_the_store_as_it_was(
    store: GraphStore, changed: Dataset, message: str
) -> None:
    write_dataset(store, tiny())
    before = (store.counts(), store.nodes("User").to_pylist(), store.nodes("Product").to_pylist())
    events = changed.events.with_columns(event_id=pl.format("new-{}", "event_id"))
    with pytest.raises(DataError, match=message):
        write_dataset(store, replace(changed, events=events))
    assert before == (
        store.counts(), store.nodes("User").to_pylist(), store.nodes("Product").to_pylist()
    )  # fmt: skip


def test_progress_names_stages_and_ends(store: GraphStore) -> None:
    seen: list[tuple[str, int, int]] = []
    write_dataset(store, tiny(), lambda *step: seen.append(step))
    assert ("writing nodes", 6, 6) in seen
    assert ("writing PURCHASED", 2, 2) in seen
    assert seen[-1] == ("saving", 1, 1)
