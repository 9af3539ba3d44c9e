"""``segments_by_example``: from a CSV of customers and labels to a label for every customer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from graph.shop import Shop
from loaders.errors import DataError
from segments.attributes import attribute_columns, attribute_values
from segments.features import customer_features, preference_features
from segments.learn import Learned, learn_segments

__all__ = ["ByExample", "read_labels", "segments_by_example"]


@dataclass(frozen=True)
class ByExample:
    """What examples taught, for the registered customers with a purchase.

    Attributes:
        learned: the classifier and what it says.
        table: ``user_id``, ``label``, ``probability``, ``given``.
        unknown: ids in the file that are no such customers.
    """

    learned: Learned
    table: pl.DataFrame
    unknown: tuple[str, ...]


def read_labels(path: Path) -> pl.DataFrame:
    """Columns ``id`` and ``label`` of a CSV, as text.

    Raises:
        DataError: there is no such file, it lacks a column, or an id stands twice.
    """
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read labels ({error})", file=str(path)) from error
    missing = [name for name in ("id", "label") if name not in frame.columns]
    if missing:
        message = f"expected columns id and label, found {', '.join(frame.columns)}"
        raise DataError(message, file=str(path))
    frame = frame.select("id", "label").drop_nulls()
    twice = frame.filter(pl.col("id").is_duplicated())["id"].unique().sort()
    if len(twice):
        raise DataError(f"expected each id once, found {twice[0]} again", file=str(path))
    return frame


def segments_by_example(shop: Shop, labels: pl.DataFrame, seed: int = 0) -> ByExample:
    """Label every registered customer with a purchase after the examples in ``labels``.

    Args:
        shop: whose features and attributes classifiers see.
        labels: ``id`` and ``label``.
        seed: of all that draws at random.

    Raises:
        DataError: too few of the examples are customers of the shop.
    """
    buyer = np.bincount(shop.graph.purchases().user_rows, minlength=len(shop.users)) > 0
    kept = pl.Series(buyer & shop.graph.registered)
    ids = shop.users["user_id"].filter(kept)
    given = pl.DataFrame({"id": ids}).join(labels, on="id", how="left", maintain_order="left")
    learned = learn_segments(_features(shop).filter(kept), given["label"].to_list(), seed)
    table = pl.DataFrame(
        {
            "user_id": ids,
            "label": list(learned.labels),
            "probability": learned.probability,
            "given": given["label"].is_not_null(),
        }
    )
    unknown = labels["id"].filter(~labels["id"].is_in(ids.implode()))
    return ByExample(learned, table, tuple(unknown.to_list()))


def _features(shop: Shop) -> pl.DataFrame:
    """Behaviour, preferences, and attributes a column a value."""
    people = [attribute_values(shop.users[name]) for name in attribute_columns(shop.users)]
    shown = pl.DataFrame(people).to_dummies() if people else pl.DataFrame()
    shown = shown.select(c for c in shown.columns if not c.endswith("_null"))
    frames = [customer_features(shop), preference_features(shop), shown]
    return pl.concat([frame for frame in frames if frame.width], how="horizontal")
