"""What is over-represented in a segment, with evidence that it is no accident.

Preferences are judged by customer, not by purchase line: one heavy buyer's thousand lines are one
customer's habit. A member's preference for an item is its share of what they spend; the segment's
share is the mean over members. Attributes are judged by counts of members.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from segments.config import SegmentsConfig
from segments.model import Trait

__all__ = ["Overuse", "attribute_overuse", "buyer_overuse", "preference_overuse", "top_traits"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Spend = sparse.csr_array[np.float64, tuple[int, int]]


@dataclass(frozen=True)
class Overuse:
    """Every item against every segment.

    Attributes:
        share: float64 [n_segments, n_items].
        shop_share: float64 [n_items].
        customers: members behind each, int64 [n_segments, n_items].
        p_value: one-sided, corrected over all cells of items with enough customers,
            float64 [n_segments, n_items].
        raw: the same before correction, NaN where not tested.
        shop_customers: customers behind each item, int64 [n_items].
        known: members counted, int64 [n_segments].
        shop_known: customers counted.
    """

    share: Floats
    shop_share: Floats
    customers: npt.NDArray[np.int64]
    p_value: Floats
    raw: Floats
    shop_customers: npt.NDArray[np.int64]
    known: npt.NDArray[np.int64]
    shop_known: int


def preference_overuse(
    spend: Spend,
    member: npt.NDArray[np.int32],
    segments: int,
    min_customers: int,
    total: Floats | None = None,
) -> Overuse:
    """Items on which members spend a larger share than other customers do.

    Welch's t-test, members against the rest, on the square root of each customer's share: the
    root tames the few who spend nearly all on one thing.

    Args:
        spend: what each user spent on each item, at least 0, float64 CSR [n_users, n_items].
        member: segment of each user or -1, int32 [n_users].
        segments: number of segments.
        min_customers: an item with fewer buyers in the shop is not tested.
        total: what shares are of, float64 [n_users], for items that overlap; their sum by default.
    """
    total = np.asarray(spend.sum(axis=1), np.float64) if total is None else total
    buyer = total > 0
    share = sparse.csr_array(sparse.diags_array(1 / np.where(buyer, total, 1)) @ spend)
    inside = _membership(np.where(buyer, member, -1), segments)
    root = share.sqrt()
    size, everyone = _sizes(inside), float(buyer.sum())
    sums, roots = (inside @ share).toarray(), (inside @ root).toarray()
    buyers = np.rint((inside @ (share > 0).astype(np.float64)).toarray()).astype(np.int64)
    rest = (share.sum(axis=0) - sums, root.sum(axis=0) - roots, everyone - size)
    p = _welch((sums, roots, size), rest)
    with_item = np.asarray((share > 0).sum(axis=0), np.int64)
    tested = with_item >= min_customers
    return Overuse(
        sums / np.maximum(size, 1),
        share.sum(axis=0) / max(everyone, 1),
        buyers,
        _corrected(p, tested),
        np.where(tested, p, np.nan),
        with_item,
        size[:, 0].astype(np.int64),
        int(everyone),
    )


def buyer_overuse(
    spend: Spend, member: npt.NDArray[np.int32], segments: int, min_customers: int
) -> Overuse:
    """Items that more of the members bought; one-sided Fisher exact tests.

    Args:
        spend: above 0 where a user bought an item, float64 CSR [n_users, n_items].
        member: segment of each user or -1, int32 [n_users].
        segments: number of segments.
        min_customers: an item that fewer customers bought is not tested.
    """
    bought = (spend > 0).astype(np.float64)
    buyer = np.diff(bought.indptr) > 0
    inside = _membership(np.where(buyer, member, -1), segments)
    both = np.rint((inside @ bought).toarray()).astype(np.int64)
    total = np.rint(bought.sum(axis=0)).astype(np.int64)
    return _counted(both, total, _sizes(inside), int(buyer.sum()), min_customers)


def attribute_overuse(
    values: pl.Series, member: npt.NDArray[np.int32], segments: int, min_customers: int
) -> tuple[list[str], Overuse]:
    """Values of an attribute that members have more often; one-sided Fisher exact tests.

    Args:
        values: text, null where unknown, one a user.
        member: segment of each user or -1, int32 [n_users].
        segments: number of segments.
        min_customers: a value that fewer customers have is not tested.

    Returns:
        The values, and each against each segment. Users without a value or a segment don't count.
    """
    counted = values.is_not_null().to_numpy() & (member >= 0)
    kinds = values.filter(pl.Series(counted)).unique().sort()
    hot = np.column_stack(
        [counted & (values == kind).fill_null(False).to_numpy() for kind in kinds]
        or [np.zeros(len(member), np.bool_)]
    )[:, : len(kinds)]
    inside = _membership(np.where(counted, member, -1), segments)
    both = np.rint(inside @ hot.astype(np.float64)).astype(np.int64)
    total, everyone = hot.sum(axis=0).astype(np.int64), int(counted.sum())
    return kinds.to_list(), _counted(both, total, _sizes(inside), everyone, min_customers)


def top_traits(
    overuse: Overuse,
    segment: int,
    kind: str,
    ids: list[str],
    names: list[str],
    config: SegmentsConfig,
    most: int | None = None,
) -> list[tuple[float, Trait]]:
    """The traits of one segment that hold, each with how much it tells, the most first.

    At most ``most``, by default ``config.traits``.

    A trait tells ``share * log(lift)``, its part of the divergence between the segment's mix and
    the shop's: neither the rare with a high lift nor the common with a low one leads.
    """
    share, shop = overuse.share[segment], overuse.shop_share
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = np.where(shop > 0, share / shop, 0)
        tells = np.where(lift > 0, share * np.log(lift), 0)
    holds = (
        (lift >= config.min_lift)
        & (overuse.customers[segment] >= config.min_customers)
        & (overuse.p_value[segment] <= config.max_false_discovery)
    )
    found = np.flatnonzero(holds)
    order = found[np.argsort(-tells[found], kind="stable")]
    return [
        (
            float(tells[i]),
            Trait(
                kind,
                ids[i],
                names[i],
                float(share[i]),
                float(shop[i]),
                float(lift[i]),
                int(overuse.customers[segment, i]),
                float(overuse.p_value[segment, i]),
            ),
        )
        for i in order[: config.traits if most is None else most].tolist()
    ]


def _counted(
    both: Counts, total: Counts, size: Floats, everyone: int, min_customers: int
) -> Overuse:
    """Members with an item [n_segments, n_items] against customers with it [n_items]."""
    from scipy import stats  # takes a server .3 s and is of builds alone

    tested = total >= min_customers
    p = np.ones(both.shape)
    if both.size:
        p[:, tested] = stats.hypergeom.sf(both[:, tested] - 1, everyone, total[tested], size)
    share, shop = both / np.maximum(size, 1), total / max(everyone, 1)
    raw = np.where(tested, p, np.nan)
    known = size[:, 0].astype(np.int64)
    return Overuse(share, shop, both, _corrected(p, tested), raw, total, known, everyone)


def _membership(member: npt.NDArray[np.int32], segments: int) -> Spend:
    """1 where a user is in a segment, float64 CSR [n_segments, n_users]."""
    users = np.flatnonzero(member >= 0)
    entries = (np.ones(len(users)), (member[users], users))
    return sparse.csr_array(sparse.coo_array(entries, shape=(segments, len(member))))


def _sizes(inside: Spend) -> Floats:
    """Members of each segment, float64 [n_segments, 1]."""
    return np.asarray(inside.sum(axis=1), np.float64)[:, None]


def _welch(
    inside: tuple[Floats, Floats, Floats], rest: tuple[Floats, Floats, float | Floats]
) -> Floats:
    """One-sided p-values of Welch's t from sums of squares, sums and sizes of two groups."""
    from scipy import stats  # takes a server .3 s and is of builds alone

    (mean, spread), (other, other_spread) = _moments(*inside), _moments(*rest)
    both = spread + other_spread
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (mean - other) / np.sqrt(both)
        freedom = both**2 / (
            spread**2 / np.maximum(inside[2] - 1, 1) + other_spread**2 / np.maximum(rest[2] - 1, 1)
        )
    return np.where(both > 0, stats.t.sf(t, np.where(both > 0, freedom, 1)), 1.0)


def _moments(squares: Floats, sums: Floats, size: Floats | float) -> tuple[Floats, Floats]:
    """Mean and squared standard error of the mean."""
    size = np.maximum(size, 1)
    mean = sums / size
    variance = np.maximum(squares / size - mean**2, 0) * size / np.maximum(size - 1, 1)
    return mean, variance / size


def _corrected(p: Floats, tested: npt.NDArray[np.bool_]) -> Floats:
    """Benjamini-Hochberg over all segments of the items ``tested`` [n_items]; 1 elsewhere.

    Which items are tested must not depend on the segments: picking cells with many members first
    would pick those over-represented by chance.
    """
    from scipy import stats  # takes a server .3 s and is of builds alone

    q = np.ones_like(p)
    if tested.any() and len(p):
        cells = np.clip(p[:, tested], 0, 1)
        q[:, tested] = stats.false_discovery_control(cells.ravel()).reshape(cells.shape)
    return q
