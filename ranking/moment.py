"""``Moment``: all that a ranker may know of a shop at one moment, and nothing of what follows.

The same function makes it for a moment in the past, to learn from what was bought next, and for
the present, to rank what will be. Seconds for a million lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import svds

from graph.interactions import FloatMatrix, InteractionGraph
from ranking.habits import PERIOD, Habits, habits
from ranking.matrices import bought_pairs
from ranking.scorer import Scorer, Scores

__all__ = ["Moment", "Tastes", "moment_of"]

TASTES = 64
NEW_DAYS = 45.0

Table = dict[str, npt.NDArray[np.float32]]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tastes:
    """What customers of a like taste bought, by a low-rank view of who bought what.

    The singular vectors of the degree-normalised matrix are the smoothest signals of the graph
    (Shen et al., "How Powerful is Graph Convolution for Recommendation?", CIKM 2021). A
    customer's scores are their vector times what all customers bought, seen through the vectors.

    Attributes:
        users: float32 [n_users, dim].
        ever, lately, new: float32 [dim, n_products], of all purchases, of recent ones, and of
            first purchases in the last ``NEW_DAYS`` days.
    """

    users: Scores
    ever: Scores
    lately: Scores
    new: Scores

    def views(self) -> dict[str, Scores]:
        """The three views by name."""
        return {"ever": self.ever, "lately": self.lately, "new": self.new}


@dataclass(frozen=True)
class Moment:
    """A shop as it was at ``now``.

    Attributes:
        now: days since 1970-01-01 UTC.
        products: habits of customers with products.
        groups: category of some level or brand of each product, int64 [n_products], -1 for none.
        group_habits: habits of customers with each of the groups.
        trips: days with a purchase, by customer: customer * ``DAYS`` + day, int64, ascending.
        user_table: float32 [n_users] by name.
        product_table: float32 [n_products] by name.
        group_tables: for each of the groups, float32 [n_products] by name.
        tastes: what customers of a like taste bought.
        scorers: fitted on the same events; their scores are features.
    """

    now: float
    products: Habits
    groups: Sequence[Codes]
    group_habits: Sequence[Habits]
    trips: npt.NDArray[np.int64]
    user_table: Table
    product_table: Table
    group_tables: Sequence[Table]
    tastes: Tastes
    scorers: Sequence[Scorer]

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where each customer's products begin, int64 [n_users + 1]."""
        n_users = len(self.user_table["u_trips"])
        return np.searchsorted(self.products.users, np.arange(n_users + 1)).astype(np.int64)

    @cached_property
    def lately(self) -> npt.NDArray[np.int64]:
        """Products ever bought, those with most buyers lately first, of all time among equals."""
        table = self.product_table
        order = np.lexsort((-table["p_buyers"], -table["p_recent_0"]))
        return order[table["p_buyers"][order] > 0].astype(np.int64)

    @cached_property
    def variety(self) -> Sequence[tuple[Scores, Scores]]:
        """For each of the groups, by pair of ``group_habits``, products the customer ever bought.

        And how many of them first in the last two periods; float32 [n_pairs] both.
        """
        pairs = zip(self.groups, self.group_habits, strict=True)
        return [_variety(self.products, group, of) for group, of in pairs]


DAYS = 1_000_000
"""More than there are days in a calendar; keys of trips are made with it."""


def moment_of(
    graph: InteractionGraph, groups: Sequence[Codes], now: float, scorers: Sequence[Scorer]
) -> Moment:
    """Gather what is known.

    Args:
        graph: events before ``now``; only purchases count.
        groups: codes of products, int64 [n_products] each, -1 for none.
        now: days since 1970-01-01 UTC.
        scorers: fitted on ``graph``.
    """
    bought = graph.purchases()
    products = habits(bought, bought.product_rows, graph.shape[1], now)
    group_habits = [habits(bought, g[bought.product_rows], int(g.max()) + 1, now) for g in groups]
    day = np.floor(bought.days).astype(np.int64)
    trips = np.unique(bought.user_rows.astype(np.int64) * DAYS + day)
    table = _product_table(bought, products, now)
    return Moment(
        now,
        products,
        groups,
        group_habits,
        trips,
        _user_table(bought, products, trips, now),
        table,
        [_group_table(g, h, table) for g, h in zip(groups, group_habits, strict=True)],
        _tastes(bought, products),
        scorers,
    )


def _user_table(
    bought: InteractionGraph, products: Habits, trips: npt.NDArray[np.int64], now: float
) -> Table:
    """How much and how often customers buy."""
    n = bought.shape[0]
    who, age = trips // DAYS, now - trips % DAYS
    held = products.users
    c = products.columns
    lines, count = np.bincount(bought.user_rows, minlength=n), np.bincount(who, minlength=n)
    first, last = np.zeros(n), np.full(n, np.inf)
    np.maximum.at(first, who, age)
    np.minimum.at(last, who, age)
    new, lately = (np.bincount(held, c[k] < PERIOD, n) for k in ("age_first", "age_last"))
    distinct = np.bincount(held, minlength=n)
    spent = np.bincount(held, c["value"], n)
    table = {
        "u_trips": count,
        "u_since": last,
        "u_span": first,
        "u_gap": (first - last) / np.maximum(count - 1, 1),
        "u_products": distinct,
        "u_lines": lines,
        "u_basket": lines / np.maximum(count, 1),
        "u_lately": lately,
        "u_new": new,
        "u_newshare": new / np.maximum(lately, 1),
        "u_price": spent / np.maximum(lines, 1),
        "u_again": np.bincount(held, c["visits"] > 1, n) / np.maximum(distinct, 1),
    }
    for i in (1, 2, 3):
        table[f"u_trips_{i}"] = np.bincount(who, age < i * PERIOD, n)
    return {name: column.astype(np.float32) for name, column in table.items()}


def _product_table(bought: InteractionGraph, products: Habits, now: float) -> Table:
    """How popular, how new, how often bought again and how dear products are."""
    c = products.columns
    buyers = products.per_thing(np.ones(len(products.keys)))
    some = np.maximum(buyers, 1)
    table: dict[str, npt.NDArray[np.floating]]
    table = {f"p_recent_{i}": products.per_thing(c[f"recent_{i}"] > 0) for i in range(3)}
    for days in (7, 14, PERIOD):
        table[f"p_in_{days}"] = products.per_thing(c["age_last"] < days)
        table[f"p_new_{days}"] = products.per_thing(c["age_first"] < days)
    old = c["age_first"] >= PERIOD
    rhythm = ~np.isnan(c["gap"])
    again = products.per_thing(old & (c["recent_0"] > 0))
    table |= {
        "p_buyers": buyers,
        "p_trend": (table["p_recent_0"] + 1) / (table["p_recent_1"] + 1),
        "p_trend_before": (table["p_recent_1"] + 1) / (table["p_recent_2"] + 1),
        "p_trend_week": (table["p_in_7"] * (PERIOD / 7) + 1) / (table["p_recent_0"] + 1),
        "p_newshare": table[f"p_new_{PERIOD}"] / np.maximum(table["p_recent_0"], 1),
        "p_again": products.per_thing(c["visits"] > 1) / some,
        "p_again_lately": (again + 0.5) / (products.per_thing(old) + 5),
        "p_visits": products.per_thing(c["visits"]) / some,
        "p_gap": products.per_thing(np.nan_to_num(c["gap"]))
        / np.maximum(products.per_thing(rhythm), 1),
    }
    return {k: v.astype(np.float32) for k, v in (table | _prices(bought, now)).items()}


def _prices(bought: InteractionGraph, now: float) -> dict[str, npt.NDArray[np.floating]]:
    """Price and age of products; ``p_price_lately`` is the latest price over the usual one."""
    n, p = bought.shape[1], bought.product_rows
    age = now - bought.days
    first, last = np.zeros(n), np.full(n, np.inf)
    np.maximum.at(first, p, age)
    np.minimum.at(last, p, age)
    money, late = np.nan_to_num(bought.values).astype(float), age < PERIOD
    units = np.maximum(bought.quantities, 0).astype(float)
    usual = np.bincount(p, money, n) / np.maximum(np.bincount(p, units, n), 1)
    lately = np.bincount(p[late], money[late], n) / np.maximum(
        np.bincount(p[late], units[late], n), 1
    )
    lines = np.bincount(p, minlength=n)
    return {
        "p_age": first,
        "p_last": last,
        "p_price": usual,
        "p_price_lately": np.where(lately > 0, lately / np.maximum(usual, 0.01), np.nan),
        "p_units": np.bincount(p, units, n) / np.maximum(lines, 1),
        "p_lines": lines,
    }


def _group_table(group: Codes, of: Habits, products: Table) -> Table:
    """How large a product's group is, and the product's share of it."""
    spare = np.where(group >= 0, group, of.n_things)
    total = {
        k: np.bincount(spare, products[k], of.n_things + 1)[spare]
        for k in ("p_recent_0", f"p_new_{PERIOD}")
    }
    buyers = np.append(of.per_thing(np.ones(len(of.keys))), 0)[spare]
    new = total[f"p_new_{PERIOD}"]
    table = {
        "buyers": buyers,
        "new": new,
        "share": products["p_recent_0"] / np.maximum(total["p_recent_0"], 1),
        "newshare": products[f"p_new_{PERIOD}"] / np.maximum(new, 1),
    }
    return {name: column.astype(np.float32) for name, column in table.items()}


def _variety(held: Habits, groups: Codes, of: Habits) -> tuple[Scores, Scores]:
    """Products of a group that each customer ever bought, and first bought lately, [n_pairs]."""
    group = groups[held.things]
    known = group >= 0
    place = np.searchsorted(of.keys, held.users[known] * of.n_things + group[known])
    new = held.columns["age_first"][known] < 2 * PERIOD
    n = len(of.keys)
    return (
        np.bincount(place, minlength=n).astype(np.float32),
        np.bincount(place, new, n).astype(np.float32),
    )


def _tastes(bought: InteractionGraph, products: Habits) -> Tastes:
    """Singular vectors of who bought what, and three views of purchases through them."""
    pairs = bought_pairs(bought)
    degree = [np.maximum(pairs.sum(axis=side), 1).astype(np.float32) for side in (1, 0)]
    scaled = sparse.diags_array(degree[0] ** -0.5) @ pairs @ sparse.diags_array(degree[1] ** -0.5)
    rank = max(1, min(TASTES, min(pairs.shape) - 1))
    start = np.ones(min(pairs.shape), np.float32)
    users, size, vt = svds(scaled.astype(np.float32), k=rank, v0=start)
    users = np.ascontiguousarray(users, np.float32)
    c = products.columns

    def seen(weights: npt.NDArray[np.floating]) -> Scores:
        matrix: FloatMatrix = sparse.csr_array(
            (weights.astype(np.float32), (products.users, products.things)), shape=pairs.shape
        )
        return np.ascontiguousarray(users.T @ matrix, np.float32)

    return Tastes(
        users,
        (size[:, None] * vt * degree[1] ** 0.5).astype(np.float32),
        seen(np.minimum(c["decay_21"], 1)),
        seen((c["age_first"] < NEW_DAYS).astype(np.float32)),
    )
