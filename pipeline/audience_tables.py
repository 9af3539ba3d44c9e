"""What audiences ask of a build: saved beside it, and read back as ``audiences.tables.Tables``.

SNAPSHOT/audiences/events/    what customers did, by customer and time
SNAPSHOT/audiences/*.npy      vectors of customers, and their lists of what they may like
SNAPSHOT/customers.parquet    stage, value and risk of each customer, where the build tells them
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from audiences.events import EventLog
from audiences.tables import Grouping, Tables, traits_of
from graph.shop import Shop
from graph.store import Derived
from loaders.errors import ConfigError, SnapshotMissing
from pipeline.snapshot import Snapshot

__all__ = ["AUDIENCES", "closed_to", "load_audience_tables", "save_audience_tables"]

AUDIENCES: Final = "audiences"
CUSTOMERS: Final = "customers.parquet"
TRUE: Final = ("true", "1", "1.0", "yes", "y")


def save_audience_tables(
    folder: Path, shop: Shop, vectors: npt.NDArray[np.float32], derived: Derived
) -> npt.NDArray[np.int32]:
    """Write what audiences need beside what a snapshot holds anyway.

    Args:
        folder: of the audiences' part of the snapshot.
        shop: what was learned from.
        vectors: of its users, float32 [n_users, dim].
        derived: what it writes back to the graph; its lists are the ones audiences see.

    Returns:
        The lists, product rows by rank, int32 [n_users, longest], -1 where one ends.
    """
    EventLog.of(shop.graph).save(folder / "events")
    np.save(folder / "vectors.npy", vectors.astype(np.float32))
    frame = pl.from_arrow(derived.edges["MAY_LIKE", "User", "Product"])
    assert isinstance(frame, pl.DataFrame)
    liked = _liked(shop, frame)
    np.save(folder / "liked.npy", liked)
    return liked


def _liked(shop: Shop, edges: pl.DataFrame) -> npt.NDArray[np.int32]:
    """Product rows of each user's list by rank, int32 [n_users, longest], -1 where none is."""
    longest = int(edges["rank"].max() or 0)  # type: ignore[arg-type]
    liked = np.full((shop.graph.shape[0], longest), -1, np.int32)
    users = shop.graph.users.to_rows(edges["source"], missing="error")
    products = shop.graph.products.to_rows(edges["target"], missing="error")
    liked[users, edges["rank"].to_numpy() - 1] = products
    return liked


def load_audience_tables(
    snapshot: Snapshot, suppressed: Collection[str] = (), consent: str = ""
) -> Tables:
    """The tables of a snapshot, its large arrays mapped.

    Args:
        snapshot: the build.
        suppressed: ids of customers who may be in no audience.
        consent: attribute that must be true for a customer to be in one; empty: none.

    Raises:
        SnapshotMissing: the snapshot is of a version without audiences.
        ConfigError: users have no attribute ``consent``.
    """
    folder = snapshot.folder / AUDIENCES
    try:
        vectors = np.load(folder / "vectors.npy", mmap_mode="r").view(np.ndarray)
        liked = np.load(folder / "liked.npy", mmap_mode="r").view(np.ndarray)
    except (OSError, ValueError) as error:
        raise SnapshotMissing(f"cannot read {folder}: {error}; build again") from error
    events = EventLog.load(folder / "events")
    closed = closed_to(snapshot.users, suppressed, consent)
    now = events.now / 86_400
    return Tables(
        build=snapshot.manifest.build,
        users=snapshot.user_ids,
        open=closed.is_null().to_numpy(),
        closed=closed,
        attributes=snapshot.users.drop("user_id", "anonymous"),
        traits=traits_of(snapshot.user_ids, snapshot.user_stats, _customers(snapshot), now),
        groupings=(_grouping(snapshot),),
        events=events,
        products=snapshot.products.select("product_id", "title", "category_id", "brand"),
        categories=snapshot.categories,
        vectors=vectors,
        liked=liked,
        currency=snapshot.manifest.currency,
    )


def _customers(snapshot: Snapshot) -> pl.DataFrame | None:
    path = snapshot.folder / CUSTOMERS
    return pl.read_parquet(path) if path.exists() else None


def _grouping(snapshot: Snapshot) -> Grouping:
    found = snapshot.segmentation
    return Grouping(
        tuple(s.id for s in found.segments),
        tuple(s.name for s in found.segments),
        found.member,
        found.strength,
    )


def closed_to(users: pl.DataFrame, suppressed: Collection[str], consent: str = "") -> pl.Series:
    """Why each user may be in no audience, aligned to rows; null for those who may.

    Raises:
        ConfigError: users have no attribute ``consent``.
    """
    if consent and consent not in users.columns:
        raise ConfigError(
            f"setting audiences.consent names {consent!r}, which is no attribute of users; there "
            f"are: {', '.join(users.columns[2:]) or 'none'}"
        )
    listed = pl.col("user_id").is_in(pl.Series(list(suppressed), dtype=pl.String).implode())
    yes = (
        pl.col(consent).cast(pl.String).str.to_lowercase().is_in(TRUE) if consent else pl.lit(True)
    )
    reason = (
        pl.when(pl.col("anonymous").fill_null(False))
        .then(pl.lit("anonymous"))
        .when(listed)
        .then(pl.lit("suppressed"))
        .when(~yes.fill_null(False))
        .then(pl.lit("no consent"))
    )
    return users.select(closed=reason)["closed"]
