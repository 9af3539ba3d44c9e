"""Demand by segment and broadest category: the shop's series, measured and foreseen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.shop import Shop
from lifecycle.demand import foresee, measure_demand, weekly_sales
from lifecycle.measure import Measured
from loaders.errors import ConfigError, SnapshotMissing
from loaders.progress import Progress, silent
from pipeline.config import Config
from pipeline.home import Home
from pipeline.snapshot import Snapshot

__all__ = ["foresee_shop_demand", "measure_shop_demand", "segments_of"]


def segments_of(shop: Shop, home: Home) -> tuple[npt.NDArray[np.int32], list[str]]:
    """The published segment of each user, and names; all customers as one where none is published.

    Customers that came after the build are in no segment.
    """
    everyone = np.zeros(len(shop.graph.users), np.int32), ["all customers"]
    try:
        snapshot = Snapshot.load(home.snapshot())
    except SnapshotMissing:
        return everyone
    segments = snapshot.segmentation
    if not segments.segments:
        return everyone
    rows = snapshot.user_ids.to_rows(shop.graph.users.ids, missing="negative")
    member = np.where(rows >= 0, segments.member[rows], -1).astype(np.int32)
    return member, [segment.name for segment in segments.segments]


def measure_shop_demand(
    shop: Shop, home: Home, config: Config, progress: Progress = silent
) -> Measured:
    """Every forecast on rolling origins.

    Raises:
        DataError: the purchases cover too few weeks.
        ConfigError: statsmodels is not installed.
    """
    group, _ = segments_of(shop, home)
    series = weekly_sales(shop.graph, group, _categories(shop))
    try:
        return measure_demand(
            series, config.lifecycle, told=lambda name: progress(f"demand: {name}", 0, 0)
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"demand needs {error.name}; install it: pip install 'coterie[learn]'"
        ) from error


def foresee_shop_demand(shop: Shop, home: Home, config: Config) -> tuple[str, pl.DataFrame]:
    """The method that won, and the next weeks by it, ``segment`` and ``category`` by name.

    Raises:
        DataError: the purchases cover too few weeks.
        ConfigError: statsmodels is not installed.
    """
    measured = measure_shop_demand(shop, home, config)
    best = next(row["method"] for row in measured.rows if row["served"])
    group, names = segments_of(shop, home)
    found = foresee(weekly_sales(shop.graph, group, _categories(shop)), best)
    titles = shop.categories["name"].to_list() or ["everything"]
    return best, found.select(
        pl.Series("segment", [names[i] for i in found["group"]], dtype=pl.String),
        pl.Series("category", [titles[i] for i in found["category"]], dtype=pl.String),
        "week_starts",
        "sales",
        "low",
        "high",
    )


def _categories(shop: Shop) -> npt.NDArray[np.int32]:
    """Broadest category of each product; one for all where the shop has none."""
    if not shop.levels:
        return np.zeros(len(shop.graph.products), np.int32)
    return shop.category_rows(0)
