"""Suggested actions: whom of a group to approach to what end, with which products, for how much.

Ends follow stages: who is at risk or lost is to be won back, who is new to buy a second time; of
those who settle or have settled, the quarter most at risk of churn is to be kept, the others may
buy dearer. What it is worth is an estimate of what comes anyway, not of what the action causes:
``customers x probability x order_value``, where a customer buys at all within the horizon with
probability ``1 - exp(-expected_orders)`` (Poisson), and an order is worth their expected value over
their expected orders. Only an experiment with a group left alone tells what an action adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from graph.shop import Shop
from segments.facts import price_places

__all__ = ["GOALS", "Action", "Discount", "Goal", "Offer", "Suggesting"]

Goal = Literal["win back", "second purchase", "upsell", "keep"]
GOALS: Final[tuple[Goal, ...]] = ("win back", "second purchase", "upsell", "keep")
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

OFFERS: Final = 5
DEAR: Final = 0.5
"""Place by price in the category from which a product is one to buy dearer with."""
RISKY: Final = 0.75
"""Quantile of the churn risk of settled customers from which one is to be kept."""


@dataclass(frozen=True)
class Offer:
    """A product for an action.

    Attributes:
        product: its row.
        liking: mean over the customers of the discount ``1 / log2(1 + rank)`` of its place in their
            list of what they may like (0 where it is not in it), 0..1.
        lift: the same over that of all customers with a list.
        bought_with, rule_lift, confidence: the product that most of them hold from which a rule
            leads here; ``None`` without a rule.
    """

    product: int
    liking: float
    lift: float
    bought_with: str | None = None
    rule_lift: float | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Discount:
    """How the customers answer to discounts.

    Attributes:
        basis: ``campaigns``: share of who was sent one that redeemed one; ``redemptions``: share of
            all that did; ``prices``: mean share of lines paid below the usual price; ``None``: the
            shop's data cannot tell.
        rate, shop_rate: of these customers and of all.
        customers: of whom it can be told.
    """

    basis: Literal["campaigns", "redemptions", "prices"] | None
    rate: float | None
    shop_rate: float | None
    customers: int


@dataclass(frozen=True)
class Action:
    """One suggestion for the members of a group; numbers as in the module's head."""

    goal: Goal
    customers: int
    probability: float
    order_value: float | None
    expected_value: float | None
    products: tuple[Offer, ...]
    discount: Discount

    def to_dict(self) -> dict[str, Any]:
        """Plain keys and values, ready for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Action:
        """What ``to_dict`` gave, read back."""
        offers = tuple(Offer(**offer) for offer in data["products"])
        return Action(**{**data, "products": offers, "discount": Discount(**data["discount"])})


class Suggesting:
    """Suggests actions for groups of a shop's customers.

    Args:
        shop: what was learned from.
        customers: ``stage``, ``expected_orders``, ``expected_value``, ``churn_risk`` by user row.
        facts: as ``segments.facts.customer_facts`` gives them.
        liked: product rows by rank, int32 [n_users, longest], -1 where the list ends.
        pairs: rules from one product to another: ``source``, ``target``, ``lift``, ``confidence``.
        least: fewer customers are no group to approach.
    """

    def __init__(
        self,
        shop: Shop,
        customers: pl.DataFrame,
        facts: pl.DataFrame,
        liked: npt.NDArray[np.int32],
        pairs: pl.DataFrame,
        least: int,
    ) -> None:
        self._shop, self._least = shop, least
        self._goal = _goals(customers)
        orders = _floats(customers["expected_orders"])
        value = _floats(customers["expected_value"])
        self._chance = 1 - np.exp(-np.nan_to_num(orders))
        with np.errstate(divide="ignore", invalid="ignore"):
            self._worth = np.where(orders > 0, value / orders, np.nan)
        self._liking = _liking(liked, len(shop.products))
        listed = (liked >= 0).any(axis=1) & shop.graph.registered
        self._usual = self._mean(listed)
        self._places = price_places(shop)
        self._bought = shop.graph.purchases().matrix()
        self._pairs = _with_rows(pairs, shop)
        self._answers = tuple(_answers(shop, facts))

    def actions(self, group: Bools) -> tuple[Action, ...]:
        """Actions for the customers of ``group`` bool [n_users], the most valuable first."""
        told = group & self._shop.graph.registered
        found = [
            self._action(goal, who)
            for goal in GOALS
            if (who := told & (self._goal == goal)).sum() >= self._least
        ]
        return tuple(sorted(found, key=lambda a: -(a.expected_value or 0.0)))

    def _action(self, goal: Goal, who: Bools) -> Action:
        chance = float(self._chance[who].mean())
        known = who & np.isfinite(self._worth)
        reached = float(self._chance[known].sum())
        worth = float((self._chance[known] * self._worth[known]).sum()) / reached if reached else 0
        customers = int(who.sum())
        return Action(
            goal=goal,
            customers=customers,
            probability=chance,
            order_value=worth if reached else None,
            expected_value=customers * chance * worth if reached else None,
            products=self._offers(goal, who),
            discount=self._discount(who),
        )

    def _mean(self, who: Bools) -> Floats:
        """Liking of each product, float64 [n_products]."""
        return np.asarray(who.astype(np.float64) @ self._liking) / max(int(who.sum()), 1)

    def _offers(self, goal: Goal, who: Bools) -> tuple[Offer, ...]:
        """The products best liked, no less than by others, weighed by how much more."""
        liking = self._mean(who)
        with np.errstate(divide="ignore", invalid="ignore"):
            lift = np.where(self._usual > 0, liking / self._usual, 0)
        score = np.where(lift >= 1, liking * np.log2(1 + lift), 0)
        if goal == "upsell" and np.isfinite(self._places).any():
            score = np.where(self._places >= DEAR, score, 0)
        best = np.argsort(-score, kind="stable")[:OFFERS]
        held = np.diff(self._bought[who].tocsc().indptr) / max(int(who.sum()), 1)
        return tuple(
            Offer(int(row), float(liking[row]), float(lift[row]), *self._rule(int(row), held))
            for row in best
            if score[row] > 0
        )

    def _rule(self, product: int, held: Floats) -> tuple[str | None, float | None, float | None]:
        """The rule to ``product`` that speaks for most: what is held, its lift, its confidence."""
        rules = self._pairs.filter(pl.col("to") == product)
        if rules.is_empty():
            return None, None, None
        reach = held[rules["from"].to_numpy()] * rules["confidence"].to_numpy()
        best = rules.row(int(reach.argmax()), named=True)
        return best["source"], best["lift"], best["confidence"]

    def _discount(self, who: Bools) -> Discount:
        for basis, told, answer in self._answers:
            if (asked := who & told).sum() >= self._least:
                rate, usual = float(answer[asked].mean()), float(answer[told].mean())
                return Discount(basis, rate, usual, int(asked.sum()))
        return Discount(None, None, None, 0)


def _goals(customers: pl.DataFrame) -> npt.NDArray[Any]:
    """What each customer is to be led to, str [n_users]; empty for who never bought."""
    stage, risk = pl.col("stage"), pl.col("churn_risk")
    settled = stage.is_in(["growing", "mature"])
    high = pl.when(settled).then(risk).quantile(RISKY)
    goal = (
        pl.when(stage.is_in(["at risk", "lost"]))
        .then(pl.lit("win back"))
        .when(stage == "new")
        .then(pl.lit("second purchase"))
        .when((stage == "won back") | (settled & (risk > high)))
        .then(pl.lit("keep"))
        .when(settled)
        .then(pl.lit("upsell"))
        .otherwise(pl.lit(""))
    )
    return customers.select(goal.alias("goal"))["goal"].to_numpy()


def _floats(values: pl.Series) -> Floats:
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _liking(
    liked: npt.NDArray[np.int32], products: int
) -> sparse.csr_array[np.float64, tuple[int, int]]:
    """Discount of each product's place in each user's list, float64 CSR [n_users, n_products]."""
    users, rank = np.nonzero(liked >= 0)
    entries = (1 / np.log2(2 + rank), (users, liked[users, rank]))
    return sparse.csr_array(sparse.coo_array(entries, shape=(len(liked), products)))


def _with_rows(pairs: pl.DataFrame, shop: Shop) -> pl.DataFrame:
    ids = shop.graph.products
    return pairs.select("source", "target", "lift", "confidence").with_columns(
        pl.Series("from", ids.to_rows(pairs["source"], missing="error")),
        pl.Series("to", ids.to_rows(pairs["target"], missing="error")),
    )


def _answers(
    shop: Shop, facts: pl.DataFrame
) -> Iterator[tuple[Literal["campaigns", "redemptions", "prices"], Bools, Floats]]:
    """Ways to tell the answer to discounts, the best first: who can be told of, and the answer."""
    ids, told = shop.users["user_id"], shop.graph.registered
    redeemed = ids.is_in(shop.redemptions["user_id"].implode()).to_numpy()
    if len(shop.redemptions):
        if len(shop.targets):
            sent = ids.is_in(shop.targets["user_id"].implode()).to_numpy()
            yield "campaigns", sent & told, redeemed.astype(np.float64)
        yield "redemptions", told, redeemed.astype(np.float64)
    below = _floats(facts["below_price"])
    yield "prices", np.isfinite(below) & told, below
