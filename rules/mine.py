"""Mine a shop's rules: FP-Growth for sets of items at each level, pair counts for the long tail.

The only module here that loads mlxtend and pandas, and only once it mines, since a server that
imports the pipeline has neither. FP-Growth in Python costs seconds for
thousands of frequent sets and minutes for hundreds of thousands; ``RulesConfig`` says how low
the supports go, and ``rules.support`` raises them where baskets are long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

import numpy as np
import polars as pl

from graph.shop import Shop
from loaders.progress import Progress, silent
from rules.baskets import PRODUCT, Baskets, category_baskets, product_baskets
from rules.candidates import Candidates
from rules.config import RulesConfig
from rules.cooccurrence import pair_candidates
from rules.support import affordable_count
from rules.table import SCHEMA, RuleTable

__all__ = ["frequent_itemsets", "itemset_candidates", "mine_level", "mine_rules"]

Itemsets = Mapping[frozenset[int], int]
"""Baskets that hold each set of item rows."""


def mine_rules(
    shop: Shop, config: RulesConfig | None = None, progress: Progress = silent
) -> RuleTable:
    """Rules among products and among the categories of each level.

    Args:
        shop: purchases of registered and anonymous users both count.
        config: thresholds and limits.
        progress: told after each level.
    """
    config = config or RulesConfig()
    levels = _levels(shop, config)
    frames = [pl.DataFrame(schema=SCHEMA)]
    baskets, capped = {}, {}
    for done, each in enumerate(_all_baskets(shop, levels, config)):
        frames.append(mine_level(each, config))
        baskets[each.level], capped[each.level] = len(each), each.capped
        progress("rules", done + 1, len(levels) + 1)
    return RuleTable(pl.concat(frames), baskets, capped)


def mine_level(baskets: Baskets, config: RulesConfig) -> pl.DataFrame:
    """Rules of one level, in the columns of ``rules.table.SCHEMA``, by leverage."""
    product = baskets.level == PRODUCT
    support = config.product_support if product else config.category_support
    count = max(config.min_count, ceil(support * len(baskets)))
    count = affordable_count(baskets, count, config.max_length, config.max_itemsets)
    found = itemset_candidates(frequent_itemsets(baskets, count, config.max_length), config)
    if product:
        rare = pair_candidates(baskets, config.min_count, below=count, per_item=config.top)
        found = found.joined(rare)
    least = config.min_count if product else count
    tested = int((baskets.counts >= least).sum())
    found = found.strongest(config.top, len(baskets))
    frame = found.to_frame(baskets.level, baskets.items, len(baskets), tested, config)
    return frame.sort("leverage", "count", descending=True, maintain_order=True)


def frequent_itemsets(
    baskets: Baskets, min_count: int, max_length: int
) -> dict[frozenset[int], int]:
    """Sets of up to ``max_length`` item rows in at least ``min_count`` baskets, by FP-Growth.

    Items below ``min_count`` leave the matrix first: pandas pays for every column.
    """
    import pandas as pd
    from mlxtend.frequent_patterns import fpgrowth

    frequent = np.flatnonzero(baskets.counts >= min_count)
    if not len(frequent):
        return {}
    matrix = baskets.matrix[:, frequent]
    names = [str(column) for column in frequent]
    table = pd.DataFrame.sparse.from_spmatrix(matrix, columns=names)  # type: ignore[attr-defined]
    # Half a basket below the count, so that rounding cannot lift the threshold over it.
    support = (min_count - 0.5) / len(baskets)
    found = fpgrowth(table, min_support=support, max_len=max_length)
    counts = np.rint(found["support"].to_numpy() * len(baskets)).astype(int)
    return {
        frozenset(frequent[list(columns)].tolist()): int(count)
        for columns, count in zip(found["itemsets"], counts, strict=True)
    }


def itemset_candidates(itemsets: Itemsets, config: RulesConfig) -> Candidates:
    """Every rule with one consequent that the frequent sets hold, and that adds to shorter ones."""
    rules = [
        rule
        for items in sorted(itemsets, key=lambda s: (len(s), sorted(s)))
        for rule in _rules_of(items, itemsets, config.min_improvement)
    ]
    antecedent = np.full((len(rules), config.max_length - 1), -1, np.int64)
    for row, (left, _) in enumerate(rules):
        antecedent[row, : len(left)] = sorted(left)
    counts = [(itemsets[a | {c}], itemsets[a], itemsets[frozenset({c})]) for a, c in rules]
    both, left_count, right = np.array(counts, np.int64).reshape(-1, 3).T
    consequent = np.array([c for _, c in rules], np.int64)
    return Candidates(antecedent, consequent, both, left_count, right)


def _rules_of(
    items: frozenset[int], itemsets: Itemsets, improvement: float
) -> Iterator[tuple[frozenset[int], int]]:
    for consequent in sorted(items) if len(items) > 1 else ():
        antecedent = items - {consequent}
        confidence = itemsets[items] / itemsets[antecedent]
        if len(antecedent) == 1 or confidence >= improvement * _shorter(
            antecedent, consequent, itemsets
        ):
            yield antecedent, consequent


def _shorter(antecedent: frozenset[int], consequent: int, itemsets: Itemsets) -> float:
    """Highest confidence of the rules to ``consequent`` that lack one item of the antecedent."""
    return max(
        itemsets[shorter | {consequent}] / itemsets[shorter]
        for shorter in (antecedent - {item} for item in antecedent)
    )


def _levels(shop: Shop, config: RulesConfig) -> list[int]:
    every = list(range(shop.levels))
    return every if config.category_levels is None else [
        level for level in every if level in config.category_levels
    ]  # fmt: skip


def _all_baskets(shop: Shop, levels: list[int], config: RulesConfig) -> Iterator[Baskets]:
    yield product_baskets(shop.graph, config.max_basket)
    for level in levels:
        yield category_baskets(shop, level, config.max_basket)
