"""``Segmentation``: segments with profiles and who is in which, saved and read without a store.

Two levels: segments, and parts of those that divide further.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.ids import IdMap
from loaders.errors import DataError
from segments.identity import Changes, Level

__all__ = [
    "DOUBTFUL",
    "STABLE",
    "Behaviour",
    "Profile",
    "Segment",
    "Segmentation",
    "Trait",
    "Verdict",
    "verdict",
]

Verdict = Literal["stable", "fair", "doubtful"]

STABLE: Final = 0.75
"""Least Jaccard with its like in resampled events of a segment that can be trusted."""

DOUBTFUL: Final = 0.6
"""Below, nothing should be built on a segment."""


def verdict(jaccard: float | None) -> Verdict | None:
    """What a Jaccard says; ``None`` where it was not measured."""
    if jaccard is None:
        return None
    return "stable" if jaccard >= STABLE else "fair" if jaccard >= DOUBTFUL else "doubtful"


@dataclass(frozen=True)
class Behaviour:
    """What customers do, over those with a purchase; ``None`` where nothing is known.

    Attributes:
        spend_per_customer: mean, in the shop's currency.
        orders_per_customer: mean.
        basket_value: mean spend of an order.
        days_since_purchase: median, up to the shop's last event.
    """

    spend_per_customer: float | None
    orders_per_customer: float | None
    basket_value: float | None
    days_since_purchase: float | None


@dataclass(frozen=True)
class Trait:
    """Something members do or are more than the shop's customers.

    Attributes:
        kind: ``category:<level>``, ``title``, ``product``, ``brand``, or the attribute's name.
        id, name: the category, words of titles, product, brand or value, and how a person reads it.
        share: of a member's spend, on average; for products, of the members, that bought it; for
            attributes, of the members with a value.
        shop_share: the same over all customers.
        lift: ``share`` over ``shop_share``.
        customers: members behind it.
        p_value: corrected (Benjamini-Hochberg) over all segments and items of the kind.
    """

    kind: str
    id: str
    name: str
    share: float
    shop_share: float
    lift: float
    customers: int
    p_value: float


@dataclass(frozen=True)
class Profile:
    """A segment against the whole shop; traits by how much they tell, the most first.

    Attributes:
        customers: members with a purchase, whom ``behaviour`` and preferences are of.
        customer_share, spend_share: of all registered customers, of all their spend (``None``
            where there is none).
        behaviour, shop: of the members, and of all customers to compare with.
        categories, titles, products, brands, attributes: what is over-represented; ``titles``
            are words that the titles of several products share.
    """

    customers: int
    customer_share: float
    spend_share: float | None
    behaviour: Behaviour
    shop: Behaviour
    categories: tuple[Trait, ...]
    titles: tuple[Trait, ...]
    products: tuple[Trait, ...]
    brands: tuple[Trait, ...]
    attributes: tuple[Trait, ...]


@dataclass(frozen=True)
class Segment:
    """One segment, ``level`` 0, or part of one, ``level`` 1.

    Attributes:
        id, name: the same from build to build.
        size: members.
        profile: against the whole shop.
        parent_id: of the segment that a part is of.
        stability: mean Jaccard with its like in resampled events; ``None`` where not measured.
    """

    id: str
    level: int
    name: str
    size: int
    profile: Profile
    parent_id: str | None = None
    stability: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain keys and values, ready for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Segment:
        """What ``to_dict`` gave, read back from JSON."""
        return Segment(**{**data, "profile": _profile(data["profile"])})


@dataclass(frozen=True)
class Segmentation:
    """Segments and their members.

    Attributes:
        segments: larger first.
        member: int32 [n_users], place in ``segments``, -1 for users in none.
        strength: float32 [n_users], 0 to 1: how clearly a user belongs.
        placed: int32 [n_users]: 1 through purchases, 2 through attributes, 0 not at all.
        modularity: of the members placed through purchases.
        connected: whether each segment is one piece of the user graph.
        resolution: chosen by stability.
        stability: mean adjusted Rand between runs with different seeds.
        seed: that made it.
        parts: of the segments that divide further, by segment, larger first.
        part: int32 [n_users], place in ``parts``, -1 for users in none.
        part_strength: float32 [n_users], as ``strength``, within the part.
        resampled: mean adjusted Rand with segments of resampled events; ``None``: not measured.
        issued: how many ids each level has given out, over all builds.
        previous: the build that ids and names go on from; ``None`` for a first one.
        changes: against it, by level.
    """

    segments: tuple[Segment, ...]
    member: npt.NDArray[np.int32]
    strength: npt.NDArray[np.float32]
    placed: npt.NDArray[np.int32]
    modularity: float
    connected: bool
    resolution: float
    stability: float
    seed: int
    parts: tuple[Segment, ...]
    part: npt.NDArray[np.int32]
    part_strength: npt.NDArray[np.float32]
    resampled: float | None
    issued: tuple[int, ...]
    previous: str | None
    changes: tuple[Changes, ...]

    @property
    def levels(self) -> tuple[Level, Level]:
        """Ids, names and members of segments and of parts."""
        both = ((self.segments, self.member), (self.parts, self.part))
        first, second = (
            Level(tuple(s.id for s in found), tuple(s.name for s in found), member)
            for found, member in both
        )
        return first, second

    def as_nodes(self) -> pl.DataFrame:
        """``Community`` nodes: id, name, level, size."""
        rows = [(s.id, s.name, s.level, s.size) for s in (*self.segments, *self.parts)]
        schema = {"id": pl.String, "name": pl.String, "level": pl.Int64, "size": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def as_tree(self) -> pl.DataFrame:
        """``CHILD_OF`` edges: source (part id), target (segment id)."""
        rows = [(s.id, s.parent_id) for s in self.parts]
        return pl.DataFrame(rows, schema={"source": pl.String, "target": pl.String}, orient="row")

    def as_edges(self, users: IdMap) -> pl.DataFrame:
        """``MEMBER_OF`` edges: source (user id), target (segment or part id), strength."""
        whole = _edges(users, self.segments, self.member, self.strength)
        return pl.concat([whole, _edges(users, self.parts, self.part, self.part_strength)])

    def save(self, folder: Path) -> None:
        """Write ``segments.json``, and the arrays of users as npy."""
        folder.mkdir(parents=True, exist_ok=True)
        data = {name: getattr(self, name) for name in _PLAIN}
        for name in _LISTS:
            data[name] = [each.to_dict() for each in getattr(self, name)]
        text = json.dumps(data, indent=1, allow_nan=False)
        (folder / "segments.json").write_text(text, encoding="utf-8")
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @staticmethod
    def load(folder: Path) -> Segmentation:
        """Read what ``save`` wrote.

        Raises:
            DataError: a file is missing or is not what ``save`` writes.
        """
        try:
            data = json.loads((folder / "segments.json").read_text(encoding="utf-8"))
            for name, kind in _LISTS.items():
                data[name] = tuple(kind.from_dict(each) for each in data[name])
            data["issued"] = tuple(data["issued"])
            arrays = {name: np.load(folder / f"{name}.npy") for name in _ARRAYS}
            return Segmentation(**data, **arrays)
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"expected saved segments; build them again ({error})"
            raise DataError(message, file=str(folder)) from error


_LISTS: Final[dict[str, type[Segment] | type[Changes]]] = {
    "segments": Segment,
    "parts": Segment,
    "changes": Changes,
}
_ARRAYS: Final = ("member", "strength", "placed", "part", "part_strength")
_PLAIN: Final = tuple(f.name for f in fields(Segmentation) if f.name not in (*_LISTS, *_ARRAYS))


def _edges(
    users: IdMap,
    segments: tuple[Segment, ...],
    member: npt.NDArray[np.int32],
    strength: npt.NDArray[np.float32],
) -> pl.DataFrame:
    rows = np.flatnonzero(member >= 0)
    ids = pl.Series("target", [s.id for s in segments], dtype=pl.String)
    return pl.DataFrame(
        {
            "source": pl.Series(users.to_ids(rows), dtype=pl.String),
            "target": ids.gather(member[rows].astype(np.int64)),
            "strength": strength[rows].astype(np.float64),
        }
    )


def _profile(data: dict[str, Any]) -> Profile:
    traits = {
        kind: tuple(Trait(**t) for t in data[kind])
        for kind in ("categories", "titles", "products", "brands", "attributes")
    }
    behaviours = {name: Behaviour(**data[name]) for name in ("behaviour", "shop")}
    return Profile(**{**data, **traits, **behaviours})
