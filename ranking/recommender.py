"""``Recommender``: lists for users in each mode, never shorter than they could be.

A list is made of three layers: products the mode's scorer gives a positive score, then what is
popular lately, then products bought too rarely to be judged (fewer than ``min_lines`` lines).
Where a caller gives them places, products nobody bought yet compete with the first layer. Each
place says what filled it. One request is one scoring and one selection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from loaders.errors import ConfigError
from ranking.arrangement import Arrangement
from ranking.arrays import load_arrays, save_arrays
from ranking.barred import Barred, Exclude
from ranking.felt import Felt, felt
from ranking.history import History
from ranking.lists import first_allowed, top_k
from ranking.newcomers import Newcomers
from ranking.ranked import Ranked
from ranking.saved import load_scorers, save_scorers
from ranking.scorer import MODES, Bought, Mode, SavedScorer, Scores
from ranking.shape import Shape
from ranking.shortlist import shortlists

__all__ = ["BOUGHT", "SOURCES", "Lists", "Recommender"]

SOURCES: Final = ("personal", "popular", "rare", "new", "pinned")
"""What filled a place: the mode's scorer, recent popularity, whatever else was allowed, or, beside
the first, the likeness of a product nobody bought yet to what the scorer likes, or the shop."""
LAYERS: Final = np.array([0, 1, 2, 0, 0])
"""The layer of each source."""
BOUGHT: Final[Mapping[Mode, Bought]] = {"all": "include", "repeat": "only", "discover": "exclude"}
"""What each mode does with products bought before."""

POOL: Final = 3
"""What the shop wants is arranged among this many times the products asked for, or more."""
_EMPTY: Final = ((-1, np.int64), (0, np.float32), (-1, np.int8))
_NONE: Final = np.empty(0, np.int64)

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
        newcomers: products nobody bought yet; ``None`` lists them last of all.
    """

    scorers: Mapping[Mode, SavedScorer]
    history: History
    popularity: Scores
    eligible: Mask
    newcomers: Newcomers | None = None

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """All products, as ``ordered`` has them."""
        return self.ordered(np.arange(len(self.eligible)))

    def ordered(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """``rows``, eligible first, then by recent popularity, all-time buyers and row."""
        buyers, popular = self.history.buyers[rows], self.popularity[rows]
        return rows[np.lexsort((rows, -buyers, -popular, ~self.eligible[rows]))]

    def recommend(
        self,
        user_rows: npt.NDArray[np.int64],
        k: int,
        mode: Mode = "all",
        allowed: Mask | None = None,
        exclude: Exclude = None,
        *,
        bought: Bought | None = None,
        shape: Shape | None = None,
        new: int = 0,
        since: Felt | None = None,
        arrangement: Arrangement | None = None,
    ) -> Lists:
        """Lists of ``k`` products for each user.

        Args:
            user_rows: int64 [n]; -1 is a user nothing is known of.
            k: length of the lists; a list is shorter only where no more products are allowed.
            mode: anything, only what the user bought before, or only what they never did.
            allowed: products that may be listed, bool [n_products]; ``None`` for all.
            exclude: product rows that may not be.
            bought: whether products bought before are allowed, barred or required; as the mode
                has it by default.
            shape: what the list is composed by beside its scores.
            new: most places for products nobody bought yet.
            since: what these users did since the scorers learned.
            arrangement: what the shop itself wants of the lists.

        Raises:
            ConfigError: there is no scorer for ``mode``.
        """
        scorer, just = self._scorer(mode), since.bought if since else None
        barred = Barred(self.history, bought or BOUGHT[mode], allowed, exclude, just)
        if isinstance(scorer, Ranked) and shape is None and since is None and not new:
            buyers = user_rows[self.history.known(user_rows)]
            short = shortlists(scorer, buyers, k, barred, self.eligible, self.ordered, arrangement)
            if short is not None and len(buyers) == len(user_rows):
                return Lists(*short)
        mask = barred.passed(user_rows)
        scores = scorer.score(user_rows)
        # Whatever a scorer says of someone who never bought anything is nothing personal.
        scores[~self.history.known(user_rows)] = 0
        if since is not None:
            along = self._scorer("discover").score_profile(since.rows, since.weights)
            known = [len(self.history.of(int(row)).products) for row in user_rows]
            scores = np.stack(
                [felt(own, along, since, n) for own, n in zip(scores, known, strict=True)]
            )
        return self._lists(scores, mask, k, shape, new, arrangement)

    def recommend_basket(
        self,
        product_rows: npt.NDArray[np.int64],
        k: int,
        weights: npt.NDArray[np.float32] | None = None,
        allowed: Mask | None = None,
        exclude: Exclude = None,
        *,
        bought: Bought = "exclude",
        shape: Shape | None = None,
        new: int = 0,
        arrangement: Arrangement | None = None,
    ) -> Lists:
        """One list of ``k`` products that go with a basket or session.

        Args:
            product_rows: what is in it, int64 [n].
            k: length of the list.
            weights: how much each counts, float32 [n]; 1 each by default.
            allowed: products that may be listed, bool [n_products]; ``None`` for all.
            exclude: product rows that may not be.
            bought: whether what is in it is barred, as by default, allowed or required.
            shape: what the list is composed by beside its scores.
            new: most places for products nobody bought yet.
            arrangement: what the shop itself wants of the list.

        Raises:
            ConfigError: there is no scorer for mode discover.
        """
        mask = Barred(self.history, "include", allowed, exclude).passed(np.full(1, -1))
        if bought != "include":
            held = np.isin(np.arange(mask.shape[1]), product_rows)
            mask &= held if bought == "only" else ~held
        scores = self._scorer("discover").score_profile(product_rows, weights)
        return self._lists(scores[None], mask, k, shape, new, arrangement)

    def recommend_scored(
        self,
        scores: Scores,
        k: int,
        bought: Bought = "include",
        allowed: Mask | None = None,
        exclude: Exclude = None,
        *,
        shape: Shape | None = None,
        arrangement: Arrangement | None = None,
    ) -> Lists:
        """One list of ``k`` products for someone who bought nothing, by ``scores`` [n_products].

        Args:
            scores: float32 [n_products]; zeros list what is popular lately.
            k: length of the list.
            bought: whether products bought before are allowed, barred or required.
            allowed: products that may be listed, bool [n_products]; ``None`` for all.
            exclude: product rows that may not be.
            shape: what the list is composed by beside its scores.
            arrangement: what the shop itself wants of the list.
        """
        mask = Barred(self.history, bought, allowed, exclude).passed(np.full(1, -1))
        return self._lists(scores[None], mask, k, shape, arrangement=arrangement)

    def _scorer(self, mode: Mode) -> SavedScorer:
        if mode not in self.scorers:
            raise ConfigError(f"no scorer for mode '{mode}'; there is {sorted(self.scorers)}")
        return self.scorers[mode]

    def _lists(
        self,
        scores: Scores,
        mask: Mask,
        k: int,
        shape: Shape | None = None,
        new: int = 0,
        arrangement: Arrangement | None = None,
    ) -> Lists:
        if arrangement is not None:
            mask = mask if arrangement.allowed is None else mask & arrangement.allowed
            scores = scores if arrangement.factor is None else scores * arrangement.factor
        first = mask & self.eligible & (scores > 0)
        if new and self.newcomers:
            _admit(self.newcomers, scores, mask, first, new)
        if arrangement is not None and arrangement.rearranges and k:
            return self._arranged(scores, first, mask, k, shape, arrangement)
        if shape is None or not k:
            return self._layered(scores, first, mask, k)
        return self._shaped(scores, first, mask, k, shape)

    def _shaped(self, scores: Scores, first: Mask, mask: Mask, k: int, shape: Shape) -> Lists:
        width = min(shape.pool(k), mask.shape[1])
        while True:
            pool = self._layered(scores, first, mask.copy(), width)
            lists, whole = _composed(pool, shape, k)
            # A limit of groups may have left too few of these; there may be others further on.
            if whole or width == mask.shape[1]:
                return lists
            width = min(4 * width, mask.shape[1])

    def _arranged(
        self,
        scores: Scores,
        first: Mask,
        mask: Mask,
        k: int,
        shape: Shape | None,
        arrangement: Arrangement,
    ) -> Lists:
        """Lists whose places the shop has a say in, user by user."""
        least = [
            self._best_of(s.members, scores, first, mask, s.count) for s in arrangement.at_least
        ]
        lists = Lists(*(np.full((len(scores), k), v, t) for v, t in _EMPTY))
        for i, line in enumerate(mask):
            extra = np.concatenate([rows[i][rows[i] >= 0] for rows in least] or [_NONE])
            pins = arrangement.pinned(line[arrangement.pin_rows])
            width = min(POOL * k, mask.shape[1])
            while True:
                part = slice(i, i + 1)
                pool = self._pool(scores[part], first[part], line[None], width, shape)
                chosen = arrangement.composed(pool, extra, pins, k)
                if len(chosen) == k or width == mask.shape[1]:
                    break
                width = min(4 * width, mask.shape[1])
            place = slice(0, len(chosen))
            lists.rows[i, place], lists.scores[i, place] = chosen, scores[i, chosen]
            told = np.where(
                first[i, chosen],
                np.where(self.eligible[chosen], 0, 3),
                np.where(self.eligible[chosen], 1, 2),
            )
            pinned = np.isin(chosen, [row for _, row in pins])
            lists.sources[i, place] = np.where(pinned, 4, told)
        return lists

    def _pool(
        self, scores: Scores, first: Mask, mask: Mask, width: int, shape: Shape | None
    ) -> npt.NDArray[np.int64]:
        """Candidates of one user, the most relevant first, int64 [n]."""
        if shape is None:
            rows = self._layered(scores, first, mask.copy(), width).rows[0]
        else:
            rows = self._shaped(scores, first, mask, width, shape).rows[0]
        return np.asarray(rows[rows >= 0])

    def _best_of(
        self, members: Mask, scores: Scores, first: Mask, mask: Mask, count: int
    ) -> npt.NDArray[np.int64]:
        """The best of a group for each user, int64 [n, count], -1 where nothing is left."""
        return self._layered(scores, first & members, mask & members, count).rows

    def _layered(self, scores: Scores, first: Mask, mask: Mask, k: int) -> Lists:
        """Lists layer by layer; ``mask`` is used up."""
        rows, best = top_k(scores, first, k)
        sources = np.where(rows >= 0, np.where(self.eligible[rows], 0, 3), -1).astype(np.int8)
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
        if self.newcomers is not None:
            self.newcomers.save(folder / "newcomers")

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
            Newcomers.load(place, mmap=mmap) if (place := folder / "newcomers").exists() else None,
        )


def _composed(pool: Lists, shape: Shape, k: int) -> tuple[Lists, bool]:
    """Lists of ``k`` composed of longer ones, and whether none could be longer yet."""
    n = len(pool.rows)
    out = Lists(
        np.full((n, k), -1, np.int64), np.zeros((n, k), np.float32), np.full((n, k), -1, np.int8)
    )
    whole = True
    for i in range(n):
        there = int((pool.rows[i] >= 0).sum())
        rows, scores, sources = (
            pool.rows[i, :there],
            pool.scores[i, :there],
            pool.sources[i, :there],
        )
        places = shape.arrange(rows, scores, LAYERS[sources], k)
        place = slice(0, len(places))
        out.rows[i, place], out.scores[i, place] = rows[places], scores[places]
        out.sources[i, place] = sources[places]
        whole &= len(places) == k or there < pool.rows.shape[1]
    return out, whole


def _admit(newcomers: Newcomers, scores: Scores, mask: Mask, first: Mask, most: int) -> None:
    """Let the ``most`` newcomers closest to a user's taste into the first layer, in place."""
    for line, allowed, open_ in zip(scores, mask, first, strict=True):
        own = newcomers.scores(line)
        chosen, best = top_k(own[None], allowed[newcomers.rows] & (own > 0), most)
        there = chosen[0] >= 0
        rows = newcomers.rows[chosen[0][there]]
        line[rows], open_[rows] = best[0][there], True
