"""The compiled pass gives what reading a customer's events one by one gives, whatever is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from audience_shop import (
    CATEGORIES,
    CUSTOMERS,
    LIKED,
    PRODUCTS,
    USERS,
    Did,
    defined,
    tables_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from audiences import events as event_log
from audiences.explain import explain
from audiences.plan import Evaluator, Plan

IDS = USERS["user_id"].to_list()
PARENT = dict(CATEGORIES.select("category_id", "parent_id").iter_rows())
OF = {row["product_id"]: row for row in PRODUCTS.iter_rows(named=True)}
KINDS = ["purchase", "view_item", "add_to_cart"]

# Days and values on a coarse grid, so that thresholds are met exactly as often as not.
event = st.builds(
    Did,
    st.sampled_from(IDS),
    st.sampled_from(list(OF)),
    st.integers(0, 24).map(lambda n: n / 2),
    st.none() | st.integers(0, 6).map(float),
    st.integers(-1, 3),
    st.sampled_from(KINDS),
).map(lambda d: d._replace(order=d.order if d.order < 0 else 10 * IDS.index(d.user) + d.order))
days = st.integers(1, 24).map(lambda n: n / 2)
what = st.fixed_dictionaries(
    {},
    optional={
        "product": st.lists(st.sampled_from(list(OF)), max_size=2),
        "category": st.lists(st.sampled_from(list(PARENT)), min_size=1, max_size=2),
        "brand": st.sampled_from(["Roma", "Leaf"]),
    },
)
some = what.filter(lambda w: any(w.values()))
act = st.tuples(what, st.sampled_from(KINDS)).map(lambda p: {**p[0], "event": p[1]})


def joined(first: st.SearchStrategy[Any], **rest: st.SearchStrategy[Any]) -> Any:
    return st.tuples(first, st.fixed_dictionaries(rest)).map(
        lambda p: {**p[0], **{k: v for k, v in p[1].items() if v is not None}}
    )


maybe = st.none() | days
leaf = st.one_of(
    joined(
        act,
        kind=st.just("bought"),
        days=maybe,
        times=st.integers(1, 3),
        value=st.none() | st.integers(1, 9),
    ),
    joined(act, kind=st.just("not_bought"), days=st.just(12.0), until_days=st.integers(0, 5)),
    st.builds(
        lambda first, second, way, within, same, since: {
            "kind": "sequence",
            "first": first,
            way: second,
            "within_days": within,
            "same_product": same,
            **({"days": since} if since else {}),
        },
        act,
        act,
        st.sampled_from(["then", "then_not"]),
        days,
        st.booleans(),
        maybe,
    ),
    joined(some, kind=st.just("share"), min=st.sampled_from([0.25, 0.5, 1.0]), days=maybe),
    joined(some, kind=st.just("likes"), top=st.integers(1, 3)),
    st.builds(lambda s: {"kind": "stage", "any_of": s}, st.sampled_from(["lost", "new"])),
    st.builds(
        lambda a, b: {"kind": "attribute", "name": "age", "min": min(a, b), "max": max(a, b)},
        st.integers(10, 70),
        st.integers(10, 70),
    ),
)
tree = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(
            lambda k, of: {"kind": k, "of": of},
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda of: {"kind": "not", "of": of}, inner),
    ),
    max_leaves=5,
)


def is_of(product: str, asked: dict[str, Any]) -> bool:
    """Whether a product is among those asked for."""

    def listed(name: str) -> list[str]:
        value = asked.get(name, [])
        return value if isinstance(value, list) else [value]

    row = OF[product]
    above = [row["category_id"], PARENT[row["category_id"]]]
    fits = [
        not listed("product") or product in listed("product"),
        not listed("category") or any(c in listed("category") for c in above),
        not listed("brand") or row["brand"] in listed("brand"),
    ]
    return all(fits)


class Naive:
    """Reads one customer's events at a time, in plain Python."""

    def __init__(self, did: list[Did]) -> None:
        self.did, self.now = did, max((d.day for d in did), default=0)

    def holds(self, user: str, where: dict[str, Any]) -> bool:
        inner = where.get("of")
        if where["kind"] == "not":
            assert isinstance(inner, dict)
            return not self.holds(user, inner)
        if where["kind"] in ("all", "any"):
            join: Callable[[Any], bool] = all if where["kind"] == "all" else any
            assert isinstance(inner, list)
            return join(self.holds(user, c) for c in inner)
        return bool(getattr(self, where["kind"])(user, where))

    def mine(self, user: str, asked: dict[str, Any], days: float | None, until: float = 0.0) -> Any:
        return [
            d
            for d in self.did
            if d.user == user
            and d.event == asked.get("event", "purchase")
            and is_of(d.product, asked)
            and (days is None or d.day >= self.now - days)
            and (not until or d.day <= self.now - until)
        ]

    def bought(self, user: str, where: dict[str, Any]) -> bool:
        found = self.mine(user, where, where.get("days"))
        orders = {d.order for d in found if d.order >= 0}
        times = len(orders) + sum(d.order < 0 for d in found)
        paid = sum(d.value or 0 for d in found)
        return times >= where["times"] and paid >= where.get("value", 0)

    def not_bought(self, user: str, where: dict[str, Any]) -> bool:
        return not self.mine(user, where, where["days"], where["until_days"])

    def sequence(self, user: str, where: dict[str, Any]) -> bool:
        within = where["within_days"]
        second = where.get("then", where.get("then_not"))
        for first in self.mine(user, where["first"], where.get("days")):
            follows = any(
                first.day < d.day <= first.day + within
                and (not where["same_product"] or d.product == first.product)
                for d in self.mine(user, second, None)
            )
            if "then" in where and follows:
                return True
            if "then_not" in where and not follows and first.day + within <= self.now:
                return True
        return False

    def share(self, user: str, where: dict[str, Any]) -> bool:
        total = sum(d.value or 0 for d in self.mine(user, {}, where.get("days")))
        part = sum(d.value or 0 for d in self.mine(user, where, where.get("days")))
        return total > 0 and part / total >= where["min"] - 1e-7

    def likes(self, user: str, where: dict[str, Any]) -> bool:
        listed = LIKED[IDS.index(user)][: where["top"]]
        return any(row >= 0 and is_of(list(OF)[row], where) for row in listed)

    def stage(self, user: str, where: dict[str, Any]) -> bool:
        known = dict(CUSTOMERS.select("user_id", "stage").iter_rows())
        return known.get(user) == where["any_of"]

    def attribute(self, user: str, where: dict[str, Any]) -> bool:
        age = USERS["age"][IDS.index(user)]
        return age is not None and where["min"] <= age <= where["max"]


@settings(max_examples=150, deadline=None)
@given(st.lists(event, max_size=25), tree, st.sampled_from([1, 3, 1000]))
def test_the_compiled_pass_is_the_naive_one(
    did: list[Did], where: dict[str, Any], chunk: int
) -> None:
    tables, naive = tables_of(did), Naive(did)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_log.EventLog.chunks, "__defaults__", (chunk,))
        evaluator = Evaluator(tables)
        plan = Plan.of(defined(where), tables, {})
        mask = evaluator.members(plan)
    expected = [u != "fay" and naive.holds(u, where) for u in IDS]
    assert mask.tolist() == expected
    # Explaining each customer by themselves comes to the same.
    assert [explain(evaluator, plan, u).member for u in IDS] == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(event, max_size=40))
def test_the_log_keeps_every_event_by_customer_and_time(did: list[Did]) -> None:
    log = tables_of(did).events
    span = log.span(0, len(IDS))
    kept = sorted(
        zip(span.users.tolist(), span.products.tolist(), span.seconds.tolist(), strict=True)
    )
    products = list(OF)
    first = event_log.DAY * 19_723
    assert kept == sorted(
        (IDS.index(d.user), products.index(d.product), first + round(d.day * event_log.DAY))
        for d in did
    )
    assert all(np.diff(span.users.astype(np.int64) << 32 | span.seconds) >= 0)
    assert (span.owners[span.orders] == span.users).all()
    frame = pl.DataFrame(
        {"user": [d.user for d in did], "order": [d.order for d in did]},
        schema={"user": pl.String, "order": pl.Int64},
    )
    known = frame.filter(pl.col("order") >= 0)
    assert len(span.owners) == known.n_unique() + (len(frame) - len(known)) if did else True
