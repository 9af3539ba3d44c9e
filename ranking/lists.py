"""The best ``k`` of many scores: exact, deterministic, without sorting the catalogue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ranking.scorer import Scores

__all__ = ["first_allowed", "top_k"]

Mask = npt.NDArray[np.bool_]


def top_k(scores: Scores, allowed: Mask | None, k: int) -> tuple[npt.NDArray[np.int64], Scores]:
    """The ``k`` highest allowed scores of each row; equals go to the lower product row.

    Args:
        scores: float32 [n, n_products], without NaN; -inf means never.
        allowed: bool [n_products] or [n, n_products]; ``None`` allows all.
        k: length of the lists.

    Returns:
        Product rows, int64 [n, k], best first, -1 where nothing is left; and their scores,
        float32 [n, k], -inf there.
    """
    rows = np.full((len(scores), k), -1, np.int64)
    best = np.full((len(scores), k), -np.inf, np.float32)
    shared = None if allowed is None or allowed.ndim == 2 else np.flatnonzero(allowed)
    for i, line in enumerate(scores):
        places = np.flatnonzero(allowed[i]) if allowed is not None and shared is None else shared
        chosen = _best(line, k) if places is None else places[_best(line[places], k)]
        rows[i, : len(chosen)] = chosen
        best[i, : len(chosen)] = line[chosen]
    return rows, best


def _best(line: Scores, k: int) -> npt.NDArray[np.int64]:
    """Places of the ``k`` highest finite values, best first."""
    if not 0 < k < len(line):
        chosen = np.arange(min(k, len(line)))
    else:
        bar = np.partition(line, len(line) - k)[len(line) - k]
        above = np.flatnonzero(line > bar)
        level = np.flatnonzero(line == bar)[: k - len(above)]
        chosen = np.concatenate([above, level])
    ordered = chosen[np.lexsort((chosen, -line[chosen]))]
    return ordered[line[ordered] > -np.inf]


def first_allowed(order: npt.NDArray[np.int64], allowed: Mask, n: int) -> npt.NDArray[np.int64]:
    """The first ``n`` product rows of ``order`` that ``allowed`` bool [n_products] lets through."""
    return order[allowed[order]][:n]
