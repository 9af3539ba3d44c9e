"""Building: what is published is what was learned, in the folder and in the graph, for any shop."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from shops import SMALL, Line, config_of, fresh, shop_of

from api.snapshot_service import SnapshotService
from graph.open import open_store
from graph.readback import data_hash
from graph.store import GraphStore
from loaders.dataset import Dataset
from loaders.errors import ConfigError, DataError, SnapshotMissing, StoreUnavailable
from loaders.synthetic import Planted
from pipeline.build import build, read_home
from pipeline.home import Home
from pipeline.snapshot import Snapshot, read_manifest
from ranking.scorer import MODES


@pytest.fixture(scope="module")
def snapshot(built: Home) -> Snapshot:
    return Snapshot.load(built.snapshot())


def count(store: GraphStore, cypher: str) -> int:
    found: int = store.query(cypher)["n"][0].as_py()
    return found


# What is in a snapshot


def test_the_manifest_says_what_was_built_from_what(
    built: Home, snapshot: Snapshot, planted: Planted
) -> None:
    manifest, events = snapshot.manifest, planted.dataset.events
    shop = read_home(built)
    assert manifest.build == built.current() == snapshot.folder.name
    assert manifest.counts["users"] == 200 and manifest.counts["products"] == 100
    assert manifest.counts["purchases"] == manifest.counts["events"] == events.height
    assert manifest.counts["orders"] == events["order_id"].n_unique()
    assert manifest.counts["rules"] == len(snapshot.rules) > 0
    assert manifest.counts["segments"] == len(snapshot.segmentation.segments) > 0
    assert manifest.data_hash == data_hash(shop.graph)
    assert manifest.last_event is not None
    last = events["at"].max()
    assert abs(manifest.last_event.timestamp() - last.timestamp()) <= 1  # type: ignore[union-attr]
    assert manifest.config["gnn"]["epochs"] == 3 and manifest.seed == 0
    assert manifest.versions["polars"] == pl.__version__
    assert {"read", "evaluate", "learn"} <= manifest.seconds.keys()


def test_its_figures_are_those_of_what_is_served(snapshot: Snapshot) -> None:
    manifest, report = snapshot.manifest, snapshot.report
    assert {(m["mode"], m["metric"]) for m in manifest.metrics} == {
        (mode, metric) for mode in MODES for metric in ("recall", "ndcg")
    }
    for figure in manifest.metrics:
        assert figure["method"] == manifest.choice[figure["mode"]]["served"] and figure["k"] == 20
        assert figure in report["rows"]
    assert manifest.cut == report["settings"]["cut"]


def test_what_is_loaded_is_what_was_learned(built: Home, planted: Planted) -> None:
    snapshot = Snapshot.load(built.snapshot())
    shop = read_home(built)
    assert snapshot.users.equals(shop.users) and snapshot.products.equals(shop.products)
    assert snapshot.categories.equals(shop.categories)
    bought = planted.dataset.events.filter(pl.col("user_id") == "user-3")["product_id"].unique()
    mine = snapshot.recommender.history.of(snapshot.user_ids.row("user-3") or 0).products
    assert {snapshot.product_ids.id(int(p)) for p in mine} == set(bought)
    assert len(snapshot.user_stats) == 200 and len(snapshot.product_stats) == 100
    assert snapshot.product_stats["purchases"].sum() == planted.dataset.events.height


def test_planted_pairs_are_bought_together(snapshot: Snapshot, planted: Planted) -> None:
    for first, second in planted.pairs:
        assert second in [s.product_id for s in snapshot.rules.bought_together(first, 3)]


def test_planted_groups_are_segments(snapshot: Snapshot, planted: Planted) -> None:
    member = snapshot.segmentation.member
    group = dict(zip(planted.dataset.users["user_id"], planted.group, strict=True))
    truth = np.array([group[u] for u in snapshot.users["user_id"]])
    pure = [
        np.bincount(truth[member == s]).max() for s in range(len(snapshot.segmentation.segments))
    ]
    assert sum(pure) / (member >= 0).sum() > 0.9


def test_two_builds_of_the_same_data_serve_the_same(own: Home) -> None:
    first = Snapshot.load(own.snapshot())
    second = build(own, config_of(own))
    assert second.manifest.build != first.manifest.build
    assert second.manifest.data_hash == first.manifest.data_hash
    assert second.manifest.metrics == first.manifest.metrics
    users = np.arange(50)
    for mode in MODES:
        before, after = (s.recommender.recommend(users, 10, mode) for s in (first, second))
        assert np.array_equal(before.rows, after.rows)
    assert np.array_equal(first.segmentation.member, second.segmentation.member)


# What is written back to the graph


def test_the_graph_holds_what_was_learned(built: Home, snapshot: Snapshot) -> None:
    with open_store(built.store, read_only=True) as store:
        counts = store.counts()
        builds = store.query(
            "MATCH ()-[e:BOUGHT_WITH|SIMILAR_TO|MEMBER_OF|MAY_LIKE]->() "
            "RETURN DISTINCT e.build AS b"
        )["b"].to_pylist()
        unlike = count(
            store, "MATCH (u:User)-[:MAY_LIKE]->(p)<-[:PURCHASED]-(u) RETURN count(*) AS n"
        )
    assert builds == [snapshot.manifest.build]
    assert counts["BOUGHT_WITH"] == snapshot.rules.as_edges().height > 0
    assert counts["MEMBER_OF"] >= (snapshot.segmentation.member >= 0).sum() > 0
    assert counts["Community"] == snapshot.segmentation.as_nodes().height
    assert 0 < counts["SIMILAR_TO"] <= 10 * 100 and 0 < counts["MAY_LIKE"] <= 20 * 200
    assert unlike == 0  # nobody may like what they already buy


def test_vectors_in_the_graph_are_those_that_likeness_rests_on(built: Home) -> None:
    near = (
        "MATCH (v:ProductVector {id: a.id}) MATCH (w:ProductVector {id: b.id}) "
        "RETURN r.score AS score, array_cosine_similarity(v.vector, w.vector) AS cosine"
    )
    with open_store(built.store, read_only=True) as store:
        edges = store.counts()["SIMILAR_TO"]
        pairs = store.query(f"MATCH (a:Product)-[r:SIMILAR_TO]->(b:Product) {near}")
        users = store.nodes("UserVector")
    assert pairs.num_rows == edges > 0
    assert pairs["score"].to_numpy() == pytest.approx(pairs["cosine"].to_numpy(), abs=1e-5)
    assert users.num_rows == 200 and len(users["vector"][0]) == 16
    assert users["build"].unique().to_pylist() == [built.current()]


def test_a_build_replaces_what_the_one_before_wrote(own: Home) -> None:
    config = config_of(own)
    fewer = config.model_copy(
        update={"snapshots": config.snapshots.model_copy(update={"liked": 2, "keep": 1})}
    )
    first = own.current()
    snapshot = build(own, fewer)
    with open_store(own.store, read_only=True) as store:
        liked = store.query("MATCH ()-[e:MAY_LIKE]->() RETURN e.build AS b, max(e.rank) AS r")
    assert liked.to_pylist() == [{"b": snapshot.manifest.build, "r": 2}]
    assert own.builds() == [snapshot.manifest.build] != [first]
    assert not own.work.exists()


def test_no_likes_and_vectors_can_be_asked_for(tmp_path: Path) -> None:
    home = fresh(
        tmp_path / "h", shop_of(BUSY), SMALL + "\n[snapshots]\nliked = 0\nvectors = false\n"
    )
    build(home, config_of(home))
    with open_store(home.store, read_only=True) as store:
        counts = store.counts()
        assert counts["MAY_LIKE"] == counts["UserVector"] == counts["ProductVector"] == 0


# Shops of all kinds


def busy(users: int = 30, products: int = 12, orders: int = 6) -> list[Line]:
    """Everybody orders three things every few weeks over half a year."""
    rng = np.random.default_rng(0)
    return [
        (f"u{u}", f"p{p}", float(day), f"o{u}-{n}")
        for u in range(users)
        for n, day in enumerate(rng.uniform(0, 180, orders))
        for p in rng.choice(products, 3, replace=False)
    ]


def visitors(ids: Iterable[str]) -> pl.DataFrame:
    """Users without an account."""
    return pl.DataFrame({"user_id": list(ids)}).with_columns(anonymous=pl.lit(True))


BUSY = busy()
BARE = [(u, p, day, None) for u, p, day, _ in BUSY]
TREE = pl.DataFrame(
    [("c", "Things", 0, None), ("c/d", "Odd things", 1, "c")],
    schema=["category_id", "name", "level", "parent_id"],
    orient="row",
)
SHOPS: dict[str, Dataset] = {
    "one line": shop_of([("a", "p", 0, "o")]),
    "three customers": shop_of(
        [("a", "p1", 0, "o1"), ("a", "p2", 0, "o1"), ("b", "p1", 3, "o2"), ("c", "p3", 9, "o3")]
    ),
    "one product": shop_of([(f"u{i}", "p", i * 5.0, f"o{i}") for i in range(30)]),
    "every product once": shop_of([(f"u{i}", f"p{i}", float(i), f"o{i}") for i in range(60)]),
    "no orders, categories or brands": shop_of(BARE),
    "no money": shop_of(BUSY, value=None),
    "ratings": shop_of(BARE, event="rate", value=None),
    "views": shop_of(BUSY, event="view_item", value=None),
    "empty categories": shop_of(
        BUSY,
        categories=TREE,
        products=pl.DataFrame({"product_id": ["p1", "never"], "category_id": [None, "c/d"]}),
    ),
    "customers who bought nothing": shop_of(
        BUSY, users=pl.DataFrame({"user_id": ["u1", "idle"], "age": ["18-29", None]})
    ),
    "visitors alone": shop_of(BUSY, users=visitors(f"u{i}" for i in range(30))),
}


@pytest.mark.parametrize("name", SHOPS)
def test_a_shop_is_built_and_every_question_answered(name: str, tmp_path: Path) -> None:
    home = fresh(tmp_path / "h", SHOPS[name])
    snapshot = build(home, config_of(home))
    service = SnapshotService(snapshot, home.store, "shop")
    products = set(snapshot.products["product_id"])
    answers = [service.build_info(), service.segments(), service.basket(["?"], 5)]
    answers += [service.basket(sorted(products)[:1], 5), *service.categories()]
    for user in (*snapshot.users["user_id"][:3], "nobody"):
        for mode in MODES:
            found = service.recommendations(user, k=50, mode=mode)
            listed = [i.product.product_id for i in found.items]
            assert len(set(listed)) == len(listed) and set(listed) <= products
            assert listed or found.fallback
            answers.append(found)
        if user != "nobody":
            answers.append(service.user(user, 10))
    for product in sorted(products)[:3]:
        answers += [service.similar(product, 5), service.bought_together(product, 5)]
        answers.append(service.product(product))
    for answer in answers:
        json.loads(answer.model_dump_json())
        assert "NaN" not in json.dumps(answer.model_dump(mode="json"))


def test_mode_all_lists_everything_there_is(tmp_path: Path) -> None:
    home = fresh(tmp_path / "h", SHOPS["three customers"])
    service = SnapshotService(build(home, config_of(home)), home.store, "shop")
    for user in ("a", "c", "nobody"):
        found = service.recommendations(user, k=9, mode="all")
        assert {i.product.product_id for i in found.items} == {"p1", "p2", "p3"}


def test_a_young_shop_is_served_by_the_defaults_and_says_so(tmp_path: Path) -> None:
    home = fresh(tmp_path / "h", SHOPS["one product"])
    snapshot = build(home, config_of(home))
    assert "both before and after" in snapshot.report["not_measured"]
    assert (snapshot.manifest.metrics, snapshot.manifest.cut) == ([], None)
    served = {mode: c["served"] for mode, c in snapshot.manifest.choice.items()}
    assert served == {
        "all": "decayed personal frequency",
        "repeat": "decayed personal frequency",
        "discover": "ItemKNN",
    }


def test_visitors_are_in_no_segment_and_count_as_nobody(tmp_path: Path) -> None:
    visits = [(f"anonymous/{i}", f"p{i % 12}", i * 2.0, f"v{i}") for i in range(60)]
    shop = shop_of([*BUSY, *visits], users=visitors(v[0] for v in visits))
    home = fresh(tmp_path / "h", shop)
    snapshot = build(home, config_of(home))
    anonymous = snapshot.users["anonymous"].to_numpy()
    assert anonymous.sum() == 60 and snapshot.manifest.counts["users"] == 30
    assert (snapshot.segmentation.member[anonymous] == -1).all()
    assert (snapshot.segmentation.member[~anonymous] >= 0).any()
    with open_store(home.store, read_only=True) as store:
        for edge in ("MEMBER_OF", "MAY_LIKE"):
            asked = f"MATCH (u:User)-[:{edge}]->() WHERE u.anonymous RETURN count(*) AS n"
            assert count(store, asked) == 0


def test_unknown_spend_is_empty_and_not_nothing(tmp_path: Path) -> None:
    home = fresh(tmp_path / "h", SHOPS["no money"])
    service = SnapshotService(build(home, config_of(home)), home.store, "shop")
    found = service.user("u1", 3)
    assert found.spend is None and found.orders > 0
    assert [line.spend for line in found.history] == [None] * 3
    assert service.product("p1").spend is None
    segments = service.segments().segments
    assert {(s.spend, s.share_of_spend) for s in segments} == {(None, None)}


# What goes wrong


def test_nothing_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="coterie load"):
        build(Home(tmp_path), config_of(Home(tmp_path)))


def test_nothing_is_bought(tmp_path: Path) -> None:
    home = fresh(tmp_path / "h", SHOPS["one line"])
    shutil.rmtree(home.store.parent)
    home.store.parent.mkdir()
    open_store(home.store).close()
    with pytest.raises(DataError, match="no purchases; load some first"):
        build(home, config_of(home))


def test_one_build_at_a_time(own: Home) -> None:
    with own.building(), pytest.raises(StoreUnavailable, match="another build"):
        build(own, config_of(own))


def test_a_build_that_fails_leaves_what_is_published(
    own: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own.current()

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Snapshot, "save", full)
    with pytest.raises(OSError, match="no space"):
        build(own, config_of(own))
    assert own.current() == before and own.builds() == [before]
    assert not [p for p in own.snapshots.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("lost", ["manifest.json", "users.parquet", "rules.parquet", "segments"])
def test_a_damaged_snapshot_says_to_build_again(own: Home, lost: str) -> None:
    folder = own.snapshot()
    path = folder / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(SnapshotMissing):
        Snapshot.load(folder)


def test_a_manifest_of_another_version(own: Home) -> None:
    (own.snapshot() / "manifest.json").write_text('{"build": "x"}')
    with pytest.raises(SnapshotMissing, match="cannot read the snapshot"):
        read_manifest(own.snapshot())


def test_every_part_of_a_snapshot_is_read_back(snapshot: Snapshot) -> None:
    assert all(getattr(snapshot, field.name) is not None for field in fields(snapshot))
