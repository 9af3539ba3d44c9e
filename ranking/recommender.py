"""``Recommender``: lists for users in each mode, never shorter than they could be.

A list is made of three layers: products the mode's scorer gives a positive score, then what is
popular lately, then products bought too rarely to be judged (fewer than ``min_lines`` lines).
Each place says which layer filled it. One request is one scoring and one selection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from loaders.errors import ConfigError
from ranking.arrays import load_arrays, save_arrays
from ranking.history import History
from ranking.lists import first_allowed, top_k
from ranking.saved import load_scorers, save_scorers
from ranking.scorer import MODES, Mode, SavedScorer, Scores

__all__ = ["SOURCES", "Lists", "Recommender"]

SOURCES: Final = ("personal", "popular", "rare")
"""What filled a place: the mode's scorer, recent popularity, or whatever else was allowed."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lists:
    """Lists for some users.

    Attributes:
        rows: product rows, int64 [n, k], best first, -1 where nothing is left.
        scores: float32 [n, k], the scorer's; 0 where it knows nothing.
        sources: int8 [n, k], index into ``SOURCES``; -1 where nothing is left.
    """

    rows: npt.NDArray[np.int64]
    scores: Scores
    sources: npt.NDArray[np.int8]

    def source(self, i: int) -> str:
        """The layer that filled most of list ``i``; "empty" for an empty list."""
        counts = np.bincount(self.sources[i][self.sources[i] >= 0], minlength=len(SOURCES))
        return SOURCES[int(counts.argmax())] if counts.any() else "empty"


@dataclass(frozen=True)
class Recommender:
    """One scorer a mode over a shop's products.

    Attributes:
        scorers: the scorer of each mode it serves.
        history: what users bought.
        popularity: recent popularity, float32 [n_products]; fills what scorers cannot.
        eligible: products bought often enough to be judged, bool [n_products].
    """

    scorers: Mapping[Mode, SavedScorer]
    history: History
    popularity: Scores
    eligible: Mask

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """All products, eligible first, then by recent popularity, all-time buyers and row."""
        row = np.arange(len(self.eligible))
        return np.lexsort((row, -self.history.buyers, -self.popularity, ~self.eligible))

    def recommend(
        self,
        user_rows: npt.NDArray[np.int64],
        k: int,
        mode: Mode = "all",
        allowed: Mask | None = None,
        exclude: Sequence[int] | npt.NDArray[np.int64] | None = None,
    ) -> Lists:
        """Lists of ``k`` products for each user.

        Args:
            user_rows: int64 [n]; -1 is a user nothing is known of.
            k: length of the lists; a list is shorter only where no more products are allowed.
            mode: anything, only what the user bought before, or only what they never did.
            allowed: products that may be listed, bool [n_products]; ``None`` for all.
            exclude: product rows that may not be.

        Raises:
            ConfigError: there is no scorer for ``mode``.
        """
        mask = self._mask(user_rows, mode, allowed, exclude)
        scores = self._scorer(mode).score(user_rows)
        # Whatever a scorer says of someone who never bought anything is nothing personal.
        scores[~self.history.known(user_rows)] = 0
        return self._lists(scores, mask, k)

    def recommend_basket(
        self,
        product_rows: npt.NDArray[np.int64],
        k: int,
        weights: npt.NDArray[np.float32] | None = None,
        allowed: Mask | None = None,
        exclude: Sequence[int] | npt.NDArray[np.int64] | None = None,
    ) -> Lists:
        """One list of ``k`` products that go with a basket or session, without what is in it.

        Args:
            product_rows: what is in it, int64 [n].
            k: length of the list.
            weights: how much each counts, float32 [n]; 1 each by default.
            allowed: products that may be listed, bool [n_products]; ``None`` for all.
            exclude: further product rows that may not be.

        Raises:
            ConfigError: there is no scorer for mode discover.
        """
        mask = self._mask(np.full(1, -1), "all", allowed, exclude)
        mask[:, product_rows] = False
        scores = self._scorer("discover").score_profile(product_rows, weights)
        return self._lists(scores[None], mask, k)

    def _scorer(self, mode: Mode) -> SavedScorer:
        if mode not in self.scorers:
            raise ConfigError(f"no scorer for mode '{mode}'; there is {sorted(self.scorers)}")
        return self.scorers[mode]

    def _mask(
        self,
        user_rows: npt.NDArray[np.int64],
        mode: Mode,
        allowed: Mask | None,
        exclude: Sequence[int] | npt.NDArray[np.int64] | None,
    ) -> Mask:
        """What each user's list may hold, bool [n, n_products]."""
        if mode == "all":
            mask = np.ones((len(user_rows), len(self.eligible)), np.bool_)
        else:
            bought = self.history.bought(user_rows)
            mask = bought if mode == "repeat" else ~bought
        if allowed is not None:
            mask &= allowed
        if exclude is not None and len(exclude):
            mask[:, np.asarray(exclude, np.int64)] = False
        return mask

    def _lists(self, scores: Scores, mask: Mask, k: int) -> Lists:
        rows, best = top_k(scores, mask & self.eligible & (scores > 0), k)
        sources = np.where(rows >= 0, 0, -1).astype(np.int8)
        best[rows < 0] = 0
        for i in np.flatnonzero(rows[:, -1] < 0) if k else ():
            filled = int((rows[i] >= 0).sum())
            mask[i, rows[i, :filled]] = False
            more = first_allowed(self.order, mask[i], k - filled)
            place = slice(filled, filled + len(more))
            rows[i, place] = more
            best[i, place] = scores[i, more]
            sources[i, place] = np.where(self.eligible[more], 1, 2)
        return Lists(rows, best, sources)

    def save(self, folder: Path) -> None:
        """Write everything to ``folder``.

        Raises:
            ConfigError: a scorer cannot be saved.
        """
        save_scorers(folder / "scorers", {str(mode): s for mode, s in self.scorers.items()})
        self.history.save(folder / "history")
        save_arrays(folder, {"popularity": self.popularity, "eligible": self.eligible})

    @staticmethod
    def load(folder: Path, *, mmap: bool = True) -> Recommender:
        """Read what ``save`` wrote, memory-mapped by default.

        Raises:
            SnapshotMissing: the folder holds none, or a file is damaged.
        """
        scorers = load_scorers(folder / "scorers", mmap=mmap)
        arrays = load_arrays(folder, ("popularity", "eligible"), mmap=mmap)
        return Recommender(
            {mode: scorers[mode] for mode in MODES if mode in scorers},
            History.load(folder / "history", mmap=mmap),
            arrays["popularity"],
            arrays["eligible"],
        )
