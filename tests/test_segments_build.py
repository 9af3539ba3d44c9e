"""Segments of a whole shop: planted groups found, named, saved, and written as a graph."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from insight_shop import shop_of
from scipy.sparse.linalg import svds
from sklearn.metrics import adjusted_rand_score

from graph.ids import IdMap
from graph.shop import Shop
from loaders.errors import DataError
from loaders.synthetic import Planted
from segments.build import find_segments
from segments.config import SegmentsConfig
from segments.continuity import Previous
from segments.model import Segmentation

CONFIG = SegmentsConfig(neighbours=15, min_segments=2, samples=3)


@pytest.fixture(scope="module")
def shop(planted: Planted) -> Shop:
    return shop_of(planted.dataset)


@pytest.fixture(scope="module")
def vectors(shop: Shop) -> np.ndarray:
    left, size, _ = svds(shop.graph.matrix().astype(np.float64), k=8, random_state=0)
    return (left * size).astype(np.float32)


@pytest.fixture(scope="module")
def found(shop: Shop, vectors: np.ndarray) -> Segmentation:
    return find_segments(shop, vectors, CONFIG)


def test_planted_groups_are_found_and_named(found: Segmentation, planted: Planted) -> None:
    assert adjusted_rand_score(found.member, planted.group) > 0.9
    assert found.connected
    assert len(found.segments) == 4
    for segment in found.segments:
        group = planted.group[found.member == found.segments.index(segment)][0]
        assert f"Aisle {group} & Age" in segment.name
    assert len({s.name for s in found.segments}) == 4
    assert [s.size for s in found.segments] == np.bincount(found.member).tolist()
    assert found.member.dtype == np.int32
    assert found.strength.dtype == np.float32
    assert (found.placed == 1).all()


def test_the_same_seed_gives_the_same_segments(
    found: Segmentation, shop: Shop, vectors: np.ndarray
) -> None:
    again = find_segments(shop, vectors, CONFIG)
    assert again.segments == found.segments
    assert again.member.tolist() == found.member.tolist()


def test_progress_is_told(shop: Shop, vectors: np.ndarray) -> None:
    seen: list[tuple[str, int, int]] = []
    config = CONFIG.model_copy(update={"resolutions": (0.5, 1.0)})
    find_segments(shop, vectors, config, lambda *step: seen.append(step))
    assert seen == [("segments", 1, 2), ("segments", 2, 2)]


def test_newcomers_and_visitors(shop: Shop, vectors: np.ndarray, planted: Planted) -> None:
    """User 0 is a visitor, 1 has no usable vector, 2 has neither vector nor attribute."""
    vectors = vectors.copy()
    vectors[1:3] = np.nan
    users = shop.users.with_columns(
        age=pl.when(pl.col("user_id") == shop.graph.users.id(1))
        .then(pl.lit("65+"))
        .when(pl.col("user_id") != shop.graph.users.id(2))
        .then("age")
    )
    registered = shop.graph.registered.copy()
    registered[0] = False
    graph = replace(shop.graph, registered=registered)
    got = find_segments(replace(shop, graph=graph, users=users), vectors, CONFIG)
    assert got.member[[0, 2]].tolist() == [-1, -1]
    assert got.placed[:3].tolist() == [0, 2, 0]
    majority = np.bincount(got.member[(planted.group == 3) & (got.placed == 1)]).argmax()
    assert got.member[1] == majority
    assert 0 < got.strength[1] <= 1


def test_vectors_must_match_the_users(shop: Shop) -> None:
    with pytest.raises(DataError, match="expected 200 vectors"):
        find_segments(shop, np.zeros((3, 2), np.float32))


def test_a_shop_of_nobody(shop: Shop) -> None:
    empty = replace(shop, graph=shop.graph.where(np.zeros(len(shop.graph), np.bool_)))
    bare = replace(empty, users=empty.users.select("user_id", "anonymous"))
    got = find_segments(bare, np.ones((200, 2), np.float32))
    assert got.segments == ()
    assert (got.member == -1).all()
    assert got.as_nodes().height == got.as_edges(shop.graph.users).height == 0


def test_save_and_load(found: Segmentation, tmp_path: Path) -> None:
    found.save(tmp_path / "segments")
    again = Segmentation.load(tmp_path / "segments")
    assert again.segments == found.segments
    assert (again.modularity, again.stability) == (found.modularity, found.stability)
    for name in ("member", "strength", "placed"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    text = (tmp_path / "segments" / "segments.json").read_text(encoding="utf-8")
    assert json.loads(text)["segments"][0]["profile"]["behaviour"]["spend_per_customer"] > 0


def test_loading_nothing_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="build them again"):
        Segmentation.load(tmp_path)


def test_nodes_and_edges(found: Segmentation, shop: Shop) -> None:
    nodes = found.as_nodes()
    assert nodes.columns == ["id", "name", "level", "size"]
    assert nodes.filter(level=0)["size"].sum() == 200
    edges = found.as_edges(shop.graph.users)
    assert edges.columns == ["source", "target", "strength"]
    assert edges["source"][:200].to_list() == shop.graph.users.ids.to_list()
    assert edges["target"][0] == found.segments[int(found.member[0])].id
    assert edges.height == nodes["size"].sum()
    assert isinstance(shop.graph.users, IdMap)


def test_parts_lie_in_their_segment(found: Segmentation) -> None:
    tree = dict(found.as_tree().iter_rows())
    assert set(tree.values()) <= {s.id for s in found.segments}
    for place, part in enumerate(found.parts):
        inside = np.unique(found.member[found.part == place])
        assert [found.segments[int(s)].id for s in inside] == [part.parent_id] == [tree[part.id]]
        assert part.level == 1
        assert part.size == (found.part == place).sum() >= CONFIG.min_size
    names = [s.name for s in (*found.segments, *found.parts)]
    assert len(set(names)) == len(names)


def test_planted_segments_are_found_again_from_other_samples(found: Segmentation) -> None:
    assert found.resampled is not None and found.resampled > 0.9
    assert all(s.stability is not None and s.stability > 0.9 for s in found.segments)


def test_a_later_build_goes_on_with_ids_and_names(
    found: Segmentation, shop: Shop, vectors: np.ndarray
) -> None:
    """The earlier build had other numbers and a name of its own; both go on, in another order."""
    known = replace(
        found,
        segments=(replace(found.segments[0], id="segment-9", name="Regulars"), *found.segments[1:]),
        issued=(9, *found.issued[1:]),
    )
    previous = Previous("earlier", shop.graph.users.ids, known)
    later = find_segments(shop, vectors, CONFIG, previous=previous)
    assert later.previous == "earlier"
    assert {s.id: s.name for s in later.segments} == {s.id: s.name for s in known.segments}
    assert {p.id: p.name for p in later.parts} == {p.id: p.name for p in known.parts}
    assert [change.kept_share for change in later.changes] == [1.0, 1.0]
    assert later.issued == known.issued


def test_ids_of_segments_that_went_are_not_given_again(
    found: Segmentation, shop: Shop, vectors: np.ndarray
) -> None:
    nobody = np.full(200, -1, np.int32)
    gone = replace(found, segments=(), member=nobody, parts=(), part=nobody, issued=(40, 7))
    later = find_segments(
        shop, vectors, CONFIG, previous=Previous("earlier", shop.graph.users.ids, gone)
    )
    assert [s.id for s in later.segments] == [f"segment-{n}" for n in range(41, 45)]
    assert [change.kind for change in later.changes[0].segments] == ["born"] * 4
    assert later.changes[0].arrived == 200


def test_fewest_above_most_is_refused() -> None:
    with pytest.raises(ValueError, match="above max_segments"):
        SegmentsConfig(min_segments=9, max_segments=3)
