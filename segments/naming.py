"""Short, distinct names, the same for the same profiles: how they shop, and what they favour.

``Small baskets: Soft Drinks & Frozen Pizza``; a segment that shops as the shop does goes by its
favourites alone. Those are over-represented categories that enough of the members buy, from levels
of the tree coarse enough to have readable names; where there are none, deeper categories, words
that the titles of products share, brands, attributes or products.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import log
from typing import Final

import polars as pl

from segments.config import SegmentsConfig
from segments.model import Behaviour, Profile, Trait
from segments.words import readable

__all__ = ["habit", "names"]

HIGH, LOW = 1.25, 0.8
"""How many times the shop's figure makes a habit worth naming."""

LAPSED_DAYS = 30
"""A segment is lapsing if its last purchases lie this much further back than the shop's."""

FAVOURITES = 2

READABLE_LEVEL = 500
"""Levels of more categories are for shelves and tills, not for names."""

_SAYS_ITSELF: Final = re.compile(r"[^\W\d_]{3}[^\d_]*")
_SIZE: Final = re.compile(r",\s*\d.*")
"""What follows the product in a title: its size."""

_ANSWERS: Final = {"yes", "true", "false", "none", "unknown", "other"}


def names(
    profiles: Sequence[Profile],
    categories: pl.DataFrame,
    config: SegmentsConfig,
    kept: Sequence[str | None] = (),
) -> list[str]:
    """A name for each profile, no two alike, earlier profiles choosing first.

    Args:
        profiles: as ``segments.profile.profiles`` gives them.
        categories: ``category_id``, ``level``, ``parent_id`` of the shop's tree.
        config: ``ignored_words`` are words of categories that tell nothing.
        kept: the name each had in the last build, or ``None``; it stays, whatever the profile
            says now, and no new one is like it. None has one by default.
    """
    kept = kept or [None] * len(profiles)
    parent = dict(zip(categories["category_id"], categories["parent_id"], strict=True))
    size = categories.group_by("level").len().filter(pl.col("len") <= READABLE_LEVEL)
    coarse = {f"category:{level}" for level in size["level"]}
    taken = {name for name in kept if name is not None}
    found = []
    for profile, name in zip(profiles, kept, strict=True):
        if name is None:
            favourites = _favourites(profile, coarse, parent, config)
            name = next(n for n in _candidates(profile, favourites) if n not in taken)
            taken.add(name)
        found.append(name)
    return found


def habit(behaviour: Behaviour, shop: Behaviour) -> str:
    """How a segment shops against the shop, in two words; empty where it shops alike."""
    since, usual = behaviour.days_since_purchase or 0, shop.days_since_purchase or 0
    if since >= usual + LAPSED_DAYS:
        return "Lapsing"
    spend = _ratio(behaviour.spend_per_customer, shop.spend_per_customer)
    basket = _ratio(behaviour.basket_value, shop.basket_value)
    orders = _ratio(behaviour.orders_per_customer, shop.orders_per_customer)
    told = (
        (spend >= HIGH, "Big spenders"),
        (basket >= HIGH, "Big baskets"),
        (orders >= HIGH, "Frequent visits"),
        (spend <= LOW, "Light shoppers"),
        (basket <= LOW, "Small baskets"),
        (orders <= LOW, "Rare visits"),
    )
    return next((name for holds, name in told if holds), "")


def _candidates(profile: Profile, favourites: list[str]) -> Iterator[str]:
    """Names for a profile, the shortest first, without end; numbers come last."""
    start = habit(profile.behaviour, profile.shop)
    products = list(dict.fromkeys(readable(_SIZE.sub("", t.name)) for t in profile.products))
    favourites = favourites or products
    shortest = _joined(start, favourites[:FAVOURITES])
    yield shortest
    for size in range(FAVOURITES + 1, len(favourites) + 1):
        yield _joined(start, favourites[:size])
    for product in products:
        yield _joined(start, [*favourites[:FAVOURITES], product])
    number = 2
    while True:
        yield f"{shortest} ({number})"
        number += 1


def _joined(start: str, favourites: list[str]) -> str:
    *most, last = favourites or [""]
    listed = f"{', '.join(most)} & {last}" if most else last
    return ": ".join(part for part in (start, listed) if part) or "Regulars"


def _favourites(
    profile: Profile, coarse: set[str], parent: dict[str, str | None], config: SegmentsConfig
) -> list[str]:
    """What the members favour, the most telling first, each kind where the ones before lack."""
    common = [t for t in profile.categories if t.customers >= config.common * profile.customers]
    telling = [t for t in common if not _ignored(t.name, config)]
    upper = _distinct([t for t in telling if t.kind in coarse], parent)
    deeper = _distinct([t for t in telling if t.kind not in coarse], parent)
    titles = [readable(t.name) for t in profile.titles]
    brands = [readable(t.name) for t in profile.brands]
    people = [_person(t) for t in profile.attributes]
    return (upper or deeper or titles or brands) + people


def _distinct(traits: Sequence[Trait], parent: dict[str, str | None]) -> list[str]:
    """Readable names, none of a category above or below another's, none within another.

    Ordered by ``share * log(lift)^2``: beside what members spend, a name is to tell segments
    apart, so lift weighs more here than in a profile.
    """
    chosen: list[Trait] = []
    found: list[str] = []
    for trait in sorted(traits, key=lambda t: -t.share * log(t.lift) ** 2):
        name = readable(trait.name)
        related = any(
            _above(trait.id, other.id, parent) or _above(other.id, trait.id, parent)
            for other in chosen
        )
        if not related and not any(_within(name, other) for other in found):
            chosen.append(trait)
            found.append(name)
    return found


def _person(trait: Trait) -> str:
    """An attribute's value: *Germany*, but *Age 65+*, since a number does not say what it is of."""
    if _SAYS_ITSELF.fullmatch(trait.name) and trait.name.lower() not in _ANSWERS:
        return trait.name
    return f"{readable(trait.kind.replace('_', ' '))} {trait.name}"


def _ignored(name: str, config: SegmentsConfig) -> bool:
    return any(word in name.lower() for word in config.ignored_words)


def _within(one: str, other: str) -> bool:
    """Whether the words of one name are all in the other."""
    a, b = (set(re.findall(r"\w+", name.lower())) for name in (one, other))
    return a <= b or b <= a


def _above(upper: str, lower: str, parent: dict[str, str | None]) -> bool:
    """Whether ``upper`` is ``lower`` or one of its ancestors."""
    at: str | None = lower
    while at is not None and at != upper:
        at = parent.get(at)
    return at == upper


def _ratio(value: float | None, usual: float | None) -> float:
    return value / usual if value is not None and usual else 1.0
