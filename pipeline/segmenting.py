"""Segments from build to build: the last one's to go on from, and what changed between two."""

from __future__ import annotations

import polars as pl

from loaders.errors import DataError, SnapshotMissing
from loaders.progress import Progress, silent
from pipeline.home import Home
from segments.continuity import Previous, since
from segments.identity import Changes
from segments.model import Segmentation

__all__ = ["changes_between", "last_segments", "segments_of_build"]


def segments_of_build(home: Home, build: str | None = None) -> Previous:
    """Segments of one build, by default the published one, without reading the rest of it.

    Raises:
        SnapshotMissing: there is no such build, or this version cannot read it.
    """
    folder = home.snapshot(build)
    try:
        users = pl.read_parquet(folder / "users.parquet", columns=["user_id"])["user_id"]
        return Previous(folder.name, users, Segmentation.load(folder / "segments"))
    except (OSError, pl.exceptions.PolarsError, DataError) as error:
        raise SnapshotMissing(f"cannot read segments in {folder}: {error}; build again") from error


def last_segments(home: Home, progress: Progress = silent) -> Previous | None:
    """What the next build's segments go on from; ``None`` where nothing readable is published."""
    if not home.pointer.exists():
        return None
    try:
        return segments_of_build(home)
    except SnapshotMissing as error:
        progress(f"segments: start anew ({error})", 0, 0)
        return None


def changes_between(before: Previous, after: Previous) -> tuple[Changes, ...]:
    """What changed from one build to another, by level."""
    return since(before, after.segmentation.levels, after.users)
