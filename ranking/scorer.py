"""``Scorer``: anything that gives every product a score for a user.

Baselines, item-item models, encoder vectors and blends all look alike from here on, so each can
be evaluated, blended, saved in a snapshot and served by the same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Arrays", "Mode", "Scorer", "Scores"]

Scores = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[Any]]

Mode = Literal["all", "repeat", "discover"]
"""What may be listed: anything, only what the user bought before, or only what they never did."""


class Scorer(Protocol):
    """Scores of all products for some users; higher is better, 0 means nothing is known."""

    name: str

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Scores, float32 [len(user_rows), n_products]."""
        ...
