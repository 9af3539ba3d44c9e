"""Size, value and overlap of an audience, told only as far as no small group can be read from them.

A figure is held back where it is of fewer than ``minimum`` customers. Where the audience differs
from one of its own conditions, from another saved audience or from the whole shop by fewer than
``minimum``, the difference of two figures would be of those few: then its size is told in steps of
``minimum``, and no money. Counts that add up to a total hide one more than is small, or the small
one could be worked out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from audiences.config import AudiencesConfig
from audiences.plan import Evaluator, Plan
from audiences.tables import Mask, Tables
from loaders.errors import AudienceTooSmall

__all__ = ["Estimate", "Overlap", "apart", "enough", "estimate"]


@dataclass(frozen=True)
class Overlap:
    """What an audience shares with a segment or another audience.

    Attributes:
        id, name: of the other.
        size: customers in both; ``None`` where too few, or where it would tell of too few.
        share: of the audience's members; ``None`` with it.
    """

    id: str
    name: str
    size: int | None
    share: float | None


@dataclass(frozen=True)
class Estimate:
    """What is told of an audience.

    Attributes:
        size: customers; ``None`` where fewer than ``minimum``.
        minimum: the fewest that are told of.
        coarse: whether the size is told in steps of ``minimum``.
        share: of all customers who may be in an audience.
        spend: of all members so far, in the shop's currency; ``None`` where held back.
        expected_value: of all members, where builds tell it.
        segments, audiences: overlaps, largest first.
    """

    size: int | None
    minimum: int
    coarse: bool
    share: float | None
    spend: float | None
    expected_value: float | None
    segments: tuple[Overlap, ...] = ()
    audiences: tuple[Overlap, ...] = ()


def estimate(
    evaluator: Evaluator, plan: Plan, config: AudiencesConfig, others: Mapping[str, Mask]
) -> Estimate:
    """What may be told of the audience.

    Args:
        evaluator: over the build's tables.
        plan: the audience.
        config: how much is held back.
        others: members of the other saved audiences by name, bool [n_users].
    """
    tables = evaluator.tables
    masks = evaluator.masks(plan)
    mask = masks[plan.root.key] & tables.open
    count = int(mask.sum())
    if count < config.minimum:
        return Estimate(None, config.minimum, False, None, None, None)
    parts = (masks[n.key] & tables.open for n in plan.root.walk() if n is not plan.root)
    coarse = config.differences and apart(
        mask, [tables.open, *parts, *others.values()], config.minimum
    )
    size = count // config.minimum * config.minimum if coarse else count
    open_ = max(1, int(tables.open.sum()))
    return Estimate(
        size,
        config.minimum,
        coarse,
        round(size / open_, 6),
        None if coarse else _money(tables.spend[mask]),
        None if coarse else _expected(tables, mask),
        () if coarse else _segments(tables, mask, config.minimum),
        () if coarse else _audiences(mask, others, config.minimum),
    )


def enough(size: int, config: AudiencesConfig) -> None:
    """Refuse to list or export too few customers.

    Raises:
        AudienceTooSmall: there are fewer than the settings ask for.
    """
    if size < config.minimum:
        raise AudienceTooSmall(
            [
                (
                    "where",
                    f"fewer than {config.minimum} customers are in it; widen it, so that nobody "
                    "can be told from it (setting audiences.minimum)",
                )
            ]
        )


def apart(mask: Mask, others: Iterable[Mask], minimum: int) -> bool:
    """Whether ``mask`` differs from one of ``others`` by some, but fewer than ``minimum``."""
    return any(0 < int(np.count_nonzero(mask != other)) < minimum for other in others)


def _money(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return round(float(values.sum()), 2)


def _expected(tables: Tables, mask: Mask) -> float | None:
    if "expected_value" not in tables.traits.columns:
        return None
    values = tables.traits["expected_value"].fill_null(0.0).fill_nan(0.0).to_numpy()
    return _money(values[mask].astype(np.float64))


def _segments(tables: Tables, mask: Mask, minimum: int) -> tuple[Overlap, ...]:
    found: list[Overlap] = []
    for group in tables.groupings:
        # The last count is of those in no segment.
        counts = np.bincount(group.member[mask] % (len(group.ids) + 1), minlength=len(group.ids))
        told = _hidden(counts, minimum)
        found += [
            _overlap(id_, name, told[i], int(mask.sum()))
            for i, (id_, name) in enumerate(zip(group.ids, group.names, strict=True))
        ]
    return _sorted(found)


def _audiences(mask: Mask, others: Mapping[str, Mask], minimum: int) -> tuple[Overlap, ...]:
    found, size = [], int(mask.sum())
    for name, other in others.items():
        shared = int((mask & other).sum())
        few = (0 < n < minimum for n in (shared, size - shared, int(other.sum()) - shared))
        found.append(_overlap(name, name, None if any(few) else shared, size))
    return _sorted(found)


def _hidden(counts: np.ndarray[tuple[int], np.dtype[np.int64]], minimum: int) -> list[int | None]:
    """Counts that add up to a known total, those of too few people hidden, never one alone."""
    small = (counts > 0) & (counts < minimum)
    if small.sum() == 1 and (counts >= minimum).any():
        small[np.where(counts >= minimum, counts, counts.max() + 1).argmin()] = True
    return [None if hide else int(n) for n, hide in zip(counts, small, strict=True)]


def _overlap(id_: str, name: str, size: int | None, total: int) -> Overlap:
    return Overlap(id_, name, size, None if size is None else round(size / total, 4))


def _sorted(found: list[Overlap]) -> tuple[Overlap, ...]:
    return tuple(sorted(found, key=lambda o: (-(o.size or 0), o.id)))
