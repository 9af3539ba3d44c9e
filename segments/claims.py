"""Claims: what sets a segment apart, each with its size, its lift and its corrected p-value.

All tests of all segments and parts, of every kind, are one family: Benjamini and Hochberg
("Controlling the false discovery rate", 1995) correct them together, so that of all claims of a
build no larger share than ``max_false_discovery`` is expected to be chance. What does not pass,
or is too small to matter (``min_lift``), is not claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.shop import Shop
from segments.config import SegmentsConfig
from segments.facts import FACTS, Group, Unit
from segments.profile import Items, attribute_items, brand_items, category_items
from segments.significance import Against, amounts_against, shares_against

__all__ = ["Claim", "Claims", "Grouped", "find_claims"]

Members = npt.NDArray[np.int32]
Grouped = tuple[Sequence[str], Members]
"""Ids of segments, and the segment of each user or -1, int32 [n_users]."""

ORDER: Final = ("basics", "behaviour", "preference", "risk")


@dataclass(frozen=True)
class Claim:
    """One thing that holds of a segment and not so of the shop.

    Attributes:
        group: of the profile.
        about: a fact of ``segments.facts``, ``category:<level>``, ``brand``, or an attribute.
        id, label: the category, brand or value; both empty for a fact.
        value, shop_value: mean of the members and of all customers, in ``unit``; for attributes and
            yes-or-no facts the share of them; for categories and brands the mean share of spend.
        unit: of both.
        lift: ``value`` over ``shop_value``.
        customers, known: members of whom it holds, and who can be told of at all; the same for
            amounts.
        shop_customers, shop_known: the same of all customers.
        superiority: chance that a member's amount is above another customer's; ``None`` for shares.
        p_value: corrected over all claims looked at.
    """

    group: Group
    about: str
    id: str
    label: str
    value: float
    shop_value: float
    unit: Unit
    lift: float
    customers: int
    known: int
    shop_customers: int
    shop_known: int
    superiority: float | None
    p_value: float


@dataclass(frozen=True)
class Claims:
    """Claims by segment, the strongest of each group first, and how many were looked at."""

    tested: int
    false_discovery: float
    of: Mapping[str, tuple[Claim, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Plain keys and values, ready for JSON."""
        return {
            "tested": self.tested,
            "false_discovery": self.false_discovery,
            "of": {id_: [asdict(c) for c in found] for id_, found in self.of.items()},
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Claims:
        """What ``to_dict`` gave, read back."""
        of = {id_: tuple(Claim(**c) for c in found) for id_, found in data["of"].items()}
        return Claims(data["tested"], data["false_discovery"], of)


def find_claims(
    shop: Shop, facts: pl.DataFrame, levels: Sequence[Grouped], config: SegmentsConfig
) -> Claims:
    """Test everything on every segment of every level, correct, and keep what holds.

    Args:
        shop: registered customers count.
        facts: as ``segments.facts.customer_facts`` gives them.
        levels: segments, and parts of them.
        config: ``min_customers``, ``min_lift``, ``max_false_discovery``, and ``traits``, the most
            claims shown of each subject.
    """
    ids = [id_ for level, _ in levels for id_ in level]
    tested = [
        (id_, claim)
        for level, member in levels
        for id_, claim in _tested(shop, facts, level, member, config)
    ]
    corrected = _corrected(tested)
    of = {id_: _kept([c for at, c in corrected if at == id_], config) for id_ in ids}
    return Claims(len(tested), config.max_false_discovery, of)


def _tested(
    shop: Shop, facts: pl.DataFrame, ids: Sequence[str], member: Members, config: SegmentsConfig
) -> Iterator[tuple[str, Claim]]:
    """All that was tested, with p-values not corrected yet."""
    if not len(ids):
        return
    bought = shop.graph.purchases()
    bought = bought.where(bought.registered[bought.user_rows])
    about = (shop, bought, member, len(ids), config)
    for items in attribute_items(shop.users, member, len(ids), config):
        yield from _of_items("basics", ids, items)
    for find in (category_items, brand_items):
        for items in find(*about):
            yield from _of_items("preference", ids, items)
    # Visitors without an account are in no segment, and no customers to compare with.
    told = shop.graph.registered
    for name, fact in FACTS.items():
        values = facts[name].fill_null(np.nan).to_numpy()[told]
        test = shares_against if fact.yes else amounts_against
        found = test(values, member[told], len(ids), config.min_customers)
        yield from _of_fact(name, ids, found, values)


def _of_items(group: Group, ids: Sequence[str], items: Items) -> Iterator[tuple[str, Claim]]:
    use = items.overuse
    for segment, item in np.argwhere(np.isfinite(use.raw)).tolist():
        value, usual = float(use.share[segment, item]), float(use.shop_share[item])
        yield (
            ids[segment],
            Claim(
                group=group,
                about=items.kind,
                id=items.ids[item],
                label=items.names[item],
                value=value,
                shop_value=usual,
                unit="share",
                lift=value / usual if usual > 0 else 0.0,
                customers=int(use.customers[segment, item]),
                known=int(use.known[segment]),
                shop_customers=int(use.shop_customers[item]),
                shop_known=use.shop_known,
                superiority=None,
                p_value=float(use.raw[segment, item]),
            ),
        )


def _of_fact(
    name: str, ids: Sequence[str], found: Against, values: npt.NDArray[np.float64]
) -> Iterator[tuple[str, Claim]]:
    fact = FACTS[name]
    yes = int((values > 0).sum()) if fact.yes else found.shop_known
    for segment in np.flatnonzero(np.isfinite(found.p_value)).tolist():
        value, known = float(found.mean[segment]), int(found.known[segment])
        above = float(found.superiority[segment])
        yield (
            ids[segment],
            Claim(
                group=fact.group,
                about=name,
                id="",
                label="",
                value=value,
                shop_value=found.shop_mean,
                unit=fact.unit,
                lift=value / found.shop_mean if found.shop_mean > 0 else 1.0,
                customers=round(value * known) if fact.yes else known,
                known=known,
                shop_customers=yes,
                shop_known=found.shop_known,
                superiority=None if fact.yes else above,
                p_value=float(found.p_value[segment]),
            ),
        )


def _corrected(tested: list[tuple[str, Claim]]) -> list[tuple[str, Claim]]:
    from scipy import stats  # takes a server .3 s and is of builds alone

    if not tested:
        return []
    raw = np.clip([claim.p_value for _, claim in tested], 0, 1)
    q = stats.false_discovery_control(raw)
    return [
        (id_, replace(claim, p_value=float(p))) for (id_, claim), p in zip(tested, q, strict=True)
    ]


def _kept(found: list[Claim], config: SegmentsConfig) -> tuple[Claim, ...]:
    """What may be claimed, by group, the strongest first; at most ``traits`` of each subject."""
    held = [claim for claim in found if _holds(claim, config)]
    held.sort(key=lambda c: (ORDER.index(c.group), c.about if c.id else "", -_tells(c), c.id))
    kept: list[Claim] = []
    for claim in held:
        if sum(c.about == claim.about for c in kept) < config.traits:
            kept.append(claim)
    return tuple(kept)


def _holds(claim: Claim, config: SegmentsConfig) -> bool:
    if claim.p_value > config.max_false_discovery or claim.known < config.min_customers:
        return False
    if claim.id and claim.customers < config.min_customers:
        return False
    if claim.superiority is not None and not _agrees(claim):
        return False
    # Preferences are tested for more alone; the others are told of either way.
    least = 1 / config.min_lift if claim.group != "preference" or not claim.id else 0.0
    return claim.lift >= config.min_lift or claim.lift <= least


def _agrees(claim: Claim) -> bool:
    """Whether ranks and means point the same way; where they don't, nothing simple can be said."""
    above = claim.superiority or 0.0
    return (above - 0.5) * (claim.value - claim.shop_value) > 0


def _tells(claim: Claim) -> float:
    """How much a claim tells: the members' part of the divergence for shares of things."""
    weight = claim.value if claim.id else 1.0
    return weight * abs(float(np.log(max(claim.lift, 1e-9))))
