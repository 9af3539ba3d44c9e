"""Merchandising at request time: the shop's rules, watched, and compiled over one snapshot.

``House`` knows the rules as they are now, in every process of a server within half a second.
``Rulebook`` turns those that concern a list into an ``Arrangement`` over the snapshot's rows, once
for each set of active rules and state of products; a request then looks one up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from api.catalogue import Catalogue
from api.filters import Filters
from api.models.base import trusted
from api.models.lists import MerchandisingMark
from api.models.options import ProductFilters
from loaders.errors import CoterieError
from pipeline.merchandising import MerchandisingDesk
from ranking.arrangement import Arrangement, Slots
from ranking.merchandising import Kind, MerchandisingRule, Mode, Saved

__all__ = ["Arranged", "House", "Rulebook", "no_rules"]

_log = logging.getLogger("coterie.api")
Mask = npt.NDArray[np.bool_]
Rules = Sequence[MerchandisingRule]

LOOK_SECONDS: Final = 0.5
KEPT: Final = 256
"""Arrangements kept: kinds, modes and segments in whatever combination rules tell apart."""


def no_rules() -> Rules:
    """Of a shop without any."""
    return ()


class House:
    """The rules of a shop as they are now; a call gives them, oldest first.

    Args:
        desk: where they are kept.
        clock: seconds that only grow.
    """

    def __init__(
        self, desk: MerchandisingDesk, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.desk, self._clock = desk, clock
        self._rules: Rules = ()
        self._stamp: tuple[int, int] | None = None
        self._looked, self._said = -np.inf, ""

    def __call__(self) -> Rules:
        """The rules; those of before where the file cannot be read, which the log says once."""
        now = self._clock()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self.follow()
        return self._rules

    def follow(self) -> None:
        """Look now."""
        stamp = self.desk.stamp()
        if stamp == self._stamp:
            return
        try:
            found: Mapping[str, Saved] = self.desk.all()
        except CoterieError as error:
            if str(error) != self._said:
                self._said = str(error)
                _log.warning("%s", error)
            return
        self._rules, self._stamp, self._said = tuple(s.rule for s in found.values()), stamp, ""


@dataclass(frozen=True)
class Arranged:
    """What rules make of a list, and which rule says what of which product."""

    arrangement: Arrangement
    told: tuple[tuple[MerchandisingMark, Mask], ...]

    def marks(self, row: int) -> list[MerchandisingMark]:
        """The rules that had a say in a listed product."""
        return [mark for mark, members in self.told if members[row]]


class Rulebook:
    """Rules over one snapshot's products.

    Args:
        catalogue, filters: of the snapshot.
        rules: gives the rules as they are now.
    """

    def __init__(
        self, catalogue: Catalogue, filters: Filters, rules: Callable[[], Rules] = no_rules
    ) -> None:
        self._catalogue, self._filters, self.rules = catalogue, filters, rules
        self._kept: dict[tuple[MerchandisingRule, ...], Arranged | None] = {}
        self._moves = catalogue.goods.moves

    def by(self, rules: Rules) -> Rulebook:
        """The same products with other rules."""
        return Rulebook(self._catalogue, self._filters, lambda: rules)

    def arranged(
        self, kind: Kind, mode: Mode | None = None, segment: str | None = None
    ) -> Arranged | None:
        """What the rules want of such a list; ``None`` where they want nothing."""
        rules = self.rules()
        if not rules:
            return None
        now = datetime.now(UTC)
        active = tuple(
            rule
            for rule in rules
            if rule.concerns(kind, mode, segment) and rule.state(now) == "active"
        )
        if not active:
            return None
        moves = self._catalogue.goods.moves
        if moves != self._moves or len(self._kept) >= KEPT:
            self._kept.clear()  # targets by price, brand or category may hold other products now
            self._moves = moves
        if active not in self._kept:
            self._kept[active] = self._compiled(active)
        return self._kept[active]

    def barred(self, kind: Kind, allowed: Mask | None) -> Mask | None:
        """``allowed`` bool [n_products] without what rules exclude from such a list."""
        found = self.arranged(kind)
        if found is None or found.arrangement.allowed is None:
            return allowed
        own = found.arrangement.allowed
        return own if allowed is None else allowed & own

    def problem(self, rule: MerchandisingRule) -> str | None:
        """Why a rule does nothing over this snapshot; ``None`` where it can."""
        target = rule.target
        unknown = [p for p in target.products if self._catalogue.ids.row(p) is None]
        if unknown and len(unknown) == len(target.products):
            return f"no product has the id {', '.join(map(repr, unknown[:3]))}"
        try:
            members = self._found(rule)
        except CoterieError as error:
            return str(error)
        return None if members.any() else "no product is in its target"

    def _found(self, rule: MerchandisingRule) -> Mask:
        """Products of a rule, bool [n_products]; errors as of ``Filters.allowed``."""
        target = rule.target
        wanted = ProductFilters(
            category=target.category,
            brand=target.brand,
            min_price=target.min_price,
            max_price=target.max_price,
        )
        members = self._filters.allowed(wanted)
        if members is None:
            members = np.ones(len(self._catalogue.ids), np.bool_)
        if target.products:
            named = np.zeros(len(members), np.bool_)
            named[self._catalogue.ids.to_rows(target.products, missing="drop")] = True
            members = members & named
        return members

    def _compiled(self, rules: tuple[MerchandisingRule, ...]) -> Arranged | None:
        """``None`` where no rule has a product in this snapshot."""
        found: list[tuple[MerchandisingRule, Mask]] = []
        for rule in rules:
            try:
                members = self._found(rule)
            except CoterieError:
                continue  # of a category or brand that this build does not have
            if members.any():
                found.append((rule, members))
        if not found:
            return None
        told = tuple(
            (trusted(MerchandisingMark, rule=r.id, name=r.name, effect=r.effect), members)
            for r, members in found
            if r.effect != "exclude"
        )
        return Arranged(self._arrangement(found), told)

    def _arrangement(self, found: Sequence[tuple[MerchandisingRule, Mask]]) -> Arrangement:
        n = len(self._catalogue.ids)
        allowed, factor = np.ones(n, np.bool_), np.ones(n, np.float32)
        slots: dict[str, list[Slots]] = {"at_most": [], "at_least": []}
        pins: list[tuple[int, int]] = []
        for rule, members in found:
            if rule.effect == "exclude":
                allowed &= ~members
            elif rule.effect in slots:
                slots[rule.effect].append(Slots(members, rule.count or 0))
            elif rule.effect == "pin":
                rows = self._catalogue.ids.to_rows(rule.target.products, missing="drop")
                first = (rule.position or 1) - 1
                pins += [(first + i, int(row)) for i, row in enumerate(rows)]
            else:
                factor[members] *= np.float32(rule.factor or 1)
        return Arrangement(
            allowed=None if allowed.all() else allowed,
            factor=None if (factor == 1).all() else factor,
            at_most=tuple(slots["at_most"]),
            at_least=tuple(slots["at_least"]),
            pins=tuple(pins),
        )
