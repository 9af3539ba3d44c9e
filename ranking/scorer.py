"""``Scorer``: anything that gives every product a score for a user.

Baselines, item-item models, encoder vectors and blends all look alike from here on, so each can
be evaluated, blended, saved in a snapshot and served by the same code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

__all__ = ["MODES", "Arrays", "Bought", "Mode", "SavedScorer", "Scorer", "Scores"]

Scores = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[Any]]

Mode = Literal["all", "repeat", "discover"]
"""What may be listed: anything, only what the user bought before, or only what they never did."""

Bought = Literal["include", "exclude", "only"]
"""Whether what a user bought before may be listed, may not be, or is all that may be."""

MODES: tuple[Mode, ...] = ("all", "repeat", "discover")


class Scorer(Protocol):
    """Scores of all products for some users; higher is better, 0 means nothing is known."""

    @property
    def name(self) -> str:
        """What tables and manifests call it."""
        ...

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Scores, float32 [len(user_rows), n_products]; a row of -1, an unknown user, gets 0."""
        ...


class SavedScorer(Scorer, Protocol):
    """A scorer that lives in a snapshot: it can be saved, and can score a basket or session."""

    @property
    def parts(self) -> Sequence[SavedScorer]:
        """The scorers it is made of; empty for most."""
        ...

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """Scores, float32 [n_products], for whoever holds ``product_rows`` int64 [n].

        ``weights`` float32 [n] says how much each counts; 1 each by default.
        """
        ...

    def arrays(self) -> Arrays:
        """What to save, without the parts."""
        ...

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Self:
        """The scorer that ``arrays`` and ``parts`` came from."""
        ...
