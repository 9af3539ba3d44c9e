"""``Blend``: a weighted sum of other scorers, made comparable user by user.

Each part's scores for a user are divided by the largest of them. That keeps 0 ("nothing known")
at 0, does not depend on how long the catalogue is, and makes a weight mean the same for someone
with ten purchases and someone with a thousand; a z-score over candidates would give sparse parts
(personal frequency) arbitrary scales, as their deviation shrinks with the catalogue.

``tune_blend`` chooses the weights on a pool of candidates scored once, so a trial costs
milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loaders.errors import ConfigError
from ranking.lists import top_k
from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["Blend", "Judge", "Tuned", "tune_blend"]

Judge = Callable[[npt.NDArray[np.int64]], float]
"""Quality of the lists int64 [n_users, k] made for the users being tuned on; higher is better."""

BATCH = 64


@dataclass(frozen=True)
class Blend:
    """Weighted sum of normalised scores.

    Attributes:
        name: what it is called.
        parts: the scorers blended.
        weights: float32 [n_parts].
    """

    name: str
    parts: Sequence[SavedScorer]
    weights: Scores

    def __post_init__(self) -> None:
        if len(self.parts) != len(self.weights):
            raise ConfigError(
                f"a blend needs one weight a part; got {len(self.weights)} for {len(self.parts)}"
            )

    @classmethod
    def of(
        cls, name: str, scorers: Mapping[str, SavedScorer], weights: Mapping[str, float]
    ) -> Blend:
        """The blend of ``scorers`` by the ``weights`` of their names; those of weight 0 left out.

        Raises:
            KeyError: a weight is of no scorer.
        """
        used = {part: weight for part, weight in weights.items() if weight}
        parts = tuple(scorers[part] for part in used)
        return cls(name, parts, np.array(list(used.values()), np.float32))

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Blended scores, float32 [len(user_rows), n_products]."""
        return self._sum([part.score(user_rows) for part in self.parts])

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """Blended scores of a basket or session, float32 [n_products]."""
        scores = [part.score_profile(product_rows, weights)[None] for part in self.parts]
        return self._sum(scores).ravel()

    def _sum(self, scores: Sequence[Scores]) -> Scores:
        total: Scores = np.zeros_like(scores[0])
        for weight, part in zip(self.weights, scores, strict=True):
            if weight:
                total += part * (weight / _scale(part))
        return total

    def arrays(self) -> Arrays:
        """The weights."""
        return {"weights": self.weights}

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Blend:
        """Made of weights and parts."""
        return cls(name, tuple(parts), arrays["weights"])


def _scale(scores: Scores) -> Scores:
    """Each row's largest score, or 1 where none is positive; float32 [n, 1]."""
    top = scores.max(axis=1, keepdims=True)
    return np.where(top > 0, top, np.float32(1))


@dataclass(frozen=True)
class _Pool:
    """Candidates of each user and their normalised scores by part.

    Attributes:
        products: int64 [n_users, width], -1 where a user has fewer.
        scores: float32 [n_parts, n_users, width].
    """

    products: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]

    def lists(self, weights: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
        """Lists of a blend with ``weights`` float32 [n_parts], int64 [n_users, k]."""
        blended = np.tensordot(weights, self.scores, axes=1)
        blended[self.products < 0] = -np.inf
        place = _best_places(blended, min(k, blended.shape[1]))
        place[np.take_along_axis(blended, place, axis=1) == -np.inf] = -1
        chosen = np.take_along_axis(self.products, np.maximum(place, 0), axis=1)
        return np.where(place >= 0, chosen, -1)


def _best_places(scores: Scores, k: int) -> npt.NDArray[np.int64]:
    """Places of the ``k`` highest of each row, best first, the earlier of equals; int64 [n, k].

    Candidates stand in the order of their rows, so that is the lower product row.
    """
    width = scores.shape[1]
    bar = np.partition(scores, width - k, axis=1)[:, width - k, None] if k else scores[:, :0]
    level = scores == bar
    above = scores > bar
    room = k - above.sum(axis=1, keepdims=True)
    place = np.nonzero(above | (level & (np.cumsum(level, axis=1) <= room)))[1].reshape(-1, k)
    found = np.take_along_axis(scores, place, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    return np.take_along_axis(place, order, axis=1)


@dataclass(frozen=True)
class Tuned:
    """What tuning found.

    Attributes:
        blend: the best blend.
        lists: its lists for the users tuned on, int64 [n_users, k].
        single: place of the best single part.
        single_lists: its lists, int64 [n_users, k].
    """

    blend: Blend
    lists: npt.NDArray[np.int64]
    single: int
    single_lists: npt.NDArray[np.int64]


def tune_blend(
    parts: Sequence[SavedScorer],
    user_rows: npt.NDArray[np.int64],
    judge: Judge,
    allowed: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.bool_]],
    *,
    k: int = 20,
    mixed: Sequence[int] | None = None,
    candidates: int = 80,
    rounds: int = 2,
    name: str = "blend",
) -> Tuned:
    """Choose a blend's weights by coordinate search from the best single part.

    Deterministic. The search starts at the part that does best alone, then walks through the
    parts ``rounds`` times and tries each step of ``STEPS`` for its weight, keeping what is better.

    Args:
        parts: scorers to blend, fitted before the events that the judge looks at.
        user_rows: users to tune on, int64 [n_users].
        judge: quality of their lists, such as mean NDCG.
        allowed: for rows of users, what may be listed, bool [n, n_products].
        k: length of the lists judged.
        mixed: places of the parts that may be blended; the others only compete alone.
        candidates: how many of each part's best products enter the pool.
        rounds: walks through the parts.
        name: of the blend.

    Returns:
        The best blend found, parts of weight 0 left out, beside the best single part.
    """
    mixed = range(len(parts)) if mixed is None else mixed
    # A part that only competes alone needs its list there, and no more.
    counts = [max(candidates, k) if i in mixed else k for i in range(len(parts))]
    pool = _pool(parts, user_rows, allowed, counts)
    trials: dict[tuple[float, ...], float] = {}

    def quality(weights: tuple[float, ...]) -> float:
        if weights not in trials:
            trials[weights] = judge(pool.lists(np.array(weights, np.float32), k))
        return trials[weights]

    singles = [tuple(float(i == j) for j in range(len(parts))) for i in range(len(parts))]
    single = max(singles, key=quality)
    best = max((singles[i] for i in mixed), key=quality)
    for _ in range(rounds):
        for part in mixed:
            options = [(*best[:part], step, *best[part + 1 :]) for step in STEPS]
            best = max([best, *(o for o in options if any(o))], key=quality)
    used = [i for i, weight in enumerate(best) if weight]
    weights = np.array([best[i] for i in used], np.float32)
    return Tuned(
        Blend(name, tuple(parts[i] for i in used), weights),
        pool.lists(np.array(best, np.float32), k),
        singles.index(single),
        pool.lists(np.array(single, np.float32), k),
    )


STEPS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)


def _pool(
    parts: Sequence[SavedScorer],
    user_rows: npt.NDArray[np.int64],
    allowed: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.bool_]],
    counts: Sequence[int],
) -> _Pool:
    """The union of each part's best, as many as in ``counts``, scored by every part."""
    products = np.full((len(user_rows), sum(counts)), -1, np.int64)
    scores = np.zeros((len(parts), *products.shape), np.float32)
    for start in range(0, len(user_rows), BATCH):
        batch = user_rows[start : start + BATCH]
        mask = allowed(batch)
        all_scores = [part.score(batch) for part in parts]
        best = [top_k(s, mask, n)[0] for s, n in zip(all_scores, counts, strict=True)]
        tops = np.concatenate(best, axis=1)
        chosen = _distinct(tops)
        products[start : start + BATCH] = chosen
        for i, part in enumerate(all_scores):
            picked = np.take_along_axis(part, np.maximum(chosen, 0), axis=1)
            scores[i, start : start + BATCH] = picked / _scale(part)
    return _Pool(products, scores)


def _distinct(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each row sorted, with repeats replaced by -1."""
    ordered = np.sort(rows, axis=1)
    ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = -1
    return ordered
