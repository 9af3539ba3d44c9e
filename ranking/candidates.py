"""Candidates: what may be worth a place in a customer's list, from several sources.

All that the customer bought before; and of what they never did, the best of each source: scorers
such as EASE, three views of what customers of a like taste bought, what is new to many customers
in the categories they buy from, and what is new to many customers altogether.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ranking.habits import PERIOD
from ranking.lists import batches
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
    among = np.sort(moment.lately[:pool])
    parts = [_batch(moment, batch, each, among) for batch in batches(users, BATCH)]
    if not parts:
        none = np.empty(0, np.int64)
        return Candidates(none, none, np.empty(0, np.bool_), {})
    return Candidates(
        np.concatenate([part.users for part in parts]),
        np.concatenate([part.products for part in parts]),
        np.concatenate([part.held for part in parts]),
        {name: np.concatenate([p.scores[name] for p in parts]) for name in parts[0].scores},
    )


def _batch(
    moment: Moment, users: npt.NDArray[np.int64], each: int, among: npt.NDArray[np.int64]
) -> Candidates:
    """All that the customers hold, and the best of ``among`` that they do not."""
    spans = [np.arange(*moment.starts[u : u + 2]) for u in users]
    owner, owned = _repeated(spans), moment.products.things[np.concatenate(spans)]
    dense, of_pairs = _sources(moment, users, among, owner, owned)
    row, place = np.nonzero(_best_new(dense.values(), _held(owner, owned, len(users), among), each))
    row, product = np.append(row, owner), np.append(among[place], owned)
    order = np.lexsort((product, row))
    return Candidates(
        users[row[order]],
        product[order],
        (np.arange(len(row)) >= len(place))[order],
        {n: np.append(s[row[: len(place)], place], of_pairs[n])[order] for n, s in dense.items()},
    )


def _repeated(spans: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Place of the span that each of their entries is in."""
    return np.repeat(np.arange(len(spans)), [len(span) for span in spans])


def _held(
    owner: npt.NDArray[np.int64], owned: npt.NDArray[np.int64], n: int, among: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which of ``among``, ascending, each of ``n`` customers holds, bool [n, len(among)]."""
    held = np.zeros((n, len(among)), np.bool_)
    place = np.searchsorted(among, owned)
    known = np.isin(owned, among)
    held[owner[known], place[known]] = True
    return held


def _best_new(
    sources: Iterable[Scores], held: npt.NDArray[np.bool_], each: int
) -> npt.NDArray[np.bool_]:
    """Which products are among the best ``each`` not held of any source."""
    if each >= held.shape[1]:
        return ~held
    chosen = np.zeros(held.shape, np.bool_)
    for scores in sources:
        left = np.where(held, np.inf, -scores)
        np.put_along_axis(chosen, np.argpartition(left, each, axis=1)[:, :each], True, axis=1)
    return chosen & ~held


def _sources(
    moment: Moment,
    users: npt.NDArray[np.int64],
    among: npt.NDArray[np.int64],
    owner: npt.NDArray[np.int64],
    owned: npt.NDArray[np.int64],
) -> tuple[dict[str, Scores], dict[str, Scores]]:
    """Scores by source: of ``among``, float32 [len(users), len(among)], and of the pairs held.

    The whole catalogue is scored only where a source cannot do less.
    """
    dense, pairs = {}, {}
    taste = moment.tastes.users[users]
    for name, view in moment.tastes.views().items():
        dense[name] = taste @ view[:, among]
        pairs[name] = np.einsum("ij,ij->i", taste[owner], view.T[owned])
    for scorer in moment.scorers:
        scores = scorer.score(users)
        dense[scorer.name], pairs[scorer.name] = scores[:, among], scores[owner, owned]
    new = np.log1p(moment.product_table[f"p_new_{PERIOD}"])
    dense["need"] = np.broadcast_to(new[among], (len(users), len(among)))
    pairs["need"] = new[owned]
    if moment.groups:
        need, group = _need(moment, users), moment.groups[0]
        dense["need"] = need[:, group[among]] * dense["need"]
        pairs["need"] = need[owner, group[owned]] * pairs["need"]
    return dense, pairs


def _need(moment: Moment, users: npt.NDArray[np.int64]) -> Scores:
    """How much each customer buys of each finest category lately; the last column is of none."""
    of = moment.group_habits[0]
    need = np.zeros((len(users), of.n_things + 1), np.float32)
    ends = np.searchsorted(of.keys, [users * of.n_things, (users + 1) * of.n_things])
    for i, (start, end) in enumerate(ends.T):
        need[i, of.things[start:end]] = np.log1p(of.columns["decay_60"][start:end])
    return need + np.float32(FLOOR)
