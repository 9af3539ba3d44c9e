"""``Snapshot``: everything one build learned, in a folder that serving maps into memory.

manifest.json    what it is, from which data, settings and versions, and how good it measured
report.json      the whole evaluation
*.parquet        users, products, categories, customers, rules, products that mark segments
recommender/     scorers, history, popularity
neighbours/      similar products
likeness/        vectors that tell how alike products are
completer/       what goes with a basket
visitors/        what visitors are listed by
segments/        communities, members, profiles
people/          claims, actions and facts of customers; see pipeline.people
audiences/       what audiences ask of events, vectors and lists; see pipeline.audience_tables
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from graph.ids import IdMap
from loaders.errors import DataError, SnapshotMissing
from pipeline.people import PEOPLE, People, load_people
from ranking.likeness import Likeness
from ranking.recommender import Recommender
from ranking.saved import load_scorer, save_scorer
from ranking.scorer import SavedScorer
from ranking.similar import Neighbours
from rules.table import RuleTable
from segments.model import Segmentation

__all__ = ["Manifest", "Snapshot", "read_customers", "read_manifest", "read_report"]

FRAMES = (
    "users",
    "products",
    "categories",
    "customers",
    "segment_products",
    "user_stats",
    "product_stats",
)


class Manifest(BaseModel):
    """What a snapshot is, and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    build: str
    created: datetime
    read_at: datetime
    currency: str
    data_hash: str
    last_event: datetime | None
    seed: int
    config: dict[str, Any]
    versions: dict[str, str]
    counts: dict[str, int]
    choice: dict[str, Any]
    cut: str | None
    metrics: list[dict[str, Any]]
    completion: dict[str, float] = {}
    lifecycle: dict[str, Any] = {}
    seconds: dict[str, float]


@dataclass(frozen=True)
class Snapshot:
    """One build's results, over the rows of its own ids.

    Attributes:
        folder: where it is.
        manifest: what it is.
        users, products, categories: tables aligned to rows, as in ``graph.shop.Shop``.
        customers: stage, value and churn by user row, as in ``lifecycle.customers``.
        recommender: lists for users.
        neighbours: similar products.
        likeness: vectors that tell how alike any two products are.
        rules: bought-together rules.
        completer: scores what goes with a basket.
        visitors: scores what suits a visitor by their session.
        segmentation: communities.
        segment_products: products over-represented in each segment.
        user_stats, product_stats: counts by row, as in ``pipeline.stats``.
    """

    folder: Path
    manifest: Manifest
    users: pl.DataFrame
    products: pl.DataFrame
    categories: pl.DataFrame
    customers: pl.DataFrame
    recommender: Recommender
    neighbours: Neighbours
    likeness: Likeness
    rules: RuleTable
    completer: SavedScorer
    visitors: SavedScorer
    segmentation: Segmentation
    segment_products: pl.DataFrame
    user_stats: pl.DataFrame
    product_stats: pl.DataFrame

    @cached_property
    def user_ids(self) -> IdMap:
        """Ids of user rows."""
        return IdMap(self.users["user_id"])

    @cached_property
    def product_ids(self) -> IdMap:
        """Ids of product rows."""
        return IdMap(self.products["product_id"])

    @cached_property
    def people(self) -> People:
        """What profiles and actions show.

        Raises:
            SnapshotMissing: the snapshot is of a version without.
        """
        return load_people(self.folder / PEOPLE)

    @property
    def report(self) -> dict[str, Any]:
        """The evaluation, as plain keys; empty where nothing could be measured."""
        return read_report(self.folder)

    def save(self, report: dict[str, Any]) -> None:
        """Write everything to ``folder``; the manifest last, as it marks the folder as whole."""
        for name in FRAMES:
            getattr(self, name).write_parquet(self.folder / f"{name}.parquet")
        self.recommender.save(self.folder / "recommender")
        self.neighbours.save(self.folder / "neighbours")
        self.likeness.save(self.folder / "likeness")
        self.rules.save(self.folder / "rules.parquet")
        save_scorer(self.folder / "completer", self.completer)
        save_scorer(self.folder / "visitors", self.visitors)
        self.segmentation.save(self.folder / "segments")
        (self.folder / "report.json").write_text(json.dumps(report, indent=1), "utf-8")
        (self.folder / "manifest.json").write_text(self.manifest.model_dump_json(indent=2), "utf-8")

    @staticmethod
    def load(folder: Path) -> Snapshot:
        """Read a snapshot, arrays memory-mapped.

        Raises:
            SnapshotMissing: the folder holds none, or one that this version cannot read.
        """
        frames = {name: _frame(folder / f"{name}.parquet") for name in FRAMES}
        try:
            return Snapshot(
                folder,
                read_manifest(folder),
                recommender=Recommender.load(folder / "recommender"),
                neighbours=Neighbours.load(folder / "neighbours"),
                likeness=Likeness.load(folder / "likeness"),
                rules=RuleTable.load(folder / "rules.parquet"),
                completer=load_scorer(folder / "completer"),
                visitors=load_scorer(folder / "visitors"),
                segmentation=Segmentation.load(folder / "segments"),
                **frames,
            )
        except DataError as error:
            raise SnapshotMissing(f"cannot read {folder}: {error}; build again") from error


def read_report(folder: Path) -> dict[str, Any]:
    """The evaluation in ``folder``, as plain keys."""
    report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return report


def read_customers(folder: Path) -> pl.DataFrame:
    """The table of customers in ``folder``, columns as in ``lifecycle.customers``.

    Raises:
        SnapshotMissing: there is none.
    """
    return _frame(folder / "customers.parquet")


def read_manifest(folder: Path) -> Manifest:
    """The manifest in ``folder``.

    Raises:
        SnapshotMissing: there is none, or it is of another version.
    """
    try:
        return Manifest.model_validate_json((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise SnapshotMissing(f"cannot read the snapshot in {folder}: {error}") from error


def _frame(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SnapshotMissing(f"cannot read {path}: {error}; build again") from error
