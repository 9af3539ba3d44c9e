"""A shop of six customers, four products and 14 events, small enough to work audiences out by hand.

The last event is on day 100 (2024-04-10). ``fay`` is a visitor without an account.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from audiences.definition import Definition, parse
from audiences.estimate import Estimate
from audiences.events import DAY, EventLog
from audiences.plan import Evaluator, Plan
from audiences.tables import Grouping, Tables, traits_of
from graph.ids import IdMap
from loaders.schema import EVENT_NAMES

START = 1_704_067_200 // DAY
"""2024-01-01 in days since 1970."""


class Did(NamedTuple):
    """One event; ``day`` counts from 2024-01-01."""

    user: str
    product: str
    day: float
    value: float | None = None
    order: int = -1
    event: str = "purchase"


USERS = pl.DataFrame(
    {
        "user_id": ["ann", "bob", "cat", "dan", "eve", "fay"],
        "anonymous": [False, False, False, False, False, True],
        "age": [31, 45, None, 62, 18, None],
        "city": ["Bonn", "Köln", "Bonn", None, "O'Hara", None],
        "agreed": ["yes", "no", "TRUE", "1", None, None],
    }
)
PRODUCTS = pl.DataFrame(
    {
        "product_id": ["espresso", "filter", "green", "mug"],
        "title": ["Espresso beans", "Filter coffee", "Green tea", "Mug"],
        "category_id": ["beans", "ground", "tea", "ware"],
        "brand": ["Roma", "Roma", "Leaf", None],
    }
)
CATEGORIES = pl.DataFrame(
    {
        "category_id": ["coffee", "beans", "ground", "tea", "ware"],
        "name": ["Coffee", "Beans", "Ground", "Tea", "Ware"],
        "level": [0, 1, 1, 0, 0],
        "parent_id": [None, "coffee", "coffee", None, None],
    }
)
DID = [
    Did("ann", "espresso", 10, 8.0, 1),
    Did("ann", "filter", 10, 4.0, 1),
    Did("ann", "espresso", 95, 8.0, 2),
    Did("ann", "mug", 95.5, 5.0, 3),
    Did("bob", "green", 50, 3.0, 4),
    Did("bob", "green", 90, 3.0, 5),
    Did("bob", "espresso", 70, 9.0, 6),
    Did("cat", "espresso", 20, 8.0, 7),
    Did("cat", "mug", 60, None, 8),
    Did("cat", "green", 80, event="add_to_cart"),
    Did("dan", "mug", 92, event="add_to_cart"),
    Did("dan", "mug", 94, 5.0, 9),
    Did("dan", "green", 99, event="add_to_cart"),
    Did("fay", "espresso", 100, 8.0, 10),
]
CUSTOMERS = pl.DataFrame(
    {
        "user_id": ["ann", "bob", "cat", "dan"],
        "stage": ["mature", "at risk", "lost", "new"],
        "rfm": ["555", "344", "121", "511"],
        "expected_value": [40.0, 12.0, None, 10.0],
        "churn_risk": [0.1, 0.5, 0.9, 0.4],
        "probability_alive": [0.95, 0.6, 0.05, 0.8],
        "usual_interval_days": [42.5, 20.0, 40.0, None],
    }
)
VECTORS = [[1, 0], [0.6, 0.8], [2, 0.1], [0, 1], [0, 0], [1, 0.01]]
LIKED = [[2, -1, 3], [3, 1, -1], [2, 3, 1], [0, 1, 2], [-1, -1, -1], [-1, -1, -1]]


def log_of(did: Sequence[Did], users: IdMap, products: IdMap) -> EventLog:
    """The events as the log keeps them."""
    return EventLog.build(
        users.to_rows([d.user for d in did], missing="error"),
        products.to_rows([d.product for d in did], missing="error"),
        np.array([EVENT_NAMES.index(d.event) for d in did], np.int8),
        np.array([(START + d.day) * DAY for d in did]),
        np.array([np.nan if d.value is None else d.value for d in did], np.float32),
        np.array([d.order for d in did], np.int32),
        len(users),
    )


def stats_of(did: Sequence[Did], users: IdMap) -> pl.DataFrame:
    """Orders, spend and last purchase of each user, counted one by one."""
    rows = []
    for user in users.ids:
        mine = [d for d in did if d.user == user and d.event == "purchase"]
        rows.append(
            {
                "orders": len({d.order for d in mine if d.order >= 0}),
                "spend": sum(d.value or 0.0 for d in mine) if mine else None,
                "last": max((START + d.day for d in mine), default=None),
            }
        )
    types = {"orders": pl.Int64, "spend": pl.Float64, "last": pl.Float64}
    return pl.DataFrame(rows, schema=types)


def tables_of(
    did: Sequence[Did] = DID,
    *,
    customers: pl.DataFrame | None = CUSTOMERS,
    closed: Collection[str] = (),
) -> Tables:
    """The shop with these events; ``closed`` are on the suppression list."""
    ids, products = IdMap(USERS["user_id"]), IdMap(PRODUCTS["product_id"])
    log = log_of(did, ids, products)
    barred = pl.Series(
        "closed",
        [
            "anonymous" if a else "suppressed" if u in closed else None
            for u, a in USERS.select("user_id", "anonymous").iter_rows()
        ],
        pl.String,
    )
    member = np.array([0, 1, 0, 1, -1, -1], np.int32)
    strength = np.array([0.9, 0.4, 0.5, 1.0, 0, 0], np.float32)
    return Tables(
        build="build-1",
        users=ids,
        open=barred.is_null().to_numpy(),
        closed=barred,
        attributes=USERS.drop("user_id", "anonymous"),
        traits=traits_of(ids, stats_of(did, ids), customers, log.now / DAY),
        groupings=(Grouping(("s-1", "s-2"), ("Espresso", "Tea"), member, strength),),
        events=log,
        products=PRODUCTS,
        categories=CATEGORIES,
        vectors=np.array(VECTORS, np.float32),
        liked=np.array(LIKED, np.int32),
    )


def defined(where: dict[str, Any], name: str = "some") -> Definition:
    """A definition of this condition."""
    return parse({"name": name, "where": where})


def who(
    where: dict[str, Any], tables: Tables | None = None, library: Sequence[Definition] = ()
) -> list[str]:
    """Ids of the members."""
    tables = tables or tables_of()
    plan = Plan.of(defined(where), tables, {d.name: d for d in library})
    mask = Evaluator(tables).members(plan)
    return tables.users.ids.filter(pl.Series(mask)).to_list()


__all__ = ["DID", "Did", "Estimate", "defined", "tables_of", "who"]
