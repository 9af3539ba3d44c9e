"""Lists by the rules of a request, sessions and reasons, over a snapshot built of a small shop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shops import config_of, fresh, shop_of
from starlette.testclient import TestClient

from api.app import create_app
from api.models.base import Mode
from api.models.lists import Reason, RecommendedProduct, SessionEvent, SessionRequest
from api.models.options import ListOptions, ProductFilters
from api.snapshot_service import SnapshotService
from loaders.errors import OptionError, UnknownBrand, UnknownCategory
from loaders.synthetic import Planted
from pipeline.build import build
from pipeline.home import Home
from pipeline.snapshot import Snapshot
from ranking.wording import LANGUAGES, Language

CUSTOMERS = 60
KINDS = {"tea": "drinks", "coffee": "drinks", "bread": "food", "cheese": "food"}
PRODUCTS = [
    (f"{kind}-{i}", f"{kind.title()} number {i}", float(i + 1), kind, f"Brand {i % 2}", i % 3)
    for kind in KINDS
    for i in range(6)
]
NEW = ("tea-new", "Tea number new", 2.0, "tea", "Brand 0", 5)
BARE = ("bare", None, None, None, None, None)


def lines() -> Iterator[tuple[str, str, float, str]]:
    """Customers half of whom drink and half of whom eat, one order a week."""
    for user in range(CUSTOMERS):
        kinds = ("tea", "coffee") if 2 * user < CUSTOMERS else ("bread", "cheese")
        for week in range(8):
            for kind in kinds:
                product = f"{kind}-{(user + week) % 5}"
                yield (f"u{user}", product, 7.0 * week + user / CUSTOMERS, f"o{user}-{week}")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> SnapshotService:
    names = ["product_id", "title", "price", "category_id", "brand", "stock"]
    users = [(f"u{i}", "drinker" if 2 * i < CUSTOMERS else "eater") for i in range(CUSTOMERS)]
    tree = [(c, c.title(), 1, parent) for c, parent in KINDS.items()]
    tree += [(c, c.title(), 0, None) for c in ("drinks", "food")]
    data = shop_of(
        lines(),
        users=pl.DataFrame([*users, ("idle", "eater")], ["user_id", "kind"], orient="row"),
        products=pl.DataFrame([*PRODUCTS, NEW, BARE], names, orient="row"),
        categories=pl.DataFrame(tree, ["category_id", "name", "level", "parent_id"], orient="row"),
    )
    home = fresh(tmp_path_factory.mktemp("lists") / "h", data)
    settings = config_of(home)
    segments = settings.segments.model_copy(
        update={"min_size": 3, "min_segments": 2, "max_segments": 2, "neighbours": 4}
    )
    snapshot = build(home, settings.model_copy(update={"segments": segments}))
    return SnapshotService(snapshot, home.store, "shop")


def ask(service: SnapshotService, user: str = "u0", mode: Mode = "all", **given: Any) -> list[str]:
    k = given.pop("k", 100)
    found = service.recommendations(user, k=k, mode=mode, options=ListOptions(**given))
    return [i.product.product_id for i in found.items]


def where(**wanted: Any) -> set[str]:
    """Products by their columns."""
    rows = [
        dict(zip(("id", "title", "price", "kind", "brand", "stock"), p, strict=True))
        for p in [*PRODUCTS, NEW, BARE]
    ]
    return {r["id"] for r in rows if all(test(r[name]) for name, test in wanted.items())}


OWN = {p for u, p, _, _ in lines() if u == "u0"}
BUYERS = {p: len({u for u, q, _, _ in lines() if q == p}) for p in where(kind=lambda kind: True)}
CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, where()),
    ({"category": ("drinks",)}, where(kind=lambda k: k in ("tea", "coffee"))),
    ({"category": ("bread", "tea")}, where(kind=lambda k: k in ("bread", "tea"))),
    ({"brand": ("BRAND 1",)}, where(brand=lambda b: b == "Brand 1")),
    ({"min_price": 2, "max_price": 3}, where(price=lambda p: p is not None and 2 <= p <= 3)),
    ({"in_stock": True}, where(stock=lambda n: n is not None and n > 0)),
    ({"exclude": ("tea-1", "unheard")}, where() - {"tea-1"}),
    ({"bought": "only"}, OWN),
    ({"bought": "exclude"}, where() - OWN),
    ({"min_novelty": 1.0}, where()),  # each is bought by half of the customers or by nobody
    ({"min_novelty": 1.01}, {p for p, n in BUYERS.items() if not n}),
    (
        {"category": ("drinks",), "max_price": 4, "bought": "exclude", "in_stock": True},
        where(
            kind=lambda k: k in ("tea", "coffee"),
            price=lambda p: p is not None and p <= 4,
            stock=lambda n: n is not None and n > 0,
        )
        - OWN,
    ),
]


@pytest.mark.parametrize(("options", "expected"), CASES, ids=[str(options) for options, _ in CASES])
def test_a_list_holds_all_that_fits_and_nothing_else(
    service: SnapshotService, options: dict[str, Any], expected: set[str]
) -> None:
    for diversity in (0.0, 0.7):
        listed = ask(service, **options, diversity=diversity)
        assert len(listed) == len(set(listed)) and set(listed) == expected
        assert ask(service, **options, diversity=diversity, k=3) == listed[:3] or diversity
        assert len(ask(service, **options, diversity=diversity, k=3)) == min(3, len(expected))


def test_at_most_some_of_a_category(service: SnapshotService) -> None:
    listed = ask(service, per_category=2)
    kinds = [p.rpartition("-")[0] for p in listed if p != "bare"]
    assert len(listed) == 9 and all(kinds.count(kind) == 2 for kind in KINDS)
    assert ask(service, per_category=2, category=("tea",)) == [p for p in listed if "tea" in p]


def test_variety_mixes_kinds(service: SnapshotService) -> None:
    def kinds(diversity: float) -> int:
        listed = ask(service, "u0", "repeat", diversity=diversity, k=2)
        return len({p.rpartition("-")[0] for p in listed})

    assert kinds(1.0) == 2


def test_rules_that_cannot_be_kept_say_what_to_do(service: SnapshotService) -> None:
    with pytest.raises(OptionError, match="min_price: 5 is above max_price 3; swap them"):
        ask(service, min_price=5, max_price=3)
    with pytest.raises(OptionError, match="mode=repeat means bought=only; leave bought out"):
        ask(service, mode="repeat", bought="exclude")
    with pytest.raises(UnknownBrand, match="no product has the brand 'Brnd 1'; did you mean 'Br"):
        ask(service, brand=("Brnd 1",))
    with pytest.raises(UnknownCategory, match=r"'Chees'; did you mean 'cheese' \(Cheese\)\?"):
        ask(service, category=("Chees",))


def test_problems_name_the_parameter(service: SnapshotService, built: Home) -> None:
    client = TestClient(create_app(lambda: service), raise_server_exceptions=False)
    answer = client.get("/v1/users/u0/recommendations?min_price=5&max_price=3")
    assert answer.status_code == 422
    body = answer.json()
    assert body["type"] == "urn:coterie:problem:invalid-request"
    assert body["errors"] == [
        {"field": "query.min_price", "message": "5 is above max_price 3; swap them"}
    ]
    missing = client.get("/v1/users/u0/recommendations?brand=Nobody").json()
    assert (missing["status"], missing["type"]) == (404, "urn:coterie:problem:unknown-brand")
    for wrong in ("diversity=2", "per_category=0", "min_novelty=-1", "max_price=nan", "new=-1"):
        assert client.get(f"/v1/users/u0/recommendations?{wrong}").status_code == 422, wrong
    plain = SnapshotService(Snapshot.load(built.snapshot()), built.store, "shop")
    with pytest.raises(OptionError, match="load them with a column in_stock"):
        ask(plain, "user-1", in_stock=True)


# Similar products and baskets


def test_similar_products_by_rules(service: SnapshotService) -> None:
    found = service.similar("tea-1", 100, ProductFilters(max_price=3))
    listed = {i.product.product_id for i in found.items}
    sold = {p for p, n in BUYERS.items() if n}
    assert listed == (where(price=lambda p: p is not None and p <= 3) & sold) - {"tea-1"}
    scores = [i.score for i in found.items]
    assert scores == sorted(scores, reverse=True)


def test_baskets_by_rules(service: SnapshotService) -> None:
    found = service.basket(["tea-1"], 50, ProductFilters(category=("food",), exclude=("bread-1",)))
    listed = {i.product.product_id for i in found.items}
    assert listed == where(kind=lambda k: k in ("bread", "cheese")) - {"bread-1"}


# New products


def test_a_product_nobody_bought_finds_its_like_and_may_be_listed(service: SnapshotService) -> None:
    alike = service.similar("tea-new", 3).items
    assert all(i.product.category_id == "tea" and i.source == "features" for i in alike)
    assert "tea-new" not in [i.product.product_id for i in service.similar("tea-2", 50).items]
    with_new = service.similar("tea-2", 50, new=1).items
    assert [i.source for i in with_new if i.product.product_id == "tea-new"] == ["features"]
    found = service.recommendations("u0", k=5, mode="discover", options=ListOptions(new=1))
    (item,) = [i for i in found.items if i.source == "new product"]
    assert item.product.category_id in ("tea", "coffee") and item.rank == 1
    assert item.reasons[-1].kind == "new" and item.reasons[-1].evidence["product_id"] in BUYERS
    assert not ask(service, "u0", "repeat", new=3, category=("tea",)).count("tea-new")


# Visitors


def visit(service: SnapshotService, *events: SessionEvent, **attributes: str) -> Any:
    request = SessionRequest(events=list(events), attributes=attributes)
    return service.session(request, k=6)


def kinds_of(items: list[RecommendedProduct]) -> list[str | None]:
    return [i.product.category_id for i in items]


def test_a_visitor_is_folded_in_by_what_they_just_did(service: SnapshotService) -> None:
    answer = visit(service, SessionEvent(product_id="tea-1"), SessionEvent(product_id="unheard"))
    assert (answer.source, answer.unknown_products) == ("session", ["unheard"])
    assert set(kinds_of(answer.items[:4])) <= {"tea", "coffee"}
    assert "tea-1" not in [i.product.product_id for i in answer.items]
    assert answer.fallback is None and answer.segment is None
    told = [r for i in answer.items for r in i.reasons if "product_id" in r.evidence]
    assert told and {r.evidence["product_id"] for r in told} == {"tea-1"}


def test_what_a_visitor_did_may_be_listed_again(service: SnapshotService) -> None:
    seen = [SessionEvent(product_id=p, event="purchase") for p in ("tea-1", "bare")]
    request = SessionRequest(events=seen)
    again = service.session(request, k=30, options=ListOptions(bought="include"))
    ids = [i.product.product_id for i in again.items]
    assert {"tea-1", "bare"} <= set(ids) and ids.index("tea-1") < 6
    assert again.method == again.items[0].source == "lifted popularity"
    only = service.session(request, k=30, options=ListOptions(bought="only"))
    assert [i.product.product_id for i in only.items] == ["tea-1", "bare"]


def test_later_and_stronger_events_count_more(service: SnapshotService) -> None:
    now = datetime(2024, 3, 1, tzinfo=UTC)

    def first(tea: timedelta, event: Any) -> str | None:
        answer = visit(
            service,
            SessionEvent(product_id="tea-1", event=event, at=now - tea),
            SessionEvent(product_id="bread-1", at=now),
        )
        return kinds_of(answer.items)[0]

    assert first(timedelta(0), "purchase") in ("tea", "coffee")
    assert first(timedelta(hours=10), "purchase") in ("bread", "cheese")


def test_attributes_place_a_visitor_where_events_say_nothing(service: SnapshotService) -> None:
    answer = visit(service, kind="eater")
    assert answer.source == "segment" and answer.method == "segment popularity"
    assert answer.segment is not None and answer.segment.name in str(answer.fallback)
    assert set(kinds_of(answer.items[:5])) <= {"bread", "cheese"}
    unsaid = visit(service, SessionEvent(product_id="bare"), kind="eater")
    assert unsaid.source == "segment" and "bare" not in [i.product.product_id for i in unsaid.items]


def test_of_whom_nothing_is_known_gets_what_is_popular(service: SnapshotService) -> None:
    answer = visit(service, kind="martian")
    assert (answer.source, answer.method) == ("popularity", "recent popularity")
    assert "Too little is known of this visitor" in str(answer.fallback)
    assert len(answer.items) == 6


def test_a_customer_without_purchases_gets_their_segments(service: SnapshotService) -> None:
    answer = service.recommendations("idle", k=5, mode="discover", language="zh")
    assert (answer.user_known, answer.source) == (True, "segment")
    assert set(kinds_of(answer.items)) <= {"bread", "cheese"}
    assert "客群近期热销的商品" in str(answer.fallback)
    assert service.recommendations("u0", k=5, mode="all").source == "history"
    assert service.recommendations("nobody", k=5, mode="all").source == "popularity"
    assert service.recommendations("nobody", k=5, mode="repeat").source == "none"


# Reasons, against the events


class Truth:
    """What a reason should say, counted from the planted shop's events one by one."""

    def __init__(self, planted: Planted, snapshot: Snapshot) -> None:
        self.events = planted.dataset.events
        self.end = self.events["at"].max()
        orders = self.events.group_by("order_id").agg("product_id", pl.col("at").max())
        # Rules are found in what lies before the last 30 days, and judged by these.
        before = orders.filter(pl.col("at") <= self.end - timedelta(days=30))
        self.baskets = before["product_id"].to_list()
        segments = snapshot.segmentation
        self.members = {
            s.id: {snapshot.user_ids.id(int(u)) for u in (segments.member == i).nonzero()[0]}
            for i, s in enumerate(segments.segments)
        }
        self.titles = dict(planted.dataset.products.select("product_id", "title").iter_rows())
        self.names = {s.id: s.name for s in segments.segments}

    def bought(self, user: str, product: str) -> dict[str, Any]:
        mine = self.events.filter(pl.col("user_id") == user, pl.col("product_id") == product)
        days = mine["at"].dt.epoch("us") / 86_400e6
        visits = days.floor().n_unique()
        found = {"times": mine["order_id"].n_unique(), "last": str(mine["at"].max())[:10]}
        found["days_ago"] = int((self.end - mine["at"].max()).total_seconds() // 86_400)
        if visits > 1:
            found["interval_days"] = float(days.max() - days.min()) / (visits - 1)  # type: ignore[operator]
        return found

    def rule(self, antecedent: str, product: str) -> dict[str, float]:
        first = [b for b in self.baskets if antecedent in b]
        both, second = sum(product in b for b in first), sum(product in b for b in self.baskets)
        confidence = both / len(first)
        return {
            "support": both / len(self.baskets),
            "confidence": confidence,
            "lift": confidence / (second / len(self.baskets)),
        }

    def buyers(self, product: str) -> set[str]:
        return set(self.events.filter(pl.col("product_id") == product)["user_id"])

    def popular(self, product: str) -> dict[str, Any]:
        since = self.end - timedelta(days=28)
        late = self.events.filter(pl.col("product_id") == product, pl.col("at") >= since)
        found = {"buyers": len(self.buyers(product)), "recent": late["user_id"].n_unique()}
        return found | ({"days": 28.0, "until": str(self.end)[:10]} if found["recent"] else {})

    def segment(self, segment: str, product: str) -> dict[str, float]:
        buyers, members = self.buyers(product), self.members[segment]
        everyone = self.events["user_id"].n_unique()
        share = len(buyers & members) / len(members)
        return {"lift": share / (len(buyers) / everyone), "buyers": len(buyers & members)}

    def of(self, user: str, product: str, reason: Reason) -> dict[str, Any]:
        other = str(reason.evidence.get("product_id"))
        own = self.bought(user, other) if "times" in reason.evidence and other != "None" else {}
        own = {name: own[name] for name in ("times", "last") if name in own}
        match reason.kind:
            case "history":
                return self.bought(user, product)
            case "rule":
                return {"product_id": other, **self.rule(other, product), **own}
            case "segment":
                segment = str(reason.evidence["segment_id"])
                return {"segment_id": segment, **self.segment(segment, product)}
            case "popular":
                return self.popular(product)
        raise AssertionError(reason.kind)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_of_every_reason_is_true(
    language: Language, built: Home, planted: Planted
) -> None:
    snapshot = Snapshot.load(built.snapshot())
    service, truth = SnapshotService(snapshot, built.store, "shop"), Truth(planted, snapshot)
    kinds: set[str] = set()
    for user in ("user-0", "user-9", "user-50", "user-101"):
        for item in service.recommendations(user, k=40, mode="all", language=language).items:
            for reason in item.reasons:
                kinds.add(reason.kind)
                product = item.product.product_id
                if reason.kind == "similar":
                    expected = similarity(snapshot, product, reason, truth, user)
                else:
                    expected = truth.of(user, product, reason)
                assert rounded(reason.evidence) == rounded(expected)
                told(reason, truth, language)
    assert kinds >= {"history", "rule", "segment", "popular"}


def rounded(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers to four digits that count: arrays hold them in single precision."""
    return {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in evidence.items()
    }


def similarity(
    snapshot: Snapshot, product: str, reason: Reason, truth: Truth, user: str
) -> dict[str, Any]:
    rows = [snapshot.product_ids.row(str(p)) for p in (product, reason.evidence["product_id"])]
    first, second = snapshot.likeness.learned[rows]  # type: ignore[index]
    own = truth.bought(user, str(reason.evidence["product_id"]))
    return {
        "product_id": reason.evidence["product_id"],
        "similarity": float(first @ second),
        "times": own["times"],
        "last": own["last"],
    }


def told(reason: Reason, truth: Truth, language: Language) -> None:
    """The sentence says the evidence's numbers and no other."""
    other = reason.evidence.get("product_id")
    name = truth.titles[str(other)] if other else ""
    name = name or truth.names.get(str(reason.evidence.get("segment_id")), "")
    assert name in reason.text
    left = reason.text.replace(name, "") if name else reason.text
    left = re.sub(r"\d+ (?:\w{3}) \d{4}|\d{4}年\d+月\d+日", "", left)
    dates = [reason.evidence[n] for n in ("last", "until") if n in reason.evidence]
    for date in dates:
        day = datetime.fromisoformat(str(date))
        shown = f"{day.day} {day:%b} {day.year}"
        zh = f"{day.year}年{day.month}月{day.day}日"
        assert (shown if language == "en" else zh) in reason.text
    values = [v for v in reason.evidence.values() if isinstance(v, int | float)]
    for number in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?%?", left):
        value = float(number.strip("%").replace(",", "")) / (100 if number.endswith("%") else 1)
        near = 0.006 if number.endswith("%") else 0.51
        assert any(abs(value - v) <= near for v in values), (number, reason)
    assert bool(re.search(r"[一-鿿]", left)) == (language == "zh")


def test_a_shop_without_categories_or_brands_says_so(tmp_path: Path) -> None:
    home = fresh(tmp_path / "h", shop_of([("a", "p", 0, "o"), ("a", "q", 1, "r")]))
    bare = SnapshotService(build(home, config_of(home)), home.store, "shop")
    with pytest.raises(UnknownBrand, match="no product of this shop has a brand"):
        ask(bare, "a", brand=("x",))
    with pytest.raises(UnknownCategory, match=r"the shop has no category 'x'$"):
        ask(bare, "a", category=("x",))
    assert ask(bare, "a", per_category=1, diversity=0.5) in (["p", "q"], ["q", "p"])
