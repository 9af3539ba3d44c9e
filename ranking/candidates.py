"""Candidates: what may be worth a place in a customer's list, from several sources.

All that the customer bought before; and of what they never did, the best of each source: scorers
such as EASE, three views of what customers of a like taste bought, what is new to many customers
in the categories they buy from, and what is new to many customers altogether.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ranking.habits import PERIOD
from ranking.moment import Moment
from ranking.scorer import Scores

__all__ = ["Candidates", "candidates_of"]

BATCH = 128
FLOOR = 0.05
"""Need that everyone is taken to have of a category."""


@dataclass(frozen=True)
class Candidates:
    """Pairs of customer and product, by customer and then product.

    Attributes:
        users, products: rows, int64 [n].
        held: whether the customer bought it before, bool [n].
        scores: float32 [n] of each source.
    """

    users: npt.NDArray[np.int64]
    products: npt.NDArray[np.int64]
    held: npt.NDArray[np.bool_]
    scores: dict[str, Scores]

    def __len__(self) -> int:
        return len(self.users)

    def where(self, keep: npt.NDArray[np.integer]) -> Candidates:
        """The pairs at ``keep`` int [m]."""
        scores = {name: values[keep] for name, values in self.scores.items()}
        return Candidates(self.users[keep], self.products[keep], self.held[keep], scores)


def candidates_of(moment: Moment, users: npt.NDArray[np.int64], each: int, pool: int) -> Candidates:
    """Candidates of some customers.

    Args:
        moment: what is known.
        users: rows, int64 [n], ascending.
        each: new products taken of each source.
        pool: new products are taken from this many that were bought most lately.
    """
    among = _pool(moment, pool)
    parts = [
        _batch(moment, batch, each, among)
        for batch in np.array_split(users, max(1, -(-len(users) // BATCH)))
    ]
    return Candidates(
        np.concatenate([part.users for part in parts]),
        np.concatenate([part.products for part in parts]),
        np.concatenate([part.held for part in parts]),
        {name: np.concatenate([p.scores[name] for p in parts]) for name in parts[0].scores},
    )


def _pool(moment: Moment, size: int) -> npt.NDArray[np.int64]:
    """The products with most buyers lately, of all time among equals; int64, ascending."""
    table = moment.product_table
    order = np.lexsort((-table["p_buyers"], -table["p_recent_0"]))[:size]
    return np.sort(order[table["p_buyers"][order] > 0]).astype(np.int64)


def _batch(
    moment: Moment, users: npt.NDArray[np.int64], each: int, among: npt.NDArray[np.int64]
) -> Candidates:
    starts = moment.starts
    owned = [moment.products.things[starts[u] : starts[u + 1]] for u in users]
    n_products = len(moment.product_table["p_buyers"])
    held = np.zeros((len(users), n_products), np.bool_)
    for i, products in enumerate(owned):
        held[i, products] = True
    sources = _sources(moment, users)
    new = _best_new(sources, held, each, among)
    new |= held
    row, product = np.nonzero(new)
    scores = {name: values[row, product] for name, values in sources.items()}
    return Candidates(users[row], product.astype(np.int64), held[row, product], scores)


def _best_new(
    sources: dict[str, Scores],
    held: npt.NDArray[np.bool_],
    each: int,
    among: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Which products of ``among`` are among the best ``each`` that a source has not held."""
    chosen = np.zeros((len(held), len(among)), np.bool_)
    never = held[:, among]
    for scores in sources.values():
        left = np.where(never, -np.inf, scores[:, among])
        if each < len(among):
            best = np.argpartition(-left, each, axis=1)[:, :each]
            np.put_along_axis(chosen, best, True, axis=1)
        else:
            chosen[:] = True
    mask = np.zeros_like(held)
    mask[:, among] = chosen & ~never
    return mask


def _sources(moment: Moment, users: npt.NDArray[np.int64]) -> dict[str, Scores]:
    """Scores of all products by source, float32 [len(users), n_products] each."""
    found = {name: moment.tastes.users[users] @ v for name, v in moment.tastes.views().items()}
    found |= {scorer.name: scorer.score(users) for scorer in moment.scorers}
    new = np.log1p(moment.product_table[f"p_new_{PERIOD}"])
    if moment.groups:
        found["need"] = _need(moment, users) * new
    else:
        found["need"] = np.broadcast_to(new, (len(users), len(new)))
    return found


def _need(moment: Moment, users: npt.NDArray[np.int64]) -> Scores:
    """How much each customer buys from each product's finest category, lately."""
    group, of = moment.groups[0], moment.group_habits[0]
    need = np.zeros((len(users), of.n_things + 1), np.float32)
    ends = np.searchsorted(of.keys, [users * of.n_things, (users + 1) * of.n_things])
    for i, (start, end) in enumerate(ends.T):
        need[i, of.things[start:end]] = np.log1p(of.columns["decay_60"][start:end])
    return (need + np.float32(FLOOR))[:, np.where(group >= 0, group, of.n_things)]
