"""Lists for visitors: tuned and measured on customers that nothing was learned from.

Some customers are left out of training altogether. Of each, the latest three products before the
cut are shown (among those bought at one moment, some at random) to what will serve visitors, and
its list is held against all they bought in the window after the cut. Dials are set on the
validation window and reported on the test window, whose strangers are drawn anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from evaluation.bootstrap import bootstrap_mean, paired_difference
from evaluation.metrics import hits_of, ndcg
from graph.interactions import FloatMatrix, InteractionGraph
from graph.shop import Shop
from loaders.errors import DataError
from loaders.progress import Progress, silent
from pipeline.config import Config
from pipeline.evaluate import windows
from pipeline.methods import BASELINES, RECENT, Task
from ranking.history import build_history
from ranking.lifted import NAME, Lifted, fit_lifted
from ranking.matrices import bought_pairs, sparse_rows
from ranking.popularity import fit_popularity
from ranking.recommender import Recommender
from ranking.scorer import Bought, SavedScorer

__all__ = [
    "Dials",
    "Strangers",
    "Visitors",
    "default_dials",
    "fit_visitors",
    "measure_visitors",
    "strangers",
]

FOLDS: Final = 5
SHOWN: Final = 3
POPULAR: Final = "popularity"
AGAIN: Final[Mapping[str, Bought]] = {"all": "include", "discover": "exclude"}
"""What becomes of the products shown in each way of asking."""
READINGS: Final[Mapping[str, bool]] = {"three products": False, "three orders": True}
"""What is shown of a customer, and whether that is orders."""
SHRINKS: Final = (50.0, 400.0)
STRENGTHS: Final = (0.0, 0.5, 0.8, 1.2)
BOOSTS: Final = (0.7, 1.0, 1.5, 2.5)

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Dials:
    """Settings of what serves visitors, as ``fit_lifted`` takes them."""

    shrink: float
    strength: float
    boost: float


@dataclass(frozen=True)
class Visitors:
    """The dials chosen, and the table of the test window."""

    dials: Dials
    table: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """As plain keys."""
        return asdict(self)


def default_dials() -> Dials:
    """What is served where a shop is too young to be measured."""
    return Dials(50.0, 0.8, 1.0)


def fit_visitors(graph: InteractionGraph, config: Config, dials: Dials) -> Lifted:
    """What serves visitors, from events of eligible products."""
    return fit_lifted(graph, window_days=config.ranking.recent_days, **asdict(dials))


@dataclass(frozen=True)
class Strangers:
    """Customers left out, what is shown of them, and what they bought afterwards.

    Attributes:
        known: events of all others before the cut, on products that are eligible among these.
        shown: product rows shown of each stranger, int64 each.
        relevant: eligible products each bought in the window, CSR [n_strangers, n_products].
        recent_days: what counts as lately.
    """

    known: InteractionGraph
    shown: Sequence[Rows]
    relevant: FloatMatrix
    recent_days: float

    def __len__(self) -> int:
        return len(self.shown)

    def lists(self, scorer: SavedScorer, k: int, bought: Bought) -> Rows:
        """Lists of ``k`` by the function that serves visitors, int64 [n_strangers, k]."""
        served = replace(self._bare, scorers={"discover": scorer})
        return np.concatenate(
            [served.recommend_basket(rows, k, bought=bought).rows for rows in self.shown]
        )

    @cached_property
    def _bare(self) -> Recommender:
        """What serves, without a scorer."""
        recent = fit_popularity(self.known, window_days=self.recent_days).buyers
        every = np.ones(self.known.shape[1], np.bool_)
        return Recommender({}, build_history(self.known), recent, every)

    @cached_property
    def _unseen(self) -> FloatMatrix:
        """What is relevant and was not shown."""
        ends = np.concatenate([[0], np.cumsum([len(rows) for rows in self.shown])])
        columns = np.concatenate(self.shown)
        parts = (np.ones(len(columns), np.float32), columns, ends)
        seen = sparse.csr_array(parts, shape=self.relevant.shape)
        left = (self.relevant - self.relevant.multiply(seen)).tocsr()
        left.eliminate_zeros()
        return left

    def gains(self, lists: Rows, bought: Bought) -> Values:
        """NDCG of each stranger's list, float64 [n]; NaN where there was nothing to find."""
        wanted = self._unseen if bought == "exclude" else self.relevant
        found = np.full(len(self), np.nan)
        some = np.flatnonzero(np.diff(wanted.indptr))
        found[some] = ndcg(hits_of(lists[some], sparse_rows(wanted, some)))
        return found


def strangers(
    graph: InteractionGraph,
    cut: float,
    days: float,
    config: Config,
    *,
    fold: int = 0,
    orders: bool = False,
) -> Strangers:
    """Leave out one customer in ``FOLDS``, and show the latest three products of each.

    Args:
        graph: all events; those after the window are not looked at.
        cut: when the window starts, in days since 1970-01-01 UTC.
        days: its length.
        config: all settings.
        fold: which of the customers, 0 to ``FOLDS`` - 1.
        orders: show all products of the latest three orders instead.

    Raises:
        DataError: nobody left out bought three products before and anything after the cut.
    """
    bought = graph.purchases().before(cut + days)
    rng = np.random.default_rng(config.seed)
    out = (rng.permutation(bought.shape[0]) % FOLDS == fold) & bought.registered
    learned = bought.where(~out[bought.user_rows]).before(cut)
    lines = np.bincount(learned.product_rows, minlength=bought.shape[1])
    kept = bought.of_products(lines >= config.ranking.min_lines)
    apart = kept.where(out[kept.user_rows])
    known = kept.where(~out[kept.user_rows]).before(cut)
    past, later = apart.before(cut), apart.since(cut)
    shown = _latest_orders(past) if orders else _latest_products(past, rng)
    found = bought_pairs(later)
    users = np.array([u for u in sorted(shown) if found.indptr[u + 1] > found.indptr[u]], np.int64)
    if not len(users):
        raise DataError("no customer bought three products before the cut and anything after it")
    return Strangers(
        known, [shown[int(u)] for u in users], sparse_rows(found, users), config.ranking.recent_days
    )


def _latest_products(past: InteractionGraph, rng: np.random.Generator) -> dict[int, Rows]:
    """The three different products each user bought last, of users with that many."""
    return _grouped(past, rng.permutation(len(past)), pl.col("product"), SHOWN)


def _latest_orders(past: InteractionGraph) -> dict[int, Rows]:
    """All products of the three orders each user placed last, of users with that many."""
    order = pl.when(pl.col("order") >= 0).then("order").otherwise(-1 - pl.col("day").floor())
    return _grouped(past, np.arange(len(past)), order, SHOWN)


def _grouped(
    past: InteractionGraph, tie: npt.NDArray[np.int64], what: pl.Expr, n: int
) -> dict[int, Rows]:
    """Products of the ``n`` latest different values of ``what`` by user; equals by ``tie``."""
    frame = pl.DataFrame(
        {
            "user": past.user_rows.astype(np.int64),
            "product": past.product_rows.astype(np.int64),
            "order": past.orders.astype(np.int64),
            "day": past.days,
            "tie": tie,
        }
    ).with_columns(what=what.cast(pl.Int64))
    latest = (
        frame.sort("day", "tie", descending=[True, False])
        .unique(["user", "what"], keep="first", maintain_order=True)
        .group_by("user", maintain_order=True)
        .agg(pl.col("what").head(n))
        .filter(pl.col("what").list.len() == n)
        .explode("what")
    )
    lines = latest.join(frame, on=["user", "what"]).unique(["user", "product"]).sort("product")
    return {int(user[0]): rows["product"].to_numpy() for user, rows in lines.group_by("user")}


def measure_visitors(
    shop: Shop,
    config: Config,
    progress: Progress = silent,
    *,
    folds: int = 1,
    methods: Sequence[str] = (POPULAR, RECENT),
) -> Visitors:
    """Set the dials on the validation window, report on the test window.

    Args:
        shop: the shop; events after the test window are never looked at.
        config: all settings.
        progress: told each stage.
        folds: how many of the five parts of all customers are left out, one after the other.
        methods: baselines of ``pipeline.methods`` in the table, popularity among them.

    Raises:
        DataError: the shop is too young, or there are too few customers.
    """
    span, k = windows(shop.graph.purchases(), config), config.evaluation.k
    progress("visitors: choose on validation", 0, folds + 1)
    dials = _tuned(strangers(shop.graph, span.cut - span.days, span.days, config), config)
    found: dict[tuple[str, str, str], list[Values]] = {}
    for fold in range(folds):
        progress("visitors: measure", fold + 1, folds + 1)
        scorers: dict[str, SavedScorer] = {}
        for seen, orders in READINGS.items():
            tested = strangers(shop.graph, span.cut, span.days, config, fold=fold, orders=orders)
            # What is shown does not change what is learned from.
            scorers = scorers or _fitted(tested.known, config, methods, dials)
            for name, scorer in scorers.items():
                for mode, bought in AGAIN.items():
                    gains = tested.gains(tested.lists(scorer, k, bought), bought)
                    found.setdefault((seen, mode, name), []).append(gains)
    progress("visitors: done", folds + 1, folds + 1)
    table = {key: np.concatenate(parts) for key, parts in found.items()}
    return Visitors(dials, _rows(table, config))


def _fitted(
    known: InteractionGraph, config: Config, methods: Sequence[str], dials: Dials
) -> dict[str, SavedScorer]:
    """Baselines, and what will serve visitors."""
    fitted = {name: BASELINES[name](Task(known, config)) for name in methods}
    return fitted | {NAME: fit_visitors(known, config, dials)}


def _tuned(known: Strangers, config: Config) -> Dials:
    """Strength where what was shown may not be listed, then the boost where it may be."""
    k = config.evaluation.k

    def quality(scorer: Lifted, bought: Bought) -> float:
        return float(np.nanmean(known.gains(known.lists(scorer, k, bought), bought)))

    fitted = {s: fit_visitors(known.known, config, Dials(s, 1.0, 1.0)) for s in SHRINKS}
    tried = {
        (shrink, strength): quality(fitted[shrink].dialled(strength, 1.0), "exclude")
        for shrink in SHRINKS
        for strength in STRENGTHS
    }
    shrink, strength = max(tried, key=lambda pair: tried[pair])
    boosts = {
        boost: quality(fitted[shrink].dialled(strength, boost), "include") for boost in BOOSTS
    }
    return Dials(shrink, strength, max(boosts, key=lambda boost: boosts[boost]))


def _rows(table: Mapping[tuple[str, str, str], Values], config: Config) -> list[dict[str, Any]]:
    """One row a way of asking and method: NDCG, and its gain over popularity, with intervals."""
    samples, seed, rows = config.evaluation.bootstrap, config.seed, []
    for (seen, mode, name), gains in table.items():
        some = ~np.isnan(gains)
        popular = table[seen, mode, POPULAR][some]
        ahead = paired_difference(gains[some], popular, samples=samples, seed=seed)
        rows.append(
            {
                "shown": seen,
                "mode": mode,
                "method": name,
                "customers": int(some.sum()),
                "ndcg": asdict(bootstrap_mean(gains[some], samples=samples, seed=seed)),
                "ahead": asdict(ahead),
                "times": float(gains[some].mean() / popular.mean()),
            }
        )
    return rows
