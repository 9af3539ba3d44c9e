"""``felt``: a customer's list after what they did since it was learned.

Three lists are fused by reciprocal ranks (Cormack, Clarke and Büttcher, SIGIR 2009), which asks
nothing of the scales of their scores: what the customer's own scorer ranks, what goes with what
they just did, and what they just bought. The second counts the more the less is known of the
customer from before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ranking.scorer import Scores

__all__ = ["Felt", "felt"]

DAMPING: Final = 60.0
"""Added to every rank, as in the paper: how much the first places count above later ones."""
DEPTH: Final = 1_000
"""Ranks that count; what is behind goes by the customer's own scorer."""
BEHIND: Final = np.float32(1e-4)
"""Largest score of what no rank counts for; below every counted one."""


@dataclass(frozen=True)
class Felt:
    """What a customer did since.

    Attributes:
        rows: products of any event, int64 [n].
        weights: how much each counts, float32 [n].
        bought: products bought, int64 [m].
        evidence: products a customer must have bought before for their own list to count as much
            as what goes with ``rows``; 0 leaves the latter out.
        again: how much it counts to be bought just now; each such product has the first rank.
    """

    rows: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    bought: npt.NDArray[np.int64]
    evidence: float
    again: float


def felt(own: Scores, goes_with: Scores, since: Felt, known: int) -> Scores:
    """Scores after ``since``, float32 [n_products].

    Args:
        own: the customer's scores before, float32 [n_products].
        goes_with: scores of what goes with ``since``, float32 [n_products].
        since: what they did.
        known: different products they bought before.
    """
    along = since.evidence / (since.evidence + known) if since.evidence else 0.0
    top = own.max(initial=0)
    scores: Scores = own * (BEHIND / top if top > 0 else 0)
    scores += _ranks(own, 1.0)
    scores += _ranks(goes_with, along)
    scores[since.bought] += np.float32(since.again / (DAMPING + 1))
    return scores


def _ranks(scores: Scores, weight: float) -> Scores:
    """``weight / (DAMPING + rank)`` for the best of ``scores`` above 0, else 0."""
    found = np.zeros_like(scores)
    depth = min(DEPTH, len(scores))
    best = np.argpartition(-scores, depth - 1)[:depth]
    best = best[np.lexsort((best, -scores[best]))]
    best = best[scores[best] > 0]
    found[best] = weight / (DAMPING + 1 + np.arange(len(best)))
    return found
