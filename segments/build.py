"""Segments of a shop on one page: graph, communities, places for the rest, profiles, names."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from graph.shop import Shop
from loaders.errors import DataError
from loaders.progress import Progress, silent
from segments.assign import by_attributes, by_vectors
from segments.communities import Partition, communities, continued, strength
from segments.config import SegmentsConfig
from segments.continuity import Carried, Previous, carried, since
from segments.identity import Level
from segments.mix import Counts
from segments.model import Profile, Segment, Segmentation
from segments.naming import names
from segments.neighbours import UserGraph, Vectors, user_graph
from segments.parts import divided
from segments.profile import profiles
from segments.stability import Trust, trusted
from segments.tastes import Tastes

__all__ = ["find_segments"]

BY_EVENTS, BY_ATTRIBUTES = 1, 2

Members = npt.NDArray[np.int32]


def find_segments(
    shop: Shop,
    vectors: Vectors,
    config: SegmentsConfig | None = None,
    progress: Progress = silent,
    *,
    products: Vectors | None = None,
    previous: Previous | None = None,
) -> Segmentation:
    """Segment the registered users of a shop.

    Args:
        shop: its events, users, products and categories.
        vectors: what is known of each user, such as an encoder's rows, float32 [n_users, dim].
            Users without events, with a non-finite vector, or of whom neither vector nor purchase
            says anything, are placed by their attributes, or not at all.
        config: settings.
        progress: told after each resolution tried.
        products: the encoder's vectors of products, float32 [n_products, dim]; users are then
            described by what they bought.
        previous: the last build, whose segments go on where they can.

    Raises:
        DataError: ``vectors`` does not have a row for each user.
    """
    config = config or SegmentsConfig()
    users = len(shop.graph.users)
    if vectors.ndim != 2 or len(vectors) != users:
        raise DataError(f"expected {users:,} vectors, got shape {vectors.shape}")
    tastes = Tastes(shop, vectors, products, config)
    counts = tastes.counts()
    told = tastes.described(counts)
    usable = tastes.usable(told)
    graph = user_graph(told[usable], config.neighbours)
    inside = None if counts is None else counts[usable]
    ids = shop.graph.users.ids
    before = [previous.level(n, ids).member[usable].astype(np.int64) if previous else None
              for n in range(2)]  # fmt: skip
    found = _communities(graph, config, progress, inside, before[0])
    member, firm, placed = _members(shop, told, usable, found, config)
    part, part_firm = _parts(graph, usable, found, config, inside, before[1])
    trust = _trust(tastes, usable, found, config)
    levels, segments, parts = _named(shop, member, part, config, previous, trust)
    return Segmentation(
        segments=segments,
        member=member,
        strength=firm,
        placed=placed,
        modularity=found.modularity,
        connected=found.connected,
        resolution=found.resolution,
        stability=found.stability,
        seed=config.seed,
        parts=parts,
        part=part,
        part_strength=part_firm,
        resampled=trust.agreement if trust else None,
        issued=tuple(level.issued for level in levels),
        previous=previous.build if previous else None,
        changes=since(previous, _levels((segments, member), (parts, part)), ids),
    )


def _communities(
    graph: UserGraph,
    config: SegmentsConfig,
    progress: Progress,
    counts: Counts | None,
    before: npt.NDArray[np.int64] | None,
) -> Partition:
    fresh = communities(graph, config, progress, counts)
    if before is None or counts is None:
        return fresh
    return continued(graph, before, fresh, config, counts)


def _members(
    shop: Shop,
    vectors: Vectors,
    usable: npt.NDArray[np.bool_],
    found: Partition,
    config: SegmentsConfig,
) -> tuple[Members, npt.NDArray[np.float32], Members]:
    """Segment, strength and way of placing of every user, [n_users] each."""
    member = np.full(len(vectors), -1, np.int32)
    firm = np.zeros(len(vectors), np.float32)
    member[usable], firm[usable] = found.labels, found.strength
    firm += by_vectors(vectors, member, usable & (member < 0))
    placed = np.where(member >= 0, BY_EVENTS, 0)
    rest = shop.graph.registered & (member < 0)
    firm += by_attributes(shop.users, member, rest, config.impute)
    placed[rest & (member >= 0)] = BY_ATTRIBUTES
    return member, firm, placed.astype(np.int32)


def _parts(
    graph: UserGraph,
    usable: npt.NDArray[np.bool_],
    found: Partition,
    config: SegmentsConfig,
    counts: Counts | None,
    before: npt.NDArray[np.int64] | None,
) -> tuple[Members, npt.NDArray[np.float32]]:
    """Part and strength of every user in the graph, [n_users] each."""
    labels = divided(graph, found.labels, config, counts, before)
    part = np.full(len(usable), -1, np.int32)
    firm = np.zeros(len(usable), np.float32)
    part[usable], firm[usable] = labels, strength(graph, labels)
    return part, firm


def _trust(
    tastes: Tastes, usable: npt.NDArray[np.bool_], found: Partition, config: SegmentsConfig
) -> Trust | None:
    labels = np.full(len(usable), -1, np.int64)
    labels[usable] = found.labels
    regroup = partial(_regroup, tastes, found.resolution)
    return trusted(labels, regroup, tastes.bought, config.samples, config.seed)


def _regroup(
    tastes: Tastes, resolution: float, weights: npt.NDArray[np.float32], seed: int
) -> npt.NDArray[np.int64]:
    return tastes.regrouped(weights, resolution, seed)


def _named(
    shop: Shop,
    member: Members,
    part: Members,
    config: SegmentsConfig,
    previous: Previous | None,
    trust: Trust | None,
) -> tuple[tuple[Carried, Carried], tuple[Segment, ...], tuple[Segment, ...]]:
    """Ids of both levels, segments and parts, with names of which no two are alike."""
    ids = shop.graph.users.ids
    upper, lower = carried(previous, 0, ids, member), carried(previous, 1, ids, part)
    described = profiles(shop, member, len(upper.ids), config)
    detailed = profiles(shop, part, len(lower.ids), config) if lower.ids else []
    kept = [*upper.names, *lower.names]
    called = names([*described, *detailed], shop.categories, config, kept)
    segments = _segments(upper.ids, 0, called[: len(upper.ids)], described, member)
    parts = _segments(lower.ids, 1, called[len(upper.ids) :], detailed, part)
    return (
        (upper, lower),
        tuple(
            replace(s, stability=float(trust.jaccard[place]) if trust else None)
            for place, s in enumerate(segments)
        ),
        tuple(
            replace(p, parent_id=segments[member[part == place][0]].id)
            for place, p in enumerate(parts)
        ),
    )


def _segments(
    ids: tuple[str, ...], level: int, called: list[str], described: list[Profile], member: Members
) -> list[Segment]:
    size = np.bincount(member[member >= 0], minlength=len(ids))
    rows = zip(ids, called, described, strict=True)
    return [
        Segment(id_, level, name, int(size[place]), profile)
        for place, (id_, name, profile) in enumerate(rows)
    ]


def _levels(*levels: tuple[tuple[Segment, ...], Members]) -> tuple[Level, ...]:
    return tuple(
        Level(tuple(s.id for s in found), tuple(s.name for s in found), member)
        for found, member in levels
    )
