"""Metrics of ranked lists: each a small formula over one shared hit matrix.

All are per user, so intervals can be drawn from the users. Definitions follow Jarvelin and
Kekalainen (TOIS 2002) for NDCG with binary gains, and Manning, Raghavan and Schutze,
"Introduction to Information Retrieval" (2008), chapter 8, for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.interactions import FloatMatrix

__all__ = [
    "METRICS",
    "Hits",
    "coverage",
    "diversity",
    "hits_of",
    "novelty",
    "per_user",
]

Values = npt.NDArray[np.float64]
Lists = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Hits:
    """Where the lists of some users hit.

    Attributes:
        hit: bool [n, k]; place j of list i holds something relevant.
        relevant: int64 [n], how much each user had to find; at least 1.
    """

    hit: npt.NDArray[np.bool_]
    relevant: npt.NDArray[np.int64]

    @property
    def k(self) -> int:
        """Length of the lists."""
        return int(self.hit.shape[1])

    def at(self, k: int) -> Hits:
        """The first ``k`` places; where lists are shorter, the rest are misses."""
        missing = max(0, k - self.k)
        return Hits(np.pad(self.hit[:, :k], ((0, 0), (0, missing))), self.relevant)


def hits_of(lists: Lists, relevant: FloatMatrix) -> Hits:
    """Look up each place of each list.

    Args:
        lists: product rows, int64 [n, k], -1 where a list has ended.
        relevant: CSR [n, n_products]; row i belongs to list i.
    """
    n, products = relevant.shape
    counts = np.diff(relevant.indptr).astype(np.int64)
    true = np.repeat(np.arange(n, dtype=np.int64), counts) * products + relevant.indices
    asked = np.arange(n, dtype=np.int64)[:, None] * products + lists
    return Hits(np.isin(asked, true) & (lists >= 0), counts)


def _found(hits: Hits) -> Values:
    return np.asarray(hits.hit.sum(axis=1), np.float64)


def precision(hits: Hits) -> Values:
    """Hits over k, also where the list is shorter."""
    return _found(hits) / hits.k


def recall(hits: Hits) -> Values:
    """Hits over min(k, relevant): 1 is within reach; the convention of the temporal protocol."""
    return _found(hits) / np.minimum(hits.k, hits.relevant)


def recall_of_all(hits: Hits) -> Values:
    """Hits over all that is relevant: the convention of the NGCF and LightGCN splits."""
    return _found(hits) / hits.relevant


def hit_rate(hits: Hits) -> Values:
    """1 where there is any hit."""
    return np.asarray(hits.hit.any(axis=1), np.float64)


def ndcg(hits: Hits) -> Values:
    """Discounted gain 1/log2(place + 1) over that of min(k, relevant) hits in front."""
    discount: Values = 1 / np.log2(np.arange(2, hits.k + 2))
    ideal = np.cumsum(discount)[np.minimum(hits.k, hits.relevant) - 1]
    return np.asarray(hits.hit @ discount / ideal, np.float64)


def mrr(hits: Hits) -> Values:
    """1 over the place of the first hit, 0 without one."""
    first = np.asarray(hits.hit.argmax(axis=1) + 1, np.float64)
    return np.asarray(hits.hit.any(axis=1) / first, np.float64)


def average_precision(hits: Hits) -> Values:
    """Precision at each hit, summed, over min(k, relevant); its mean over users is MAP."""
    places = np.arange(1, hits.k + 1)
    at_hit = hits.hit.cumsum(axis=1) / places * hits.hit
    return np.asarray(at_hit.sum(axis=1) / np.minimum(hits.k, hits.relevant), np.float64)


METRICS: Final[dict[str, Callable[[Hits], Values]]] = {
    "ndcg": ndcg,
    "recall": recall,
    "recall_of_all": recall_of_all,
    "precision": precision,
    "hit_rate": hit_rate,
    "mrr": mrr,
    "map": average_precision,
}
"""Every accuracy metric by the name it has in reports."""


def per_user(
    lists: Lists, relevant: FloatMatrix, ks: Sequence[int]
) -> dict[tuple[str, int], Values]:
    """Every metric at every k, float64 [n] each, by (metric, k).

    Args:
        lists: product rows, int64 [n, longest k or less], -1 where a list has ended.
        relevant: CSR [n, n_products]; row i belongs to list i and holds at least one.
        ks: lengths, each at least 1.
    """
    hits = hits_of(lists, relevant)
    cut = {k: hits.at(k) for k in ks}
    return {(name, k): metric(cut[k]) for name, metric in METRICS.items() for k in ks}


def coverage(lists: Lists, eligible: npt.NDArray[np.bool_]) -> float:
    """Share of the eligible products, bool [n_products], that stand in any list."""
    shown = np.zeros(len(eligible), np.bool_)
    shown[lists[lists >= 0]] = True
    return float((shown & eligible).sum() / max(1, eligible.sum()))


def diversity(lists: Lists, categories: npt.NDArray[np.integer]) -> Values:
    """Share of the pairs in each list whose categories differ, float64 [n].

    Intra-list diversity with a distance of 0 or 1 (Ziegler et al., WWW 2005). Lists of fewer than
    two products have 0; products without a category (-1) differ from every other.

    Args:
        lists: product rows, int64 [n, k], -1 where a list has ended.
        categories: category of each product, int [n_products].
    """
    there = lists >= 0
    category = np.where(there, categories[lists], -1)
    alike = (category[:, :, None] == category[:, None, :]) & (category >= 0)[:, :, None]
    length = there.sum(axis=1)
    pairs = length * (length - 1) / 2
    same = (alike.sum(axis=(1, 2)) - (category >= 0).sum(axis=1)) / 2
    return np.where(pairs > 0, 1 - same / np.maximum(pairs, 1), 0.0)


def novelty(lists: Lists, buyers: npt.NDArray[np.integer], n_users: int) -> Values:
    """Mean self-information of each list in bits, float64 [n]; 0 for an empty list.

    -log2 of the share of users who bought the product (Zhou et al., PNAS 2010); a product that
    nobody bought counts as bought by one.

    Args:
        lists: product rows, int64 [n, k], -1 where a list has ended.
        buyers: users who bought each product, int [n_products].
        n_users: users who bought anything.
    """
    information = -np.log2(np.maximum(buyers, 1) / max(1, n_users))
    there = lists >= 0
    total = np.where(there, information[lists], 0).sum(axis=1)
    return np.asarray(total / np.maximum(there.sum(axis=1), 1), np.float64)
