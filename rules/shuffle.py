"""Baskets shuffled with both margins kept: what chance alone would make of the same shop.

Two entries (basket a, item i) and (basket b, item j) trade their items where neither basket then
holds one twice (Gionis et al., "Assessing data mining results via swap randomization", TKDD 2007).
Sizes of baskets and counts of items stay what they are. Many trades are made at once: those that
would collide with an entry or with each other are left out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from rules.baskets import Baskets

__all__ = ["shuffled"]

ROUNDS = 30
"""Trades tried for each entry; about half are possible, and a few each would do to mix."""


def shuffled(baskets: Baskets, seed: int = 0, rounds: int = ROUNDS) -> Baskets:
    """Random baskets of the same sizes, whose items have the same counts."""
    rng = np.random.default_rng(seed)
    n_items = len(baskets.items)
    row = np.repeat(np.arange(len(baskets)), np.diff(baskets.matrix.indptr)).astype(np.int64)
    item = baskets.matrix.indices.astype(np.int64)
    half = len(row) // 2
    for _ in range(rounds):
        order = rng.permutation(len(row))
        a, b = order[:half], order[half : 2 * half]
        offered = np.concatenate([row[a] * n_items + item[b], row[b] * n_items + item[a]])
        _, first, times = np.unique(offered, return_inverse=True, return_counts=True)
        free = (times[first] == 1) & ~np.isin(offered, row * n_items + item)
        trade = free[:half] & free[half:]
        item[a[trade]], item[b[trade]] = item[b[trade]], item[a[trade]]
    entries = (np.ones(len(row), np.bool_), (row, item))
    matrix = sparse.csr_array(sparse.coo_array(entries, shape=baskets.matrix.shape))
    return replace(baskets, matrix=matrix)
