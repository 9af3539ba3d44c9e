"""The best ``k`` of many scores: exact, deterministic, without sorting the catalogue.

Beside it what a list is thinned by: at most some of a group, and not all of it alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ranking.scorer import Scores

__all__ = ["first_allowed", "first_of_groups", "marginal_relevance", "top_k"]

Mask = npt.NDArray[np.bool_]

BLOCK = 64
"""Scores of which only the largest is looked at first."""


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
        places = _promising(line, k)
        values = line[places]
        bar = _highest(values, k)
        above = places[values > bar]
        level = places[values == bar][: k - len(above)]
        chosen = np.concatenate([above, level])
    ordered = chosen[np.lexsort((chosen, -line[chosen]))]
    return ordered[line[ordered] > -np.inf]


def _promising(line: Scores, k: int) -> npt.NDArray[np.int64]:
    """Places among which the ``k`` highest are: those not below ``k`` blocks' largest values."""
    blocks = len(line) // BLOCK
    if blocks <= 2 * k:
        return np.arange(len(line))
    tops = line[: blocks * BLOCK].reshape(blocks, BLOCK).max(axis=1)
    return np.flatnonzero(line >= np.partition(tops, blocks - k)[blocks - k])


def _highest(values: Scores, k: int) -> np.float32:
    """The ``k``-th highest value.

    Most scorers know little of most products, and selection takes many times as long where nearly
    all values are the same 0; among the positive ones it does not.
    """
    positive = values[values > 0]
    if len(positive) >= k:
        return np.float32(np.partition(positive, len(positive) - k)[len(positive) - k])
    return np.float32(np.sort(values)[len(values) - k])


def first_allowed(order: npt.NDArray[np.int64], allowed: Mask, n: int) -> npt.NDArray[np.int64]:
    """The first ``n`` product rows of ``order`` that ``allowed`` bool [n_products] lets through."""
    return order[allowed[order]][:n]


def first_of_groups(groups: npt.NDArray[np.integer], most: int) -> Mask:
    """Which entries are among the first ``most`` of their group, bool [n]; group -1 has no limit.

    Args:
        groups: group of each entry, int [n], in the order of preference.
        most: of one group, at least 1.
    """
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    new = np.ones(len(groups), np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(new)
    place = np.arange(len(groups)) - np.repeat(starts, np.diff([*starts, len(groups)]))
    keep = np.empty(len(groups), np.bool_)
    keep[order] = place < most
    return keep | (groups < 0)


def marginal_relevance(
    relevance: Scores,
    vectors: Scores,
    diversity: float,
    k: int,
    handicap: npt.NDArray[np.floating] | None = None,
) -> npt.NDArray[np.int64]:
    """Places of ``k`` entries, each as relevant as it is unlike those before it.

    Maximal marginal relevance of Carbonell and Goldstein, "The use of MMR, diversity-based
    reranking" (SIGIR 1998): the next is the one with the largest ``(1 - diversity) relevance -
    diversity max cosine`` to what is chosen; equals go to the earlier place.

    Args:
        relevance: float32 [n].
        vectors: of length 1, or 0 for what is like nothing, float32 [n, dim].
        diversity: 0 for relevance alone, 1 for difference alone.
        k: how many; all entries where there are fewer.
        handicap: taken off each entry's value whatever the diversity, float [n].
    """
    value = (1 - diversity) * relevance.astype(np.float64)
    if handicap is not None:
        value -= handicap
    nearest = np.full(len(relevance), -1.0)
    chosen = np.empty(min(k, len(relevance)), np.int64)
    for i in range(len(chosen)):
        best = chosen[i] = int(np.argmax(value - diversity * nearest))
        value[best] = -np.inf
        np.maximum(nearest, vectors @ vectors[best], out=nearest)
    return chosen
