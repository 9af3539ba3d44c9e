"""``Lifted``: recent popularity, lifted by the little that is known of somebody.

Of someone seen with three products most of what they will buy is what everybody buys. A product's
score is its share among recent customers, times how much more often it is bought by those who
also bought what was seen:

    score(j) = share(j) * product over the products i seen of lift(i, j) ** strength

which is naive Bayes with a damped exponent (Hand and Yu, "Idiot's Bayes: not so stupid after
all?", 2001). A product seen scores the chance that it is bought again, not its share: that alone
is most of what there is to know of a visitor to a grocer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import FloatMatrix, InteractionGraph
from ranking.matrices import (
    bought_pairs,
    largest_per_row,
    pack,
    profile_row,
    sparse_rows,
    unpack,
)
from ranking.scorer import Arrays, SavedScorer, Scores

__all__ = ["NAME", "Lifted", "fit_lifted"]

NAME = "lifted popularity"
SCORED = 1000
"""Products most bought lately that are lifted; the others keep their share."""
KEPT = 100
"""Lifts kept of each product seen: those that change shares most."""
FULL = 3.0
"""Products seen that count in full; more share that weight, as each says less that is new."""
LARGEST = 8.0
BLOCK = 1024
DOUBT = 10.0
"""Customers whose rebuying a product's own is averaged with."""


@dataclass(frozen=True)
class Lifted:
    """Scores in chances, comparable between products seen and not seen.

    Attributes:
        name: what it is called.
        profiles: who bought what, 1 for each pair, CSR float32 [n_users, n_products].
        share: of recent customers who bought each product, float32 [n_products].
        again: chance that a product seen is bought again, float32 [n_products].
        lifts: logarithms of lifts, from the product seen (row) to the one scored, CSR float32
            [n_products, n_products].
        dials: ``strength``, the exponent of lifts, and ``boost``, what chances of buying again are
            multiplied by, float32 [2].
    """

    name: str
    profiles: FloatMatrix
    share: Scores
    again: Scores
    lifts: FloatMatrix
    dials: Scores
    parts: Sequence[SavedScorer] = ()

    def dialled(self, strength: float, boost: float) -> Lifted:
        """The same with other dials."""
        return replace(self, dials=np.array([strength, boost], np.float32))

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        """Scores by what each user bought, float32 [len(user_rows), n_products]."""
        held = sparse_rows(self.profiles, user_rows)
        ends = zip(held.indptr[:-1], held.indptr[1:], strict=True)
        lines = [self.score_profile(held.indices[a:b].astype(np.int64)) for a, b in ends]
        return np.stack(lines) if lines else np.zeros((0, len(self.share)), np.float32)

    def score_profile(
        self, product_rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> Scores:
        """Scores after a basket or session, float32 [n_products]; 0 where nobody bought any of it.

        Weights count against the largest of them: a visitor who only looked is known no less.
        """
        matrix = self.lifts
        held = profile_row(product_rows, weights, len(self.share))
        known = (np.diff(matrix.indptr)[held.indices] > 0) & (held.data > 0)
        if not known.any():
            return np.zeros(len(self.share), np.float32)
        rows, amounts = held.indices[known], held.data[known] / held.data[known].max()
        spans = [slice(matrix.indptr[row], matrix.indptr[row + 1]) for row in rows]
        columns = np.concatenate([matrix.indices[span] for span in spans])
        parts = [matrix.data[s] * amount for s, amount in zip(spans, amounts, strict=True)]
        total = np.bincount(columns, np.concatenate(parts), minlength=len(self.share))
        strength, boost = (float(dial) for dial in self.dials)
        out = self.share * np.exp(strength / max(1.0, float(amounts.sum()) / FULL) * total)
        out[rows] = boost * self.again[rows]
        return np.asarray(out, np.float32)

    def arrays(self) -> Arrays:
        """Matrices in parts, and the rest as it is."""
        return {
            **pack("profiles", self.profiles),
            **pack("lifts", self.lifts),
            "share": self.share,
            "again": self.again,
            "dials": self.dials,
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays, parts: Sequence[SavedScorer]) -> Lifted:
        """Made of what ``arrays`` gave."""
        return cls(
            name,
            unpack("profiles", arrays),
            arrays["share"],
            arrays["again"],
            unpack("lifts", arrays),
            arrays["dials"],
        )


def fit_lifted(
    graph: InteractionGraph,
    *,
    window_days: float = 28.0,
    shrink: float = 50.0,
    strength: float = 0.8,
    boost: float = 1.0,
) -> Lifted:
    """Count who bought what, who bought it lately, and who bought it again.

    Args:
        graph: events; only purchases count.
        window_days: what is lately, and the time within which a product is bought again.
        shrink: customers whose lifts of 1 each product's own are averaged with.
        strength: exponent of lifts; 0 for recent popularity.
        boost: what chances of buying again are multiplied by.
    """
    bought = graph.purchases()
    pairs = bought_pairs(bought)
    buyers = _column_sums(pairs)
    customers = max(1, int(np.count_nonzero(np.diff(pairs.indptr))))
    lately = bought_pairs(bought.since(graph.last_day - window_days))
    recent = _column_sums(lately)
    # One customer who is like all customers of all times, so that old products keep an order.
    active = int(np.count_nonzero(np.diff(lately.indptr)))
    share = (recent + buyers / customers) / (active + 1)
    return Lifted(
        name=NAME,
        profiles=pairs,
        share=share.astype(np.float32),
        again=_again(bought, lately, share, graph.last_day - window_days, window_days),
        lifts=_lifts(pairs, buyers / customers, recent, shrink),
        dials=np.array([strength, boost], np.float32),
    )


def _column_sums(matrix: FloatMatrix) -> npt.NDArray[np.float64]:
    return np.asarray(matrix.sum(axis=0), np.float64).ravel()


def _again(
    bought: InteractionGraph,
    lately: FloatMatrix,
    share: npt.NDArray[np.float64],
    start: float,
    days: float,
) -> Scores:
    """Share of a product's buyers before ``start`` who bought it since, float32 [n_products].

    Among customers who bought anything since, as the shares are.
    """
    earlier = bought_pairs(bought.before(start).since(start - days))
    earlier = earlier[np.flatnonzero(np.diff(lately.indptr))]
    later = lately[np.flatnonzero(np.diff(lately.indptr))]
    both, before = _column_sums(earlier.multiply(later).tocsr()), _column_sums(earlier)
    usual = both.sum() / before.sum() if before.any() else 0.0
    chance = (both + DOUBT * np.maximum(usual, share)) / (before + DOUBT)
    return np.asarray(chance, np.float32)


def _lifts(
    pairs: FloatMatrix,
    share: npt.NDArray[np.float64],
    recent: npt.NDArray[np.float64],
    shrink: float,
) -> FloatMatrix:
    """Logarithms of lifts to the products most bought lately, CSR [n_products, n_products].

    The lift from i to j is P(j | i) / P(j) over customers, averaged with ``shrink`` customers
    among whom it is 1.
    """
    scored = np.sort(np.argsort(-recent, kind="stable")[:SCORED])
    by_product, chosen = pairs.T.tocsr(), pairs[:, scored].tocsr()
    buyers = np.diff(by_product.indptr)
    blocks = []
    for start in range(0, pairs.shape[1], BLOCK):
        both = (by_product[start : start + BLOCK] @ chosen).tocoo()
        row, column = both.coords
        other = row + start != scored[column]
        row, column, data = row[other], scored[column[other]], both.data[other]
        expected = share[column]
        lift = (data + shrink * expected) / ((buyers[row + start] + shrink) * expected)
        # What a lift changes is what it is kept for: the share gained or lost by it.
        gained = expected * (np.minimum(lift, LARGEST) - 1)
        block = (gained.astype(np.float32), (row, column))
        shape = (both.shape[0], pairs.shape[1])
        blocks.append(largest_per_row(sparse.csr_array(block, shape=shape), KEPT))
    kept = sparse.vstack(blocks, format="csr")
    kept.data = np.log1p(kept.data / share[kept.indices]).astype(np.float32)
    return kept
