"""mlxtend's Apriori and FP-Growth behind the same interface as the fast miner.

The reference that the fast miner is held against, by tests and by ``benchmarks/rules.py``. The only
module that loads mlxtend and pandas, and only once it mines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from loaders.errors import ConfigError
from rules.baskets import Baskets
from rules.itemsets import Itemsets

__all__ = ["apriori", "fpgrowth"]


def fpgrowth(
    baskets: Baskets, min_count: int, max_length: int, most: int | None = None
) -> Itemsets:
    """As ``rules.vertical.vertical``, by mlxtend's FP-Growth (Han et al., SIGMOD 2000).

    Raises:
        ConfigError: mlxtend is not installed, or there are more than ``most`` sets.
    """
    return _mined("fpgrowth", baskets, min_count, max_length, most)


def apriori(baskets: Baskets, min_count: int, max_length: int, most: int | None = None) -> Itemsets:
    """As ``rules.vertical.vertical``, by mlxtend's Apriori (Agrawal and Srikant, VLDB 1994).

    In its form that spares memory: the other asks for 141 GiB on Complete Journey.

    Raises:
        ConfigError: mlxtend is not installed, or there are more than ``most`` sets.
    """
    return _mined("apriori", baskets, min_count, max_length, most, low_memory=True)


def _mined(
    name: str,
    baskets: Baskets,
    min_count: int,
    max_length: int,
    most: int | None,
    **options: Any,
) -> Itemsets:
    """Items below ``min_count`` leave the matrix first: pandas pays for every column."""
    mine, table = _mlxtend(name)
    frequent = np.flatnonzero(baskets.counts >= min_count)
    if not len(frequent):
        return Itemsets(len(baskets.items), (), ())
    names = [str(column) for column in frequent]
    frame = table(baskets.matrix[:, frequent], columns=names)
    # Half a basket below the count, so that rounding cannot lift the threshold over it.
    found = mine(frame, min_support=(min_count - 0.5) / len(baskets), max_len=max_length, **options)
    if most is not None and len(found) > most:
        raise ConfigError(f"more than {most:,} frequent sets of items; raise the support")
    counts = np.rint(found["support"].to_numpy() * len(baskets)).astype(np.int64)
    length = found["itemsets"].map(len).to_numpy()
    sets = [frequent[[list(s) for s in found["itemsets"][length == n]]] for n in np.unique(length)]
    return Itemsets.of(len(baskets.items), sets, [counts[length == n] for n in np.unique(length)])


def _mlxtend(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    try:
        import pandas as pd
        from mlxtend import frequent_patterns
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"this miner needs {error.name}; install it: pip install 'coterie[learn]'"
        ) from error
    table = pd.DataFrame.sparse.from_spmatrix  # type: ignore[attr-defined]
    return getattr(frequent_patterns, name), table
