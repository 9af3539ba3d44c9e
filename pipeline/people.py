"""What profiles and suggested actions need of a build: saved beside it, read back when asked.

SNAPSHOT/people/claims.json     what sets each segment apart
SNAPSHOT/people/actions.json    what to do for each segment and stage
SNAPSHOT/people/words.json      what a text generator calls each segment, where there is one
SNAPSHOT/people/facts.npy       facts of each customer, float32 [n_users, n_facts]
SNAPSHOT/people/grid.npy        percentiles 0 to 100 of each fact, float32 [n_facts, 101]
SNAPSHOT/people/shares.parquet  mean share of spend of each category and brand
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.shop import Shop
from lifecycle.stages import STAGES
from loaders.errors import SnapshotMissing
from pipeline.generator import Worded
from segments.actions import Action, Suggesting
from segments.claims import Claims, find_claims
from segments.config import SegmentsConfig
from segments.facts import FACTS, customer_facts
from segments.model import Segmentation
from segments.profile import brand_items, category_items

__all__ = ["PEOPLE", "People", "find_people", "load_people", "load_words"]

PEOPLE: Final = "people"


@dataclass(frozen=True)
class People:
    """Claims, actions by group (``segment:<id>``, ``stage:<name>``), facts and words."""

    claims: Claims
    actions: Mapping[str, tuple[Action, ...]]
    facts: npt.NDArray[np.float32]
    grid: npt.NDArray[np.float32]
    shares: pl.DataFrame
    words: Mapping[str, Worded] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write to ``folder``, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        actions = {group: [a.to_dict() for a in found] for group, found in self.actions.items()}
        words = {id_: worded.to_dict() for id_, worded in self.words.items()}
        parts = {"claims": self.claims.to_dict(), "actions": actions, "words": words}
        for name, data in parts.items():
            text = json.dumps(data, indent=1, allow_nan=False)
            (folder / f"{name}.json").write_text(text, encoding="utf-8")
        np.save(folder / "facts.npy", self.facts)
        np.save(folder / "grid.npy", self.grid)
        self.shares.write_parquet(folder / "shares.parquet")


def find_people(
    shop: Shop,
    segmentation: Segmentation,
    customers: pl.DataFrame,
    liked: npt.NDArray[np.int32],
    pairs: pl.DataFrame,
    config: SegmentsConfig,
    words: Mapping[str, Worded] | None = None,
) -> People:
    """Everything profiles and actions show.

    Args:
        shop: what was learned from.
        segmentation: its segments and parts.
        customers: stage, value and risk by user row, as ``lifecycle.customers`` gives them.
        liked: product rows by rank, int32 [n_users, longest], -1 where the list ends.
        pairs: rules from one product to another.
        config: what a claim must have behind it.
        words: what a text generator said of each segment.
    """
    facts = customer_facts(shop, {"churn_risk": customers["churn_risk"]})
    levels = [(level.ids, level.member) for level in segmentation.levels]
    suggesting = Suggesting(shop, customers, facts, liked, pairs, config.min_customers)
    groups = {
        f"segment:{id_}": member == place for ids, member in levels for place, id_ in enumerate(ids)
    }
    stage = customers["stage"].fill_null("").to_numpy()
    groups |= {f"stage:{name}": stage == name for name in STAGES}
    numbers = facts.to_numpy().astype(np.float32)
    return People(
        claims=find_claims(shop, facts, levels, config),
        actions={name: suggesting.actions(mask) for name, mask in groups.items()},
        facts=numbers,
        grid=_grid(numbers[shop.graph.registered]),
        shares=_shares(shop, config),
        words=words or {},
    )


def _grid(numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Percentiles of each column's known values, float32 [n_facts, 101]; NaN without any."""
    grid = np.full((numbers.shape[1], 101), np.nan, np.float32)
    for column in range(numbers.shape[1]):
        known = numbers[np.isfinite(numbers[:, column]), column]
        if len(known):
            grid[column] = np.percentile(known, np.arange(101))
    return grid


def _shares(shop: Shop, config: SegmentsConfig) -> pl.DataFrame:
    """Mean share of spend over customers, of each category of each level and each brand."""
    nobody = np.full(len(shop.users), -1, np.int32)
    bought = shop.graph.purchases()
    bought = bought.where(bought.registered[bought.user_rows])
    rows = [
        (items.kind, id_, name, float(share))
        for find in (category_items, brand_items)
        for items in find(shop, bought, nobody, 0, config)
        for id_, name, share in zip(items.ids, items.names, items.overuse.shop_share, strict=True)
        if share > 0
    ]
    kinds = {"kind": pl.String, "id": pl.String, "name": pl.String, "share": pl.Float64}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def load_words(folder: Path) -> dict[str, Worded]:
    """What a text generator said of each segment; nothing where none was asked."""
    path = folder / "words.json"
    if not path.exists():
        return {}
    words = json.loads(path.read_text("utf-8"))
    return {id_: Worded(**worded) for id_, worded in words.items()}


def load_people(folder: Path) -> People:
    """What was saved in ``folder``, its arrays mapped.

    Raises:
        SnapshotMissing: the snapshot is of a version without profiles.
    """
    try:
        claims = json.loads((folder / "claims.json").read_text("utf-8"))
        actions = json.loads((folder / "actions.json").read_text("utf-8"))
        facts = np.load(folder / "facts.npy", mmap_mode="r").view(np.ndarray)
        if facts.shape[1] != len(FACTS):
            raise ValueError(f"{facts.shape[1]} facts instead of {len(FACTS)}")
        return People(
            Claims.from_dict(claims),
            {group: tuple(map(Action.from_dict, found)) for group, found in actions.items()},
            facts,
            np.load(folder / "grid.npy"),
            pl.read_parquet(folder / "shares.parquet"),
            load_words(folder),
        )
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise SnapshotMissing(f"cannot read profiles in {folder}: {error}; build again") from error
