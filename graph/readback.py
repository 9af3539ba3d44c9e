"""``read_shop``: the whole shop out of a store, as arrays and tables aligned to their rows.

Rows are put in one order whatever the store and the order of loading: ids sorted, events by time
and then by who and what. So equal data gives equal models, and one hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from graph.ids import IdMap
from graph.interactions import InteractionGraph
from graph.schema import EVENT_EDGES, STRUCTURE_EDGES
from graph.shop import Shop
from graph.store import GraphStore
from loaders.schema import EVENT_NAMES

__all__ = ["data_hash", "read_shop"]

_MICROSECONDS_A_DAY = 86_400e6
_EVENT_COLUMNS = ("at", "quantity", "value", "order_id")
_TARGETS = tuple(
    EVENT_NAMES.index(name)
    for name in ("purchase", "rate", "add_to_cart", "add_to_wishlist", "view_item")
)
"""What customers are to be led to: purchases, or the next best that the shop records."""

_STRUCTURE = {edge.name: edge for edge in STRUCTURE_EDGES}


def read_shop(store: GraphStore) -> Shop:
    """Read users, products, categories and all events, from one state of the store.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    with store.transaction():
        users = _sorted_nodes(store, "User").rename({"id": "user_id"})
        products = _products(store)
        categories = _categories(store)
        currency = store.nodes("Shop")["currency"].to_pylist()
        tables = [store.edges(EVENT_EDGES[name], _EVENT_COLUMNS) for name in EVENT_NAMES]
        redemptions = _edges(store, "REDEEMED", "user_id", "campaign_id", ("at",))
        targets = _edges(store, "TARGETED", "campaign_id", "user_id")
    users = users.with_columns(pl.col("anonymous").fill_null(False))
    graph = _graph(tables, users, products["product_id"])
    money = currency[0] if currency else "USD"
    return Shop(graph, users, products, categories, money, redemptions, targets)


def _sorted_nodes(store: GraphStore, label: str) -> pl.DataFrame:
    frame = pl.from_arrow(store.nodes(label))
    assert isinstance(frame, pl.DataFrame)
    return frame.sort("id")


def _edges(
    store: GraphStore, edge: str, key: str, value: str, more: tuple[str, ...] = ()
) -> pl.DataFrame:
    """Source and target ids of a structure edge, named ``key`` and ``value``, and properties."""
    frame = pl.from_arrow(store.edges(_STRUCTURE[edge], more))
    assert isinstance(frame, pl.DataFrame)
    ids = {key: pl.col("source").cast(pl.String), value: pl.col("target").cast(pl.String)}
    return frame.select(*more, **ids).sort(key, value, *more)


def _products(store: GraphStore) -> pl.DataFrame:
    frame = _sorted_nodes(store, "Product").rename({"id": "product_id"})
    for edge, value in (("IN_CATEGORY", "category_id"), ("OF_BRAND", "brand")):
        frame = frame.drop(value, strict=False).join(
            _edges(store, edge, "product_id", value),
            on="product_id",
            how="left",
            maintain_order="left",
        )
    first = ["product_id", "title", "price", "category_id", "brand"]
    return frame.select(*first, pl.exclude(first))


def _categories(store: GraphStore) -> pl.DataFrame:
    frame = _sorted_nodes(store, "Category").rename({"id": "category_id"})
    parents = _edges(store, "CHILD_OF", "category_id", "parent_id")
    joined = frame.join(parents, on="category_id", how="left", maintain_order="left")
    return joined.select("category_id", "name", "level", "parent_id")


def _graph(tables: list[pa.Table], users: pl.DataFrame, products: pl.Series) -> InteractionGraph:
    user_map, product_map = IdMap(users["user_id"]), IdMap(products)
    parts = [
        _events(table, kind, user_map, product_map)
        for kind, table in enumerate(tables)
        if table.num_rows
    ]
    events = pl.concat(parts or [_no_events()])
    orders = events["order_id"].unique().drop_nulls().sort()
    numbers = pl.DataFrame({"order_id": orders, "orders": np.arange(len(orders), dtype=np.int32)})
    events = events.join(numbers, on="order_id", how="left").drop("order_id")
    events = events.with_columns(pl.col("orders").fill_null(-1))
    # Every column takes part, so that rows which tie are alike.
    ordered = events.sort("days", "user_rows", "product_rows", pl.all(), nulls_last=True)
    columns: dict[str, Any] = {name: ordered[name].to_numpy() for name in ordered.columns}
    there = set(ordered["kinds"].unique())
    return InteractionGraph(
        users=user_map,
        products=product_map,
        registered=~users["anonymous"].to_numpy(),
        target=next((kind for kind in _TARGETS if kind in there), 0),
        **columns,
    )


def _no_events() -> pl.DataFrame:
    ids = pl.Series([], dtype=pl.String)
    column = pa.array([], pa.string()).dictionary_encode()
    names = {"at": pa.timestamp("us", "UTC"), "quantity": pa.float64(), "value": pa.float64()}
    rest = {name: pa.array([], kind) for name, kind in {**names, "order_id": pa.string()}.items()}
    return _events(
        pa.table({"source": column, "target": column, **rest}), 0, IdMap(ids), IdMap(ids)
    )


def _events(table: pa.Table, kind: int, users: IdMap, products: IdMap) -> pl.DataFrame:
    """Events of one kind as the columns of ``InteractionGraph``, orders still by name."""
    at = table["at"].cast(pa.int64()).to_numpy()
    return pl.DataFrame(
        {
            "user_rows": _rows(table["source"], users),
            "product_rows": _rows(table["target"], products),
            "kinds": np.full(table.num_rows, kind, np.int8),
            "days": at / _MICROSECONDS_A_DAY,
            "quantities": _floats(table["quantity"]),
            "values": _floats(table["value"]),
            "order_id": pl.Series(table["order_id"], dtype=pl.String),
        }
    )


def _rows(ends: pa.ChunkedArray | pa.Array, ids: IdMap) -> npt.NDArray[np.int32]:
    """Rows of dictionary-encoded ids, int32 [n]: each id is looked up once."""
    chunked = ends if isinstance(ends, pa.ChunkedArray) else pa.chunked_array([ends])
    whole = chunked.unify_dictionaries().combine_chunks()
    arrays = whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole]
    found = [
        ids.to_rows(pl.Series(a.dictionary, dtype=pl.String), missing="negative")[
            a.indices.to_numpy()
        ]
        for a in arrays
    ]
    return np.concatenate(found).astype(np.int32) if found else np.empty(0, np.int32)


def _floats(values: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """Values as float32 [n], NaN where empty."""
    floats: npt.NDArray[np.float32] = values.to_numpy().astype(np.float32)
    return floats


def data_hash(graph: InteractionGraph) -> str:
    """A hash of the ids and events in ``graph``, stable across stores, machines and versions.

    Returns:
        64 hexadecimal digits of SHA-256.
    """
    digest = hashlib.sha256()
    for name, part in _bytes_of(graph):
        digest.update(f"{name}:{len(part)};".encode())
        digest.update(part)
    return digest.hexdigest()


def _bytes_of(graph: InteractionGraph) -> Iterator[tuple[str, bytes]]:
    """Every field as bytes: ids with their lengths, arrays in little-endian order."""
    for field in fields(graph):
        value: Any = getattr(graph, field.name)
        if isinstance(value, IdMap):
            yield f"{field.name}.lengths", value.ids.str.len_bytes().to_numpy().tobytes()
            yield field.name, "".join(value.ids).encode()
        elif isinstance(value, int):
            yield field.name, str(value).encode()
        else:
            yield field.name, value.astype(value.dtype.newbyteorder("<")).tobytes()
