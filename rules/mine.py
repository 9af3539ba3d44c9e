"""Mine a shop's rules: frequent sets of items at each level, pair counts for the long tail.

``RulesConfig`` says how low the supports go, and ``rules.support`` raises them where baskets are
long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Final

import polars as pl

from graph.shop import Shop
from loaders.progress import Progress, silent
from rules.baskets import PRODUCT, Baskets, category_baskets, product_baskets
from rules.config import Miner, RulesConfig
from rules.cooccurrence import pair_candidates
from rules.derive import rules_of
from rules.itemsets import Itemsets
from rules.reference import apriori, fpgrowth
from rules.support import affordable_count
from rules.table import SCHEMA, RuleTable
from rules.vertical import vertical

__all__ = ["MINERS", "level_itemsets", "mine_level", "mine_rules"]

MINERS: Final[Mapping[Miner, Callable[[Baskets, int, int], Itemsets]]] = {
    "vertical": vertical,
    "fpgrowth": fpgrowth,
    "apriori": apriori,
}
"""Exact miners of frequent sets; each gives the same for the same baskets, count and length."""


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
    itemsets, count = level_itemsets(baskets, config)
    found = rules_of(itemsets, config.min_improvement)
    if product:
        rare = pair_candidates(baskets, config.min_count, below=count, per_item=config.top)
        found = found.joined(rare)
    least = config.min_count if product else count
    tested = int((baskets.counts >= least).sum())
    found = found.strongest(config.top, len(baskets))
    frame = found.to_frame(baskets.level, baskets.items, len(baskets), tested, config)
    return frame.sort("leverage", "count", descending=True, maintain_order=True)


def level_itemsets(baskets: Baskets, config: RulesConfig) -> tuple[Itemsets, int]:
    """Frequent sets of a level, and the least baskets that count as frequent there.

    That is the level's support, but at least ``min_count`` baskets, and more where there would
    be more than ``max_itemsets`` sets.
    """
    product = baskets.level == PRODUCT
    support = config.product_support if product else config.category_support
    count = max(config.min_count, ceil(support * len(baskets)))
    count = affordable_count(baskets, count, config.max_length, config.max_itemsets)
    return MINERS[config.miner](baskets, count, config.max_length), count


def _levels(shop: Shop, config: RulesConfig) -> list[int]:
    every = list(range(shop.levels))
    return every if config.category_levels is None else [
        level for level in every if level in config.category_levels
    ]  # fmt: skip


def _all_baskets(shop: Shop, levels: list[int], config: RulesConfig) -> Iterator[Baskets]:
    yield product_baskets(shop.graph, config.max_basket)
    for level in levels:
        yield category_baskets(shop, level, config.max_basket)
