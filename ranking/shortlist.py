"""Lists made of what a learned ranker kept alone: they cost the same in a catalogue of any size.

Nothing that was not kept can be among the first of a list, so where enough of it may be listed
nobody needs scores of all products.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from ranking.arrangement import Arrangement
from ranking.barred import Barred
from ranking.ranked import BELOW, Ranked
from ranking.scorer import Scores

__all__ = ["shortlists"]

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Short = tuple[Rows, Scores, npt.NDArray[np.int8]]

_LIKED: Final = 0
_RARE: Final = 2
_PINNED: Final = 4


def shortlists(
    ranked: Ranked,
    user_rows: Rows,
    k: int,
    barred: Barred,
    eligible: Mask,
    ordered: Callable[[Rows], Rows],
    arrangement: Arrangement | None = None,
) -> Short | None:
    """Lists of ``k`` products for each user, as scores of all products would give them.

    Args:
        ranked: what was kept for each user.
        user_rows: int64 [n]; -1 is a user nothing is known of.
        k: length of the lists.
        barred: what the request keeps out of them.
        eligible: products bought often enough to be judged, bool [n_products].
        ordered: product rows in the order they are listed in where there is no score.
        arrangement: what the shop itself wants of the lists.

    Returns:
        Product rows int64 [n, k], scores float32 [n, k] and sources int8 [n, k] as in
        ``ranking.recommender.Lists``, but products that only fill a list up score 0; ``None``
        where any list would need more than was kept.
    """
    if arrangement is not None and arrangement.raises:
        return None
    found = [
        _one(ranked, int(user), k, barred, eligible, ordered, arrangement) for user in user_rows
    ]
    whole = [one for one in found if one is not None]
    if len(whole) < len(found) or not whole:
        return None
    rows, scores, sources = zip(*whole, strict=True)
    return np.stack(rows), np.stack(scores), np.stack(sources)


def _one(
    ranked: Ranked,
    user_row: int,
    k: int,
    barred: Barred,
    eligible: Mask,
    ordered: Callable[[Rows], Rows],
    arrangement: Arrangement | None,
) -> Short | None:
    rows, scores = ranked.kept(user_row)
    there = barred.passes(user_row, rows) & eligible[rows]
    rows, scores = rows[there], scores[there]
    if arrangement is not None:
        return _arranged(rows, scores, user_row, k, barred, arrangement)
    if len(rows) >= k:
        return rows[:k], scores[:k], np.full(k, _LIKED, np.int8)
    if barred.bought == "only":
        return _filled(rows, scores, user_row, k, barred, eligible, ordered)
    return None


def _arranged(
    rows: Rows, scores: Scores, user_row: int, k: int, barred: Barred, arrangement: Arrangement
) -> Short | None:
    """A list of what may be listed of the kept, best first, as the shop wants it."""
    if arrangement.factor is not None:
        scores = scores * arrangement.factor[rows]
    # What the shop puts below this may be below what was not kept, too.
    there = scores > BELOW
    if arrangement.allowed is not None:
        there &= arrangement.allowed[rows]
    rows, scores = rows[there], scores[there]
    if len(rows) < k:
        return None
    order = np.lexsort((rows, -scores))
    rows, scores = rows[order], scores[order]
    if not arrangement.rearranges:
        return rows[:k], scores[:k], np.full(k, _LIKED, np.int8)
    pins = arrangement.pinned(_pins_may(arrangement, user_row, barred))
    chosen = arrangement.composed(rows, rows[:0], pins, k)
    if len(chosen) < k:
        return None
    score = dict(zip(rows.tolist(), scores, strict=True))
    pinned = {row for _, row in pins}
    return (
        chosen,
        np.array([score.get(row, 0) for row in chosen.tolist()], np.float32),
        np.array([_PINNED if row in pinned else _LIKED for row in chosen.tolist()], np.int8),
    )


def _filled(
    rows: Rows,
    scores: Scores,
    user_row: int,
    k: int,
    barred: Barred,
    eligible: Mask,
    ordered: Callable[[Rows], Rows],
) -> Short | None:
    """Fewer than ``k`` products bought before, filled up; ``None`` where others have a score."""
    held = barred.history.of(user_row).products.astype(np.int64)
    rest = held[barred.passes(user_row, held) & ~np.isin(held, rows)]
    if eligible[rest].any():
        return None
    n, rows = len(rows), np.concatenate([rows, ordered(rest)])[:k]
    places = np.arange(k)
    sources = np.where(places < n, _LIKED, np.where(places < len(rows), _RARE, -1))
    listed = np.pad(rows, (0, k - len(rows)), constant_values=-1)
    return listed, np.pad(scores, (0, k - n)), sources.astype(np.int8)


def _pins_may(arrangement: Arrangement, user_row: int, barred: Barred) -> Mask:
    """Which pins may be listed, bool [n_pins]."""
    rows = arrangement.pin_rows
    listed = barred.passes(user_row, rows)
    return listed if arrangement.allowed is None else listed & arrangement.allowed[rows]
