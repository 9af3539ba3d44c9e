"""Mine a shop's rules at every level, and find the evidence for each.

Frequent sets of items give the rules, and pair counts those of the long tail. ``RulesConfig`` says
how low the supports go, and ``rules.support`` raises them where baskets are long. Rules are found
on the days before the last month and then judged on that month and inside segments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.interactions import InteractionGraph
from graph.shop import Shop
from loaders.progress import Progress, silent
from rules.baskets import BRAND, PRODUCT, Baskets, brand_baskets, category_baskets, product_baskets
from rules.candidates import Candidates
from rules.config import Miner, RulesConfig
from rules.cooccurrence import pair_candidates
from rules.derive import rules_of
from rules.evidence import later_evidence, segment_evidence
from rules.itemsets import Itemsets
from rules.mixed import MIXED, Mixed, mixed_items, without_general
from rules.reference import apriori, fpgrowth
from rules.sequences import Occasions, occasions, sequence_candidates, waits
from rules.support import affordable_count
from rules.table import SCHEMA, THEN, TOGETHER, RuleTable
from rules.vertical import vertical

__all__ = [
    "MINERS",
    "level_baskets",
    "level_itemsets",
    "level_names",
    "mine_level",
    "mine_rules",
    "mine_sequences",
    "product_pairs",
]

MINERS: Final[Mapping[Miner, Callable[[Baskets, int, int], Itemsets]]] = {
    "vertical": vertical,
    "fpgrowth": fpgrowth,
    "apriori": apriori,
}
"""Exact miners of frequent sets; each gives the same for the same baskets, count and length."""

Member = npt.NDArray[np.integer]


def mine_rules(
    shop: Shop,
    config: RulesConfig | None = None,
    progress: Progress = silent,
    member: Member | None = None,
) -> RuleTable:
    """Rules among products, the categories of each level, brands and across them; and sequences.

    Args:
        shop: purchases of registered and anonymous users both count.
        config: thresholds and limits.
        progress: told after each level.
        member: segment of each user, int [n_users], -1 for none; to judge rules inside segments.
    """
    config = config or RulesConfig()
    frames = [pl.DataFrame(schema=SCHEMA)]
    counts, capped = {}, {}
    names = level_names(shop, config)
    for done, (name, baskets, mixed) in enumerate(level_baskets(shop, config)):
        earlier, later = _held_out(baskets, config.holdout_days)
        frames.append(mine_level(earlier, config, later=later, member=member, mixed=mixed))
        if config.within_days and name not in (BRAND, MIXED):
            frames.append(mine_sequences(baskets, config, member))
        counts[name], capped[name] = len(earlier), earlier.capped
        progress("rules", done + 1, len(names))
    return RuleTable(pl.concat(frames), counts, capped)


def product_pairs(graph: InteractionGraph, config: RulesConfig) -> pl.DataFrame:
    """Rules from one product to another, as ``RuleTable.as_edges`` of ``mine_rules`` gives them.

    Without further evidence, whose columns are empty.
    """
    baskets, _ = _held_out(product_baskets(graph, config.max_basket), config.holdout_days)
    found = mine_level(baskets, config)
    return RuleTable(found, {PRODUCT: len(baskets)}).as_edges()


def mine_level(
    baskets: Baskets,
    config: RulesConfig,
    *,
    later: Baskets | None = None,
    member: Member | None = None,
    mixed: Mixed | None = None,
) -> pl.DataFrame:
    """Rules of one level, in the columns of ``rules.table.SCHEMA``, by leverage.

    Args:
        baskets: to find them in.
        config: thresholds and limits.
        later: of the days held out.
        member: segment of each user.
        mixed: what the items are, at the level of several levels.
    """
    found, tested = _level_rules(baskets, config, mixed)
    found = found.strongest(config.top, len(baskets))
    kept, p, q = found.surviving(len(baskets), tested, config)
    values = {"level": baskets.level, "kind": TOGETHER}
    named = kept.named(baskets.items, len(baskets))
    return _frame(values, named, p, q, _evidence(kept, baskets, later, member))


def _level_rules(
    baskets: Baskets, config: RulesConfig, mixed: Mixed | None
) -> tuple[Candidates, int]:
    """Counted rules of one level, and how many items could have stood in one."""
    itemsets, count = level_itemsets(baskets, config)
    itemsets = mixed.sensible(itemsets) if mixed else itemsets
    found = rules_of(itemsets, config.min_improvement)
    if mixed:
        found = found.where(mixed.crossing(found))
        says = without_general(found, itemsets, mixed.parent, config.min_improvement)
        found = found.where(says)
    if baskets.level != PRODUCT:
        return found, int((baskets.counts >= count).sum())
    rare = pair_candidates(baskets, config.min_count, below=count, per_item=config.top)
    return found.joined(rare), int((baskets.counts >= config.min_count).sum())


def mine_sequences(
    baskets: Baskets, config: RulesConfig, member: Member | None = None
) -> pl.DataFrame:
    """Sequences of one level, in the columns of ``rules.table.SCHEMA``, by leverage."""
    seen = occasions(baskets, config.within_days)
    last = float(baskets.days.max(initial=0)) - config.within_days - config.holdout_days
    late = seen.visits.days > last
    early = seen.visits.days <= last - config.within_days
    later = None
    if config.holdout_days and early.sum() > late.sum():
        later, seen = seen.where(late).visits, seen.where(early)
    return _sequences(seen, baskets, later, config, member)


def _sequences(
    seen: Occasions,
    baskets: Baskets,
    later: Baskets | None,
    config: RulesConfig,
    member: Member | None,
) -> pl.DataFrame:
    visits, n = seen.visits, seen.n_items
    if not len(visits):
        return pl.DataFrame(schema=SCHEMA)
    found = sequence_candidates(visits, n, config.min_count).strongest(config.top, len(visits))
    tested = int((visits.counts[:n] >= config.min_count).sum())
    kept, p, q = found.surviving(len(visits), tested, config)
    evidence = [*_evidence(kept, visits, later, member), waits(kept, seen)]
    plain = Candidates(kept.antecedent, kept.consequent - n, kept.both, kept.left, kept.right)
    named = plain.named(baskets.items, len(visits))
    return _frame({"level": baskets.level, "kind": THEN}, named, p, q, evidence)


def _evidence(
    rules: Candidates, baskets: Baskets, later: Baskets | None, member: Member | None
) -> list[pl.DataFrame]:
    """Columns of later days and of segments, of what is given."""
    found = [] if later is None else [later_evidence(rules, later)]
    return found if member is None else [*found, segment_evidence(rules, baskets, member)]


def _frame(
    values: Mapping[str, str],
    named: pl.DataFrame,
    p: npt.NDArray[np.float64],
    q: npt.NDArray[np.float64],
    evidence: list[pl.DataFrame],
) -> pl.DataFrame:
    """All columns of ``SCHEMA``, by leverage; those without evidence are empty."""
    tests = pl.DataFrame({"p_value": p, "q_value": q})
    frame = pl.concat([named, tests, *evidence], how="horizontal")
    missing = {c: pl.lit(None) for c in SCHEMA if c not in (*frame.columns, *values)}
    frame = frame.with_columns(**{c: pl.lit(v) for c, v in values.items()}, **missing)
    ordered = frame.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    return ordered.sort("leverage", "count", descending=True, maintain_order=True)


def level_itemsets(baskets: Baskets, config: RulesConfig) -> tuple[Itemsets, int]:
    """Frequent sets of a level, and the least baskets that count as frequent there.

    That is the level's support, but at least ``min_count`` baskets, and more where there would
    be more than ``max_itemsets`` sets.
    """
    supports = {PRODUCT: config.product_support, MIXED: config.mixed_support}
    support = supports.get(baskets.level, config.category_support)
    count = max(config.min_count, ceil(support * len(baskets)))
    count = affordable_count(baskets, count, config.max_length, config.max_itemsets)
    return MINERS[config.miner](baskets, count, config.max_length), count


def _held_out(baskets: Baskets, days: float) -> tuple[Baskets, Baskets | None]:
    """Baskets before the last ``days`` and those of them; all and none where too few are left."""
    span = float(np.ptp(baskets.days)) if len(baskets) else 0.0
    if not days or span < 3 * days:
        return baskets, None
    late = baskets.days > float(baskets.days.max()) - days
    return baskets.where(~late), baskets.where(late)


def level_names(shop: Shop, config: RulesConfig) -> list[str]:
    """The levels that are mined, in order."""
    levels = [f"category:{n}" for n in range(shop.levels) if _wanted(n, config)]
    branded = config.brands and shop.products["brand"].n_unique() > 1
    brands = [BRAND] if branded else []
    return [PRODUCT, *levels, *brands, *([MIXED] if config.mixed and (levels or brands) else [])]


def level_baskets(
    shop: Shop, config: RulesConfig, only: str | None = None
) -> Iterator[tuple[str, Baskets, Mixed | None]]:
    """Name, baskets and, across levels, the items of each level; of ``only`` one if given."""
    for name in level_names(shop, config):
        if only not in (None, name):
            continue
        if name == PRODUCT:
            yield name, product_baskets(shop.graph, config.max_basket), None
        elif name == BRAND:
            yield name, brand_baskets(shop, config.max_basket), None
        elif name == MIXED:
            items = mixed_items(shop)
            yield name, items.baskets(product_baskets(shop.graph, config.max_basket)), items
        else:
            level = int(name.partition(":")[2])
            yield name, category_baskets(shop, level, config.max_basket), None


def _wanted(level: int, config: RulesConfig) -> bool:
    return config.category_levels is None or level in config.category_levels
