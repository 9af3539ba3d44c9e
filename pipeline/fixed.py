"""Evaluation on a fixed split in the NGCF text format, as published benchmarks use it.

Everything is chosen on the validation file, or, where there is none, on the last eighth of each
training line (places in a line are in time order where the data has one); then methods are fitted
on training and validation lines together, and the test file is looked at once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.report import Report
from evaluation.split import fixed_split
from graph.ids import IdMap
from graph.interactions import InteractionGraph, to_day
from graph.shop import Shop
from loaders.errors import DataError
from loaders.progress import Progress, silent
from loaders.schema import empty
from loaders.split_format import END, read_split
from pipeline.config import Config
from pipeline.evaluate import evaluate_sides

__all__ = ["evaluate_files", "split_graphs"]

VALIDATION_SHARE = 1 / 8
MINUTE = 1 / 1440

Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def evaluate_files(
    train: Path,
    test: Path,
    valid: Path | None,
    config: Config,
    progress: Progress = silent,
) -> Report:
    """Measure every method on fixed files; products of training are never listed.

    Recall divides by all relevant products (``recall_of_all``), as published figures on these
    splits do.

    Args:
        train: file of ``user item item ...`` lines.
        test: likewise, looked at once.
        valid: what follows the training lines, to choose on.
        config: all settings; products are eligible however rarely they were bought.
        progress: told each stage.

    Raises:
        DataError: a file cannot be used.
    """
    first, second, both, tested = split_graphs(train, test, valid)
    return evaluate_sides(
        (first, fixed_split(first, second)),
        (both, fixed_split(both, tested)),
        _bare_shop(both),
        config,
        {
            "train": train.name,
            "test": test.name,
            "valid": valid.name if valid else "last eighth",
            "recall": "recall_of_all",
        },
        progress=progress,
    ).report


def split_graphs(train: Path, test: Path, valid: Path | None) -> tuple[InteractionGraph, ...]:
    """The files as graphs over the same ids: training, validation, both together, and test.

    Args:
        train: file of ``user item item ...`` lines.
        test: likewise.
        valid: what follows the training lines; ``None`` takes each line's last eighth.

    Raises:
        DataError: a file cannot be used.
    """
    lines, held = read_split(train), read_split(test)
    first: Pairs = (lines.users, lines.items)
    if valid is None:
        first, second = _last_eighth(first)
    else:
        later = read_split(valid)
        second = (later.users, later.items)
    both: Pairs = (np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]]))
    tested: Pairs = (held.users, held.items)
    maps = [_ids(both[side], tested[side]) for side in (0, 1)]
    return tuple(_graph(pairs, *maps) for pairs in (first, second, both, tested))


def _last_eighth(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """Each user's line cut before its last eighth; users with fewer than 8 items stay whole."""
    frame = pl.DataFrame({"user": pairs[0], "item": pairs[1]})
    place, length = pl.int_range(pl.len()).over("user"), pl.len().over("user")
    late = frame.select(place >= length - (length * VALIDATION_SHARE).floor()).to_series()
    mask = late.to_numpy()
    if not mask.any():
        raise DataError("no line has 8 items, an eighth of which to choose on; give one: --valid")
    return (pairs[0][~mask], pairs[1][~mask]), (pairs[0][mask], pairs[1][mask])


def _ids(*numbers: npt.NDArray[np.int64]) -> IdMap:
    return IdMap(pl.Series("id", np.unique(np.concatenate(numbers))).cast(pl.String))


def _graph(pairs: Pairs, users: IdMap, products: IdMap) -> InteractionGraph:
    """Pairs as purchases; the place in the line is the time, a minute a step, the last at END."""
    frame = pl.DataFrame({"user": pairs[0], "item": pairs[1]})
    left = frame.select(pl.len().over("user") - 1 - pl.int_range(pl.len()).over("user"))
    n = len(frame)
    return InteractionGraph(
        users=users,
        products=products,
        registered=np.ones(len(users), np.bool_),
        user_rows=users.to_rows(frame["user"].cast(pl.String), missing="error").astype(np.int32),
        product_rows=products.to_rows(frame["item"].cast(pl.String), missing="error").astype(
            np.int32
        ),
        kinds=np.zeros(n, np.int8),
        days=to_day(END) - left.to_series().to_numpy() * MINUTE,
        quantities=np.ones(n, np.float32),
        values=np.full(n, np.nan, np.float32),
        orders=np.full(n, -1, np.int32),
    )


def _bare_shop(graph: InteractionGraph) -> Shop:
    """A shop that is known by its events alone."""
    users = pl.DataFrame({"user_id": graph.users.ids}).with_columns(anonymous=pl.lit(False))
    products = pl.DataFrame({"product_id": graph.products.ids}).with_columns(
        title=pl.lit(None, pl.String),
        price=pl.lit(None, pl.Float64),
        category_id=pl.lit(None, pl.String),
        brand=pl.lit(None, pl.String),
    )
    return Shop(graph, users, products, empty("categories"))
