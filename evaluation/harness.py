"""The harness: asks a method for lists, compares them with what was bought, keeps it per user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.metrics import coverage, diversity, hits_of, ndcg, novelty, per_user
from evaluation.split import Mode, Split
from loaders.errors import ConfigError
from loaders.progress import Progress, silent

__all__ = ["ModeResult", "Recommend", "evaluate", "ndcg_judge", "ndcg_of"]

Recommend = Callable[[npt.NDArray[np.int64], int, Mode], npt.NDArray[np.int64]]
"""``recommend(user_rows, k, mode)`` gives product rows, int64 [len(user_rows), k], -1 padded."""

BATCH = 64


@dataclass(frozen=True)
class ModeResult:
    """How one method did in one mode.

    Attributes:
        users: rows of the users tested, int64 [n].
        values: float64 [n] by (metric, k): accuracy, ``diversity`` and ``novelty``.
        coverage: share of the eligible products listed for anybody, by k.
    """

    users: npt.NDArray[np.int64]
    values: Mapping[tuple[str, int], npt.NDArray[np.float64]]
    coverage: Mapping[int, float]


def evaluate(
    recommend: Recommend,
    split: Split,
    ks: Sequence[int] = (20,),
    modes: Sequence[Mode] | None = None,
    *,
    categories: npt.NDArray[np.integer] | None = None,
    progress: Progress = silent,
) -> dict[Mode, ModeResult]:
    """Judge a method by what users bought after the cut.

    Args:
        recommend: the method, fitted on ``split.train`` only.
        split: the split.
        ks: lengths of lists to report.
        modes: modes to test; by default all that the split has.
        categories: category of each product, int [n_products], for diversity; left out without.
        progress: told the users done.

    Raises:
        ConfigError: a k is below 1, or the split does not have a mode.
    """
    asked = tuple(split.relevant) if modes is None else tuple(modes)
    unknown = [mode for mode in asked if mode not in split.relevant]
    if unknown or not ks or min(ks) < 1:
        raise ConfigError(
            f"expected modes of {list(split.relevant)} and k of 1 or more; "
            f"got modes {list(asked)} and k {list(ks)}"
        )
    results: dict[Mode, ModeResult] = {}
    for mode in asked:
        lists = _ask(recommend, split.users(mode), max(ks), mode, progress)
        results[mode] = _judge(lists, split, mode, ks, categories)
    return results


def _ask(
    recommend: Recommend, users: npt.NDArray[np.int64], k: int, mode: Mode, progress: Progress
) -> npt.NDArray[np.int64]:
    lists = [np.zeros((0, k), np.int64)]
    for start in range(0, len(users), BATCH):
        lists.append(recommend(users[start : start + BATCH], k, mode))
        progress(f"evaluate {mode}", min(start + BATCH, len(users)), len(users))
    return np.concatenate(lists)


def _judge(
    lists: npt.NDArray[np.int64],
    split: Split,
    mode: Mode,
    ks: Sequence[int],
    categories: npt.NDArray[np.integer] | None,
) -> ModeResult:
    users = split.users(mode)
    values = per_user(lists, split.relevant[mode][users], ks)
    buyers = np.bincount(split.bought.indices, minlength=split.bought.shape[1])
    for k in ks:
        values["novelty", k] = novelty(lists[:, :k], buyers, split.counts["train_users"])
        if categories is not None:
            values["diversity", k] = diversity(lists[:, :k], categories)
    return ModeResult(users, values, {k: coverage(lists[:, :k], split.eligible) for k in ks})


def ndcg_of(
    lists: npt.NDArray[np.int64], split: Split, mode: Mode, user_rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """NDCG of each list int64 [len(user_rows), k], float64 [len(user_rows)]."""
    return ndcg(hits_of(lists, split.relevant[mode][user_rows]))


def ndcg_judge(
    split: Split, mode: Mode, user_rows: npt.NDArray[np.int64]
) -> Callable[[npt.NDArray[np.int64]], float]:
    """A function from lists int64 [len(user_rows), k] to their mean NDCG@k, to tune by."""
    return lambda lists: float(ndcg_of(lists, split, mode, user_rows).mean())
