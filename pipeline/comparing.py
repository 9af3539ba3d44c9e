"""``compare_segments``: every way of grouping customers before a cut, on one table.

All get the same customers, vectors and number of groups; what they know of the future is measured
on the purchases after the cut, which none has seen.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score

from graph.interactions import from_day, to_day
from graph.shop import Shop
from loaders.errors import DataError
from loaders.progress import Progress, silent
from segments.config import SegmentsConfig
from segments.grouping import Customers, Fit, Grouping
from segments.judge import Quality, RatioInterval, quality, ratio, saved_bits
from segments.latent import latent_products
from segments.methods import DEFAULT, METHODS
from segments.mix import Counts, folded, mix_counts
from segments.neighbours import Vectors, unit, user_graph
from segments.profile import customer_table
from segments.stability import drawn
from segments.tastes import Tastes

__all__ = ["DAYS", "Compared", "Row", "compare_segments"]

DAYS = 30.0
"""Of a month."""


@dataclass(frozen=True)
class Row:
    """One way of grouping.

    Attributes:
        method: its name.
        quality: by the graph and by distance.
        stability: mean adjusted Rand with groupings of resampled events.
        seeds: mean adjusted Rand with groupings of the same events by other seeds.
        seconds: of grouping, once customers are described.
        bits: saved per purchase line after the cut.
        ahead: what the published way saves more, paired.
    """

    method: str
    quality: Quality
    stability: float
    seeds: float
    seconds: float
    bits: RatioInterval
    ahead: RatioInterval


@dataclass(frozen=True)
class Compared:
    """All ways at one cut, the published one first."""

    cut: datetime
    days: float
    customers: int
    lines: int
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain keys and values."""
        return asdict(self)


@dataclass(frozen=True)
class _Case:
    """Customers of one sample of the events, and which users they are."""

    customers: Customers
    users: npt.NDArray[np.int64]


def compare_segments(
    shop: Shop,
    config: SegmentsConfig,
    *,
    cut: datetime | None = None,
    days: float = DAYS,
    segments: int = 0,
    samples: int = 3,
    products: Vectors | None = None,
    methods: Iterable[str] = METHODS,
    more: Mapping[str, Fit] | None = None,
    progress: Progress = silent,
) -> Compared:
    """Group the customers before ``cut`` in every way, and tell their purchases of after it.

    Args:
        shop: events and attributes.
        config: settings; ``mix_dim`` must not be 0.
        cut: first moment that is told; by default ``days`` before the last purchase.
        days: how long.
        segments: how many groups; 0 for as many as the published way finds.
        samples: samples of the events for stability, and other seeds of the same events.
        products: an encoder's vectors of products, trained before the cut; by default a
            decomposition of who bought what.
        methods: names in ``METHODS``.
        more: further ways by name, such as one that needs a server.
        progress: told after each way.

    Raises:
        DataError: nothing was bought on one side of the cut.
    """
    bought = shop.graph.purchases()
    day = to_day(cut) if cut else bought.last_day - days
    past = shop.before(day)
    after = bought.since(day).before(day + days)
    if not len(past.graph.purchases()) or not len(after):
        raise DataError(f"expected purchases on both sides of {from_day(day):%Y-%m-%d}")
    known = latent_products(past.graph.purchases()) if products is None else products
    tastes = Tastes(past, np.zeros((len(shop.users), 1), np.float32), known, config)
    case = _case(tastes, None)
    rng = np.random.default_rng(config.seed)
    others = [_case(tastes, drawn(tastes.bought, rng)) for _ in range(samples)]
    future = mix_counts(after, tastes.items)[case.users]
    lines = np.asarray(future.sum(axis=1), np.float64)
    ways = {name: METHODS[name] for name in (DEFAULT, *methods)} | dict(more or {})
    rows: list[Row] = []
    first: npt.NDArray[np.float64] | None = None
    for done, (name, fit) in enumerate(ways.items()):
        start = time.perf_counter()
        found = fit(case.customers, segments, config.seed)
        seconds = time.perf_counter() - start
        segments = segments or int(found.labels.max()) + 1
        saved = saved_bits(case.customers.counts, future, found.labels)
        first = saved if first is None else first
        again = _stability(fit, found, case, others, segments, config.seed)
        same = _stability(fit, found, case, [case] * samples, segments, config.seed)
        figures = quality(case.customers, found)
        bits, ahead = ratio(saved, lines), ratio(first - saved, lines)
        rows.append(Row(name, figures, again, same, seconds, bits, ahead))
        progress("compare segments", done + 1, len(ways))
    return Compared(from_day(day), days, len(case.users), int(lines.sum()), tuple(rows))


def _case(tastes: Tastes, weights: npt.NDArray[np.float32] | None) -> _Case:
    """Customers described by the events as ``weights`` draw them."""
    counts = tastes.counts(weights)
    if counts is None:
        raise DataError("comparing needs mixes of categories; set segments.mix_dim above 0")
    vectors = tastes.described(counts, weights)
    usable = tastes.usable(vectors, weights) & (counts.sum(axis=1) > 0)
    bought = tastes.bought if weights is None else tastes.bought.where(weights > 0)
    table = customer_table(bought)
    behaviour = np.zeros((len(vectors), 3))
    columns = ("days_since", "orders", "spend")
    behaviour[table["user"].to_numpy()] = table.select(columns).fill_null(0).to_numpy()
    products = np.zeros((1, 1), np.float32) if tastes.products is None else tastes.products
    return _Case(
        Customers(
            graph=user_graph(vectors[usable], tastes.config.neighbours),
            counts=counts[usable],
            bought=_lines(tastes, weights)[usable],
            items=tastes.items,
            vectors=unit(vectors[usable]),
            learned=unit(folded(tastes.bought, products, weights)[usable]),
            behaviour=behaviour[usable],
            people=tastes.shop.users.filter(usable),
            config=tastes.config,
        ),
        np.flatnonzero(usable),
    )


def _lines(tastes: Tastes, weights: npt.NDArray[np.float32] | None) -> Counts:
    """Lines of each user in each product, as ``weights`` draw them."""
    lines: Counts = tastes.bought.matrix(weights).astype(np.float64)
    lines.eliminate_zeros()
    return lines


def _stability(
    fit: Fit, found: Grouping, case: _Case, others: list[_Case], segments: int, seed: int
) -> float:
    """Mean adjusted Rand of ``found`` with ``others``, each grouped by a seed of its own."""
    scores = []
    for place, other in enumerate(others, seed + 1):
        again = fit(other.customers, segments, place)
        _, here, there = np.intersect1d(case.users, other.users, return_indices=True)
        scores.append(adjusted_rand_score(found.labels[here], again.labels[there]))
    return float(np.mean(scores)) if scores else float("nan")
