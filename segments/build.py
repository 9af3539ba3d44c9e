"""Segments of a shop on one page: graph, communities, places for the rest, profiles, names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graph.shop import Shop
from loaders.errors import DataError
from loaders.progress import Progress, silent
from segments.assign import by_attributes, by_vectors
from segments.communities import Partition, communities
from segments.config import SegmentsConfig
from segments.model import Profile, Segment, Segmentation
from segments.naming import names
from segments.neighbours import user_graph
from segments.profile import profiles

__all__ = ["find_segments"]

BY_EVENTS, BY_ATTRIBUTES = 1, 2


def find_segments(
    shop: Shop,
    vectors: npt.NDArray[np.float32],
    config: SegmentsConfig | None = None,
    progress: Progress = silent,
) -> Segmentation:
    """Segment the registered users of a shop.

    Args:
        shop: its events, users, products and categories.
        vectors: what is known of each user, such as an encoder's rows, float32 [n_users, dim].
            Users without events, or with a zero or non-finite vector, are placed by their
            attributes, or not at all.
        config: settings.
        progress: told after each resolution tried.

    Raises:
        DataError: ``vectors`` does not have a row for each user.
    """
    config = config or SegmentsConfig()
    if vectors.ndim != 2 or len(vectors) != len(shop.graph.users):
        raise DataError(f"expected {len(shop.graph.users):,} vectors, got shape {vectors.shape}")
    usable = _usable(shop, vectors)
    found = communities(user_graph(vectors[usable], config.neighbours), config, progress)
    member, strength, placed = _members(shop, vectors, usable, found, config)
    count = int(member.max(initial=-1)) + 1
    described = profiles(shop, member, count, config)
    return Segmentation(
        segments=_segments(described, names(described, shop.categories, config), member),
        member=member,
        strength=strength,
        placed=placed,
        modularity=found.modularity,
        connected=found.connected,
        resolution=found.resolution,
        stability=found.stability,
        seed=config.seed,
    )


def _usable(shop: Shop, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Registered users with an event and a vector that says something, bool [n_users]."""
    active = np.bincount(shop.graph.user_rows, minlength=len(shop.graph.users)) > 0
    known = np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1)
    return np.asarray(shop.graph.registered & active & known, np.bool_)


def _members(
    shop: Shop,
    vectors: npt.NDArray[np.float32],
    usable: npt.NDArray[np.bool_],
    found: Partition,
    config: SegmentsConfig,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Segment, strength and way of placing of every user, [n_users] each."""
    member = np.full(len(vectors), -1, np.int32)
    strength = np.zeros(len(vectors), np.float32)
    member[usable], strength[usable] = found.labels, found.strength
    strength += by_vectors(vectors, member, usable & (member < 0))
    placed = np.where(member >= 0, BY_EVENTS, 0)
    rest = shop.graph.registered & (member < 0)
    strength += by_attributes(shop.users, member, rest, config.impute)
    placed[rest & (member >= 0)] = BY_ATTRIBUTES
    return member, strength, placed.astype(np.int32)


def _segments(
    described: list[Profile], named: list[str], member: npt.NDArray[np.int32]
) -> tuple[Segment, ...]:
    size = np.bincount(member[member >= 0], minlength=len(described))
    return tuple(
        Segment(f"segment-{place + 1}", 0, name, int(size[place]), profile)
        for place, (profile, name) in enumerate(zip(described, named, strict=True))
    )
