"""Events and changes as the store takes them: each batch one transaction, safe to write again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import polars as pl

from events.change import Change
from events.event import COLUMNS, ShopEvent
from graph.ddl import POLARS_TYPES, quoted
from graph.properties import Scalar, fitted, kind_of
from graph.schema import EVENT_EDGES, STRUCTURE_EDGES, PropertyType
from graph.store import GraphStore
from loaders.errors import DataError
from loaders.schema import ANONYMOUS_PREFIX, TABLES

__all__ = ["write_changes", "write_events"]

_TYPES = TABLES["events"].dtypes
_ENDS = {"user_id": "source", "product_id": "target"}
_STRUCTURE = {edge.name: edge for edge in STRUCTURE_EDGES}

Held = Mapping[str, Mapping[str, Scalar]]
"""Properties by the id of their node."""


def write_events(store: GraphStore, events: Sequence[ShopEvent]) -> None:
    """Events with the users and products that only they name, in one transaction."""
    frame = pl.DataFrame(
        events, schema={name: _raw(name) for name in COLUMNS}, orient="row"
    ).with_columns(pl.col("at").cast(_TYPES["at"]))
    unknown = set(frame["event"]) - set(EVENT_EDGES)
    if unknown:
        raise DataError(f"expected one of {', '.join(EVENT_EDGES)}; found {sorted(unknown)}")
    with store.transaction():
        _add_bare(store, "User", frame["user_id"])
        _add_bare(store, "Product", frame["product_id"])
        for (name,), rows in frame.partition_by("event", as_dict=True).items():
            edge = EVENT_EDGES[str(name)]
            table = rows.rename(_ENDS).select("source", "target", *edge.properties)
            store.append_events(edge, table.to_arrow())


def _raw(name: str) -> pl.DataType:
    """The type a column has in the queue."""
    return pl.Int64() if name == "at" else _TYPES[name]


def _add_bare(store: GraphStore, label: str, named: pl.Series) -> None:
    """Make nodes for ids the store does not know, with nothing but their id.

    As a load does for what only events name; a later load fills in the rest.
    """
    ids = named.unique(maintain_order=True)
    known = store.query(
        f"UNWIND $ids AS id MATCH (n:{quoted(label)} {{id: id}}) RETURN n.id AS id",
        {"ids": ids.to_list()},
    )["id"].to_pylist()
    fresh = pl.DataFrame({"id": ids.filter(~ids.is_in(known))})
    if label == "User":
        visitor = pl.col("id").str.starts_with(ANONYMOUS_PREFIX)
        fresh = fresh.with_columns(anonymous=visitor)
    if fresh.height:
        store.upsert_nodes(label, fresh.to_arrow())


def write_changes(store: GraphStore, changes: Sequence[Change]) -> None:
    """Changes in their order, in one transaction; of several of one property the last holds."""
    with store.transaction():
        for label in ("User", "Product"):
            own = [change for change in changes if change.label == label]
            if own:
                _write_nodes(store, label, own)
        _write_edges(store, "IN_CATEGORY", {c.id: c.category_id for c in changes if c.category_id})
        _write_edges(store, "OF_BRAND", {c.id: c.brand for c in changes if c.brand})


def _write_nodes(store: GraphStore, label: str, changes: Sequence[Change]) -> None:
    known = store.properties(label)
    stored = {name.lower(): name for name in known}
    held: dict[str, dict[str, Scalar]] = {}
    for change in changes:
        own = held.setdefault(change.id, {})
        for name, value in json.loads(change.properties).items():
            own[stored.setdefault(name.lower(), name)] = value
    ids = pl.Series("id", list(held), pl.String)
    _add_bare(store, label, ids)
    names = dict.fromkeys(name for own in held.values() for name in own)
    columns = [_column(held, name, known.get(name)) for name in names]
    if columns:
        store.upsert_nodes(label, pl.DataFrame([ids, *columns]).to_arrow())


def _column(held: Held, name: str, kind: PropertyType | None) -> pl.Series:
    """One property of all nodes, empty where a node is not given it.

    Raises:
        DataError: a value is of another type than is stored, or than the first where none is.
    """
    given = {id_: own[name] for id_, own in held.items() if name in own}
    kind = kind or kind_of(next(iter(given.values())))
    try:
        values = {id_: fitted(value, kind) for id_, value in given.items()}
    except DataError as error:
        raise DataError(str(error), column=name) from error
    return pl.Series(name, [values.get(id_) for id_ in held], POLARS_TYPES[kind])


def _write_edges(store: GraphStore, name: str, targets: Mapping[str, str]) -> None:
    """Move products to a category or brand; brands that are new are made."""
    if not targets:
        return
    if name == "OF_BRAND":
        brands = pl.DataFrame({"id": list(dict.fromkeys(targets.values()))})
        store.upsert_nodes("Brand", brands.to_arrow())
    ends = pl.DataFrame({"source": list(targets), "target": list(targets.values())})
    store.upsert_edges(_STRUCTURE[name], ends.to_arrow())
