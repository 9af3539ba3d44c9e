"""The service over a real snapshot, held against the events it was learned from."""

from __future__ import annotations

import json
import weakref
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import BaseModel
from shops import config_of, fresh, shop_of
from starlette.testclient import TestClient

from api.app import create_app
from api.models.base import Mode
from api.models.lists import Recommendations
from api.models.options import ListOptions
from api.provider import PATIENT_LOOKS, SnapshotProvider
from api.snapshot_service import SnapshotService
from benchmarks.mixed_load import two_builds
from graph.query import rows_of
from graph.store import QueryLimits
from loaders.errors import (
    QueryError,
    SnapshotMissing,
    UnknownCategory,
    UnknownProduct,
    UnknownSegment,
    UnknownUser,
)
from loaders.synthetic import Planted
from pipeline.build import build
from pipeline.home import Home
from pipeline.snapshot import Snapshot

LIMITS = QueryLimits(100, 20.0)


@pytest.fixture(scope="module")
def service(built: Home) -> SnapshotService:
    return SnapshotService(Snapshot.load(built.snapshot()), built.store, "Corner shop")


@pytest.fixture(scope="module")
def bought(planted: Planted) -> dict[str, set[str]]:
    """Products by customer."""
    grouped = planted.dataset.events.group_by("user_id").agg("product_id")
    return {user: set(products) for user, products in grouped.iter_rows()}


def ask(service: SnapshotService, user: str, mode: Mode = "all", **options: Any) -> Recommendations:
    k = options.pop("k", 10)
    language = options.pop("language", "en")
    return service.recommendations(
        user, k=k, mode=mode, options=ListOptions(**options), language=language
    )


def ids(answer: Recommendations) -> list[str]:
    return [item.product.product_id for item in answer.items]


# Recommendations


@pytest.mark.parametrize("user", ["user-0", "user-17", "user-199"])
def test_modes_hold_what_they_say(
    service: SnapshotService, bought: dict[str, set[str]], user: str
) -> None:
    assert set(ids(ask(service, user, "repeat"))) <= bought[user]
    assert not set(ids(ask(service, user, "discover"))) & bought[user]
    for mode in ("all", "repeat", "discover"):
        answer = ask(service, user, mode)  # type: ignore[arg-type]
        assert len(set(ids(answer))) == 10
        assert [i.rank for i in answer.items] == list(range(1, 11))
        assert answer.user_known and answer.fallback is None and answer.mode == mode
        assert all(i.source == answer.method and i.score > 0 for i in answer.items)
        scores = [i.score for i in answer.items]
        assert scores == sorted(scores, reverse=True)


def test_a_planted_group_gets_its_own_aisle(service: SnapshotService, planted: Planted) -> None:
    right = 0
    for row in range(40):
        listed = ids(ask(service, f"user-{row}", "all"))
        right += sum(int(p.split("-")[1]) // 25 == planted.group[row] for p in listed)
    assert right > 0.8 * 400


def test_a_list_longer_than_the_shop_holds_all_of_it_once(
    service: SnapshotService, bought: dict[str, set[str]]
) -> None:
    assert sorted(ids(ask(service, "user-3", k=1000))) == sorted(f"product-{i}" for i in range(100))
    assert set(ids(ask(service, "user-3", "repeat", k=1000))) == bought["user-3"]
    assert len(ids(ask(service, "user-3", "discover", k=1000))) == 100 - len(bought["user-3"])


def test_a_shorter_list_is_the_beginning_of_a_longer_one(service: SnapshotService) -> None:
    assert ids(ask(service, "user-5", k=3)) == ids(ask(service, "user-5", k=30))[:3]


def test_categories_and_what_is_below_them(service: SnapshotService) -> None:
    shelf = ask(service, "user-3", category=("aisle-1/shelf-2",), k=100)
    assert {i.product.category_id for i in shelf.items} == {"aisle-1/shelf-2"}
    aisle = ask(service, "user-3", category=("aisle-1",), k=100)
    assert {int(p.split("-")[1]) // 25 for p in ids(aisle)} == {1} and len(aisle.items) == 25
    with pytest.raises(UnknownCategory, match="aisle-9"):
        ask(service, "user-3", category=("aisle-9",))


def test_what_is_excluded_makes_way_for_the_next(service: SnapshotService) -> None:
    first = ids(ask(service, "user-3", k=5))
    without = ask(service, "user-3", k=5, exclude=(first[0], first[2], "no such thing"))
    assert ids(without)[:3] == [first[1], first[3], first[4]]


def test_nothing_left_is_said_and_why(service: SnapshotService) -> None:
    everything = [f"product-{i}" for i in range(100)]
    answer = ask(service, "user-3", exclude=tuple(everything))
    assert answer.items == [] and answer.fallback == "Nothing is left to list with these filters."


def test_an_unknown_customer_gets_what_is_popular_and_is_told(service: SnapshotService) -> None:
    answer = ask(service, "nobody")
    assert (answer.user_known, answer.method) == (False, "recent popularity")
    assert answer.fallback == "No customer has this id; these products are popular lately."
    assert len(answer.items) == 10 and {i.source for i in answer.items} == {"recent popularity"}
    again = ask(service, "nobody", "repeat")
    assert again.items == [] and "nothing bought before" in str(again.fallback)


def test_popular_is_what_is_bought_lately(service: SnapshotService, planted: Planted) -> None:
    events = planted.dataset.events
    last = events["at"].max()
    recent = events.filter(pl.col("at") >= last - pl.duration(days=28))
    most = recent["product_id"].value_counts(sort=True)["product_id"].head(10).to_list()
    assert len(set(ids(ask(service, "nobody"))) & set(most)) >= 9  # a tie may swap the last


def test_reasons_are_true(
    service: SnapshotService, planted: Planted, bought: dict[str, set[str]]
) -> None:
    events = planted.dataset.events
    kinds: set[str] = set()
    for user in ("user-0", "user-9", "user-50"):
        mine = events.filter(pl.col("user_id") == user)
        for item in ask(service, user, k=30).items:
            product = item.product.product_id
            for reason in item.reasons:
                kinds.add(reason.kind)
                assert reason.text
                other = reason.evidence.get("product_id")
                if other is not None:
                    assert other in bought[user]
                if "times" in reason.evidence:
                    orders = mine.filter(pl.col("product_id") == (other or product))["order_id"]
                    assert reason.evidence["times"] == orders.n_unique()
    assert len(kinds) >= 2, kinds


# Products


def test_similar_products_share_an_aisle(service: SnapshotService) -> None:
    answer = service.similar("product-30", 10)
    listed = [i.product.product_id for i in answer.items]
    assert answer.product.title == "Product 30 of aisle 1"
    assert len(listed) == 10 and "product-30" not in listed
    assert sum(25 <= int(p.split("-")[1]) < 50 for p in listed) >= 7
    with pytest.raises(UnknownProduct, match="nothing"):
        service.similar("nothing", 3)


def test_bought_together_counts_orders(service: SnapshotService, planted: Planted) -> None:
    first, second = planted.pairs[0]
    companion = next(
        i for i in service.bought_together(first, 5).items if i.product.product_id == second
    )
    events = planted.dataset.events
    # The last 30 days are held out, to judge rules by.
    earlier = events.filter(pl.col("at") <= pl.col("at").max() - timedelta(days=30))
    baskets = earlier.group_by("order_id").agg("product_id")["product_id"].to_list()
    both = sum(first in b and second in b for b in baskets)
    assert companion.orders == both
    assert companion.confidence == pytest.approx(both / sum(first in b for b in baskets))
    assert companion.support == pytest.approx(both / len(baskets))
    with pytest.raises(UnknownProduct):
        service.bought_together("nothing", 3)


def test_a_product_in_full(service: SnapshotService, planted: Planted) -> None:
    found = service.product("product-7")
    events = planted.dataset.events.filter(pl.col("product_id") == "product-7")
    assert (found.purchases, found.customers) == (events.height, events["user_id"].n_unique())
    assert found.spend == pytest.approx(events["value"].sum())
    assert found.product.category == "Shelf 1 of aisle 0" and found.product.price == 8.0


def test_searching_products(service: SnapshotService) -> None:
    assert [p.product_id for p in service.search_products("PRODUCT 42 OF", 5)] == ["product-42"]
    assert service.search_products("no such thing", 5) == []
    assert len(service.search_products("", 7)) == 7
    assert service.search_products("(", 5) == []  # text, not a pattern


def test_categories_count_what_is_below(service: SnapshotService) -> None:
    found = {c.category_id: c for c in service.categories()}
    assert len(found) == 16 and found["aisle-0"].products == 25
    assert sum(found[f"aisle-0/shelf-{s}"].products for s in range(3)) == 25


# Baskets


def test_a_basket_is_completed_and_says_by_which_rules(
    service: SnapshotService, planted: Planted
) -> None:
    first, second = planted.pairs[2]
    answer = service.basket([first, "mystery", first], 60)
    assert answer.unknown_products == ["mystery"]
    listed = [i.product.product_id for i in answer.items]
    assert len(set(listed)) == len(listed) == 60 and first not in listed
    by_rule = [i for i in answer.items if i.rules]
    assert second in [i.product.product_id for i in by_rule]
    rule = by_rule[0].rules[0]
    assert rule.antecedent == [first] and f"{rule.confidence:.0%}" in rule.text
    assert answer.fallback is None
    scores = [i.score for i in answer.items]
    assert scores == sorted(scores, reverse=True)


def test_a_basket_nobody_knows(service: SnapshotService) -> None:
    for basket in ([], ["mystery"]):
        answer = service.basket(basket, 5)
        assert len(answer.items) == 5 and answer.unknown_products == basket
        assert answer.fallback is not None and answer.fallback.startswith("No rule matched")


def test_a_basket_of_everything(service: SnapshotService) -> None:
    answer = service.basket([f"product-{i}" for i in range(100)], 5)
    assert answer.items == []
    assert answer.fallback == "The basket holds every product; nothing is left to list."


# Customers and segments


def test_a_customer_in_full(service: SnapshotService, planted: Planted) -> None:
    found = service.user("user-8", 5)
    mine = planted.dataset.events.filter(pl.col("user_id") == "user-8")
    assert found.orders == mine["order_id"].n_unique() and found.purchases == mine.height
    assert found.products == mine["product_id"].n_unique()
    assert found.spend == pytest.approx(mine["value"].sum())
    last = mine.sort("at")["product_id"].to_list()[-10:]
    assert found.history[0].product.product_id in last
    assert [h.last for h in found.history] == sorted((h.last for h in found.history), reverse=True)
    assert len(found.history) == 5 and not found.anonymous
    age = planted.dataset.users.filter(pl.col("user_id") == "user-8")["age"][0]
    assert found.attributes == ({"age": age} if age else {})
    assert found.top_categories[0].category_id == f"aisle-{planted.group[8]}"
    with pytest.raises(UnknownUser, match="nobody"):
        service.user("nobody", 5)


def test_searching_customers(service: SnapshotService) -> None:
    assert [u.user_id for u in service.search_users("USER-19", 3)] == [
        "user-19",
        "user-190",
        "user-191",
    ]
    suggested = service.search_users("", 6)
    assert len({u.user_id for u in suggested}) == 6
    assert len({u.segment.segment_id for u in suggested if u.segment}) > 1


def test_every_customer_is_in_one_segment_page_by_page(service: SnapshotService) -> None:
    segments = service.segments()
    seen: list[str] = []
    for segment in segments.segments:
        first = service.segment_users(segment.segment_id, 0, 7)
        assert first.total == segment.size and len(first.users) == min(7, segment.size)
        page: list[str] = []
        for offset in range(0, first.total, 7):
            found = service.segment_users(segment.segment_id, offset, 7).users
            page += [u.user_id for u in found]
        whole = service.segment_users(segment.segment_id, 0, 10_000).users
        assert page == [u.user_id for u in whole]
        assert [u.strength for u in whole] == sorted((u.strength for u in whole), reverse=True)
        assert service.segment_users(segment.segment_id, first.total, 7).users == []
        assert sum(u.spend or 0 for u in whole) == pytest.approx(segment.spend, rel=1e-5)
        seen += page
    assert len(set(seen)) == len(seen) == 200 - segments.unassigned
    sizes = [s.size for s in segments.segments]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(s.share_of_spend or 0 for s in segments.segments) == pytest.approx(1)


def test_a_segment_in_full(service: SnapshotService) -> None:
    first = service.segments().segments[0]
    found = service.segment(first.segment_id)
    assert (found.name, found.size) == (first.name, first.size)
    assert found.traits[: len(first.traits)] == first.traits
    assert found.traits[0].label.startswith(("Aisle", "Shelf")) and found.traits[0].lift > 1.2
    for call in (service.segment, lambda s: service.segment_users(s, 0, 1)):
        with pytest.raises(UnknownSegment, match=r"no segment has the id 'x'; there are: "):
            call("x")


# The graph


def test_analysts_ask_what_was_learned(service: SnapshotService) -> None:
    asked = (
        "MATCH (:User)-[:MEMBER_OF]->(c:Community {level: 0}) RETURN c.name AS name, count(*) AS n"
    )
    answer = service.query(f"{asked} ORDER BY n DESC", {}, LIMITS).table()
    assert answer.column_names == ["name", "n"]
    shown = [[s.name, s.size] for s in service.segments().segments]
    assert sorted(rows_of(answer)) == sorted(shown)
    found = service.query("MATCH (u:User {id: $id}) RETURN u.id", {"id": "user-1"}, LIMITS)
    assert found.table().to_pydict() == {"u.id": ["user-1"]}
    with pytest.raises(QueryError):
        service.query("MATCH (u) DETACH DELETE u", {}, LIMITS)


# Over HTTP


@pytest.fixture(scope="module")
def http(service: SnapshotService) -> TestClient:
    return TestClient(create_app(lambda: service), raise_server_exceptions=False)


GETS = (
    "/v1/build",
    "/v1/users",
    "/v1/users/user-3",
    "/v1/users/user-3/recommendations?k=50",
    "/v1/users/nobody/recommendations?mode=discover",
    "/v1/products",
    "/v1/products/product-3",
    "/v1/products/product-3/similar",
    "/v1/products/product-3/bought-together",
    "/v1/categories",
    "/v1/segments",
)


@pytest.mark.parametrize("path", GETS)
def test_the_http_service_answers_in_json(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_no_number_is_null_over_http(http: TestClient) -> None:
    answer = http.post("/v1/cypher", json={"query": "RETURN 0.0/0.0 AS x, 1 AS y"})
    assert (answer.status_code, answer.json()) == (
        200,
        {"columns": ["x", "y"], "rows": [[None, 1]]},
    )


def test_attributes_that_are_no_number(tmp_path: Path) -> None:
    users = pl.DataFrame({"user_id": ["a"], "score": [float("nan")], "since": ["2024-01-01"]})
    products = pl.DataFrame({"product_id": ["p"], "weight": [float("inf")]})
    data = shop_of(
        [("a", "p", 0, "o")],
        users=users.with_columns(pl.col("since").str.to_date()),
        products=products,
    )
    home = fresh(tmp_path / "h", data)
    service = SnapshotService(build(home, config_of(home)), home.store, "shop")
    http = TestClient(create_app(lambda: service), raise_server_exceptions=False)
    for path in ("/v1/users/a", "/v1/products/p"):
        answer = http.get(path)
        assert answer.status_code == 200, answer.text
        json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_answers_are_plain_models(service: SnapshotService) -> None:
    assert isinstance(ask(service, "user-3"), BaseModel)
    info = service.build_info()
    assert info.shop == "Corner shop" and info.counts["users"] == 200
    assert info.methods.keys() == {"all", "repeat", "discover"}
    assert {m.name for m in info.metrics} == {"recall", "ndcg"}


# Changing over


def test_a_provider_changes_over_and_survives_damage(own: Home) -> None:
    provider = SnapshotProvider(own, "shop", every=0.01)
    with pytest.raises(SnapshotMissing, match="coterie build"):
        provider()
    provider.refresh()
    first = provider()
    provider.refresh()
    assert provider() is first  # nothing new, nothing read again
    old = own.current()
    own.pointer.write_text("gone\n")
    provider.start()
    provider.stop()
    assert provider() is first
    own.publish(old)
    second = build(own, config_of(own))
    provider.refresh()
    assert provider().build_info().build == second.manifest.build != old


def test_a_snapshot_that_requests_held_is_let_go_when_they_end(own: Home) -> None:
    two_builds(own)
    first, second = own.builds()
    own.publish(first)
    provider = SnapshotProvider(own, "shop")
    provider.refresh()
    request: list[Any] = [provider()]
    request.append(request)  # only the collector ends a cycle
    before = weakref.ref(provider())
    own.publish(second)
    provider.refresh()
    del request
    assert before() is not None
    for _ in range(PATIENT_LOOKS):
        provider.refresh()
    assert before() is None


def test_no_part_of_a_snapshot_outlives_the_requests_that_held_it(own: Home) -> None:
    two_builds(own)
    first, second = own.builds()
    own.publish(first)
    provider = SnapshotProvider(own, "shop")
    provider.refresh()
    request: Any = provider()
    part = weakref.ref(request._insight)  # a cycle by itself
    own.publish(second)
    provider.refresh()
    del request
    provider.refresh()
    assert part() is None


def test_a_watcher_outlives_any_mistake(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = SnapshotProvider(own, "shop", every=0.01)
    monkeypatch.setattr(Snapshot, "load", lambda folder: 1 / 0)
    provider.start()
    monkeypatch.undo()
    for _ in range(500):
        provider._stop.wait(0.01)
        if provider._service is not None:
            break
    provider.stop()
    assert provider().build_info().build == own.current()
