"""What a segment's traits look like in the API, and in which order."""

from __future__ import annotations

from api.segment_views import traits_of
from segments.model import Behaviour, Profile, Segment, Trait

NOTHING = Behaviour(None, None, None, None)


def _trait(kind: str, name: str) -> Trait:
    return Trait(kind, name, name, 0.4, 0.1, 4.0, 40, 0.01)


def _segment(*categories: Trait) -> Segment:
    told = (_trait("title", "jumbo bag"),), (_trait("product", "p1"),)
    people = (_trait("brand", "Acme"),), (_trait("country", "France"),)
    profile = Profile(100, 0.1, 0.1, NOTHING, NOTHING, categories, *told, *people)
    return Segment("segment-1", 0, "Jumbo Bag", 100, profile)


def test_products_follow_categories() -> None:
    kinds = [t.kind for t in traits_of(_segment(_trait("category:0", "bags")), None)]
    assert kinds == ["category:0", "product", "brand", "country"]


def test_words_of_titles_stand_in_for_categories() -> None:
    traits = traits_of(_segment(), 2)
    assert [(t.kind, t.label) for t in traits] == [("title", "jumbo bag"), ("product", "p1")]
    assert (traits[0].share, traits[0].share_overall, traits[0].lift) == (0.4, 0.1, 4.0)
