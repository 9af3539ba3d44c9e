"""Segments of a snapshot as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from api.models.segments import (
    Segment,
    SegmentChange,
    SegmentChanges,
    SegmentFlow,
    SegmentLevelChanges,
    SegmentProfile,
    Segments,
    Trait,
)
from pipeline.snapshot import Snapshot
from segments.identity import Changes
from segments.model import Segment as Found
from segments.model import Trait as FoundTrait
from segments.model import verdict

__all__ = ["changes_of", "profile_of", "segments_of", "traits_of"]

TRAITS_IN_LISTS = 4


def segments_of(snapshot: Snapshot) -> Segments:
    """All segments, largest first, each with its strongest traits."""
    segmentation = snapshot.segmentation
    registered = int((~snapshot.users["anonymous"]).sum())
    return Segments(
        segments=[Segment(**_fields(s, TRAITS_IN_LISTS)) for s in segmentation.segments],
        parts=[Segment(**_fields(s, TRAITS_IN_LISTS)) for s in segmentation.parts],
        unassigned=registered - int((segmentation.member >= 0).sum()),
        modularity=segmentation.modularity,
        agreement=segmentation.stability,
        resampled=segmentation.resampled,
    )


def profile_of(snapshot: Snapshot, place: int) -> SegmentProfile:
    """The segment at ``place`` in full; parts follow segments."""
    found = snapshot.segmentation
    segment = (*found.segments, *found.parts)[place]
    behaviour = segment.profile.behaviour
    return SegmentProfile(
        **_fields(segment, None),
        orders_per_customer=behaviour.orders_per_customer,
        spend_per_customer=behaviour.spend_per_customer,
        days_since_purchase=behaviour.days_since_purchase,
        connected=found.connected,
    )


def changes_of(build: str, previous: str | None, levels: Iterable[Changes]) -> SegmentChanges:
    """What changed between two builds, level by level."""
    return SegmentChanges(
        build=build, previous=previous, levels=[_level_changes(level) for level in levels]
    )


def _level_changes(changes: Changes) -> SegmentLevelChanges:
    fields = changes.to_dict() | {"kept_share": changes.kept_share}
    segments = [SegmentChange(segment_id=c.pop("id"), **c) for c in fields.pop("segments")]
    flows = [SegmentFlow(**flow) for flow in fields.pop("flows")]
    return SegmentLevelChanges(segments=segments, flows=flows, **fields)


def _fields(segment: Found, most: int | None) -> dict[str, Any]:
    profile = segment.profile
    spend = profile.behaviour.spend_per_customer
    return {
        "segment_id": segment.id,
        "name": segment.name,
        "level": segment.level,
        "size": segment.size,
        "share_of_customers": profile.customer_share,
        "spend": None if spend is None else spend * profile.customers,
        "share_of_spend": profile.spend_share,
        "parent_id": segment.parent_id,
        "stability": segment.stability,
        "trust": verdict(segment.stability),
        "traits": traits_of(segment, most),
    }


def traits_of(segment: Found, most: int | None) -> list[Trait]:
    """Categories first, or words of titles in their place, then products, brands, attributes."""
    profile = segment.profile
    bought = [*(profile.categories or profile.titles), *profile.products]
    traits = [*bought, *profile.brands, *profile.attributes]
    return [_trait(trait) for trait in traits[:most]]


def _trait(trait: FoundTrait) -> Trait:
    fields = asdict(trait)
    return Trait(
        kind=trait.kind,
        id=trait.id,
        label=trait.name,
        share=trait.share,
        share_overall=trait.shop_share,
        lift=fields["lift"],
        customers=trait.customers,
        p_value=trait.p_value,
    )
