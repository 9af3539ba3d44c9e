"""Splits of a shop's past: what a method may learn from, and what it is judged by.

``time_split`` cuts at one moment for everybody, so nothing is learned from the future (Ji et al.,
"A Critical Study on Data Leakage in Recommender System Offline Evaluation", TOIS 2023, arXiv
2010.11060). ``fixed_split`` takes a training and a test graph as given, as published benchmarks
do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from graph.interactions import FloatMatrix, InteractionGraph
from loaders.errors import DataError

__all__ = ["Mode", "Split", "fixed_split", "time_split"]

Mode = Literal["all", "repeat", "discover"]
"""What is asked for: anything, only what the user bought before, or only what they never did."""


@dataclass(frozen=True)
class Split:
    """A training graph and what came after it.

    Attributes:
        train: purchases to learn from, of eligible products.
        eligible: products that may be listed and found, bool [n_products].
        relevant: by mode, what each user bought in the test, 1 for each pair, CSR float32
            [n_users, n_products]; rows of users who are not tested are empty.
        bought: what each user bought in training, 1 for each pair, CSR float32.
        counts: lines, users and products on both sides, by plain name.
    """

    train: InteractionGraph
    eligible: npt.NDArray[np.bool_]
    relevant: Mapping[Mode, FloatMatrix]
    bought: FloatMatrix
    counts: Mapping[str, int]

    def users(self, mode: Mode) -> npt.NDArray[np.int64]:
        """Rows of the users tested in ``mode``: those with something to find, int64 [n]."""
        return np.flatnonzero(np.diff(self.relevant[mode].indptr)).astype(np.int64)

    def allowed(self, user_rows: npt.NDArray[np.int64], mode: Mode) -> npt.NDArray[np.bool_]:
        """What may be listed for each user, bool [len(user_rows), n_products]."""
        if mode == "all":
            return np.tile(self.eligible, (len(user_rows), 1))
        held = self.bought[user_rows].toarray() > 0
        return self.eligible & (held if mode == "repeat" else ~held)


def time_split(
    graph: InteractionGraph,
    cut_day: float,
    window_days: float | None = None,
    min_lines: int = 5,
    most_users: int | None = None,
    seed: int = 0,
) -> Split:
    """Cut all users' purchases at one moment.

    Only products with at least ``min_lines`` purchase lines before the cut are learned from,
    listed and searched for. Tested are registered users with such purchases on both sides.

    Args:
        graph: events; only purchases count.
        cut_day: days since 1970-01-01 UTC; the test starts there.
        window_days: length of the test; ``None`` for all that follows.
        min_lines: purchase lines a product needs before the cut.
        most_users: users tested at most, drawn at random where there are more; ``None`` for all.
        seed: of that draw.

    Raises:
        DataError: no user is left to test.
    """
    purchases = graph.purchases()
    before, after = purchases.before(cut_day), purchases.since(cut_day)
    if window_days is not None:
        after = after.before(cut_day + window_days)
    lines = np.bincount(before.product_rows, minlength=graph.shape[1])
    eligible = lines >= min_lines
    train = before.where(eligible[before.product_rows])
    test = after.where(eligible[after.product_rows])
    return _split(train, test, eligible, ("all", "repeat", "discover"), most_users, seed)


def fixed_split(train: InteractionGraph, test: InteractionGraph) -> Split:
    """Take a training and a test graph over the same ids as they are.

    Products of training are never listed, so the only mode is discover; every product is
    eligible, as in the published protocol of NGCF (Wang et al., SIGIR 2019, arXiv 1905.08108).

    Raises:
        DataError: the graphs number their users or products differently, or no user is left.
    """
    if train.users != test.users or train.products != test.products:
        raise DataError("the training and the test graph must share their users and products")
    eligible = np.ones(train.shape[1], np.bool_)
    return _split(train.purchases(), test.purchases(), eligible, ("discover",))


def _split(
    train: InteractionGraph,
    test: InteractionGraph,
    eligible: npt.NDArray[np.bool_],
    modes: tuple[Mode, ...],
    most_users: int | None = None,
    seed: int = 0,
) -> Split:
    bought = _pairs(train)
    tested = (np.diff(bought.indptr) > 0) & train.registered
    test = test.where(tested[test.user_rows])
    if not len(test):
        raise DataError("no user has purchases of known products both before and after the cut")
    users = np.unique(test.user_rows)
    left_out = 0 if most_users is None else max(0, len(users) - most_users)
    if left_out:
        drawn = np.random.default_rng(seed).permutation(users)[:most_users]
        test = test.where(np.isin(test.user_rows, drawn))
    found = _pairs(test)
    again = found.multiply(bought).tocsr()
    again.eliminate_zeros()
    new = (found - again).tocsr()
    new.eliminate_zeros()
    by_mode: dict[Mode, FloatMatrix] = {"all": found, "repeat": again, "discover": new}
    relevant = {mode: by_mode[mode] for mode in modes}
    counts = {
        "train_lines": len(train),
        "train_users": int((np.diff(bought.indptr) > 0).sum()),
        "test_lines": len(test),
        "products": int(eligible.sum()),
    }
    counts |= {f"users_{m}": int((np.diff(r.indptr) > 0).sum()) for m, r in relevant.items()}
    counts |= {"users_left_out": left_out} if left_out else {}
    return Split(train, eligible, relevant, bought, counts)


def _pairs(graph: InteractionGraph) -> FloatMatrix:
    """1 for each user and product that share an event."""
    matrix = graph.matrix()
    matrix.data = np.ones_like(matrix.data)
    return matrix
