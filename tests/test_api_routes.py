"""Each route's answer over the hand-made shop, worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from api_client import client
from api_fixture import TinyService
from api_shop import SLASHED
from starlette.testclient import TestClient

from api.app import create_app
from graph.answer import Answer

BREAD = {
    "product_id": "bread",
    "title": "Bread",
    "price": 2.0,
    "category_id": "food/bakery",
    "category": "Bakery",
    "brand": "Oven",
}


def get(path: str, **parameters: Any) -> Any:
    response = client().get(path, params=parameters)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def listed(answer: Any) -> list[str]:
    return [item["product"]["product_id"] for item in answer["items"]]


def test_users_are_searched_by_part_of_their_id() -> None:
    assert [u["user_id"] for u in get("/v1/users", search="NN")["users"]] == ["ann"]
    assert get("/v1/users", search="nobody") == {"users": [], "next_cursor": None}


def test_users_are_suggested_where_nothing_is_searched() -> None:
    assert get("/v1/users", limit=2)["users"] == [
        {
            "user_id": "ann",
            "orders": 3,
            "spend": 16.0,
            "last_purchase": "2024-03-09T12:00:00Z",
            "segment": {"segment_id": "breakfast", "name": "Bakery & dairy"},
        },
        {
            "user_id": "bob",
            "orders": 2,
            "spend": 16.0,
            "last_purchase": "2024-03-08T12:00:00Z",
            "segment": {"segment_id": "tea/coffee", "name": "Drinks"},
        },
    ]


def test_a_profile() -> None:
    answer = get("/v1/users/ann", history=1)
    assert answer == {
        "user_id": "ann",
        "anonymous": False,
        "attributes": {"age": "30-44"},
        "segment": {"segment_id": "breakfast", "name": "Bakery & dairy"},
        "orders": 3,
        "products": 3,
        "purchases": 6,
        "spend": 16.0,
        "first_purchase": "2024-03-01T12:00:00Z",
        "last_purchase": "2024-03-09T12:00:00Z",
        "top_categories": [
            {
                "category_id": "food/bakery",
                "name": "Bakery",
                "purchases": 4,
                "share": 0.6667,
                "spend": 10.0,
            },
            {
                "category_id": "food/dairy",
                "name": "Dairy",
                "purchases": 2,
                "share": 0.3333,
                "spend": 6.0,
            },
        ],
        "history": [
            {"product": BREAD, "times": 3, "last": "2024-03-09T12:00:00Z", "spend": 6.0},
        ],
    }


@pytest.mark.parametrize(
    "path",
    [
        "/v1/users/anonymous/123",
        "/v1/users/anonymous%2F123",
        "/v1/users/anonymous%2f123",
    ],
)
def test_an_id_with_a_slash_is_found_plain_and_escaped(path: str) -> None:
    answer = get(path)
    assert (answer["user_id"], answer["anonymous"]) == ("anonymous/123", True)
    assert get(f"{path}/recommendations")["user_id"] == "anonymous/123"


def test_ids_with_spaces_and_other_letters() -> None:
    assert get("/v1/users/Zo%C3%AB%20M%C3%BCller")["user_id"] == "Zoë Müller"
    assert get("/v1/products/kaffee-s%C3%BC%C3%9F")["product"]["title"] == "Süßer Kaffee"
    assert get("/v1/products/tea%2Fgreen%2050%20g/similar")["product"]["product_id"] == SLASHED
    assert get("/v1/segments/tea/coffee")["name"] == "Drinks"
    assert get("/v1/segments/tea%2Fcoffee/users")["total"] == 1


def test_an_escaped_slash_keeps_an_id_apart_from_a_route() -> None:
    answer = client().get("/v1/users/x%2Frecommendations")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "no customer has the id 'x/recommendations'"


def test_recommendations_with_reasons() -> None:
    answer = get("/v1/users/ann/recommendations", k=1)
    assert answer == {
        "user_id": "ann",
        "user_known": True,
        "mode": "all",
        "source": "history",
        "method": "frequency",
        "fallback": None,
        "build": "build-1",
        "experiment": None,
        "items": [
            {
                "rank": 1,
                "score": 1.0,
                "product": BREAD,
                "source": "frequency",
                "reasons": [
                    {
                        "kind": "bought-before",
                        "text": "Bought 3 times, last 0 days ago.",
                        "evidence": {"times": 3, "days_ago": 0},
                    }
                ],
                "merchandising": [],
            }
        ],
    }


def test_recommendations_by_mode_category_and_exclusion() -> None:
    path = "/v1/users/ann/recommendations"
    assert listed(get(path, mode="repeat")) == ["bread", "butter", "jam"]
    assert listed(get(path, mode="discover")) == [SLASHED, "kaffee-süß"]
    assert listed(get(path, category="food/bakery")) == ["bread", "jam"]
    assert listed(get(path, mode="repeat", exclude=["jam", "bread", "unheard"])) == ["butter"]


def test_filters_are_the_same_on_every_list() -> None:
    path = "/v1/users/ann/recommendations"
    assert listed(get(path, min_price=3, max_price=4)) == ["butter", "jam"]
    assert listed(get(path, category=["drinks", "food/dairy"])) == ["butter", SLASHED, "kaffee-süß"]
    assert listed(get("/v1/products/bread/similar", max_price=3)) == ["butter"]
    body = {"product_ids": ["bread"]}
    answer = client().post("/v1/basket/recommendations?min_price=5", json=body)
    assert listed(answer.json()) == [SLASHED]
    answer = client().post("/v1/session/recommendations?category=food&k=2", json={})
    assert listed(answer.json()) == ["bread", "butter"]


@pytest.mark.parametrize(
    ("lang", "header", "spoken", "text"),
    [
        ("zh", "en", "zh", "买过3次，最近一次在0天前"),
        ("zh-Hans-CN", "", "zh", "买过3次，最近一次在0天前"),
        ("fr", "zh", "en", "Bought 3 times, last 0 days ago."),
        (None, "fr-CH, zh-TW;q=0.9, en;q=0.8", "zh", "买过3次，最近一次在0天前"),
        (None, "zh;q=0, *", "en", "Bought 3 times, last 0 days ago."),
        (None, "zh;q=high", "en", "Bought 3 times, last 0 days ago."),
    ],
)
def test_reasons_are_told_in_the_language_asked_for(
    lang: str | None, header: str, spoken: str, text: str
) -> None:
    answer = client().get(
        "/v1/users/ann/recommendations",
        params={"lang": lang} if lang else {},
        headers={"Accept-Language": header},
    )
    assert answer.json()["items"][0]["reasons"][0]["text"] == text
    assert answer.headers["content-language"] == spoken
    assert "Accept-Language" in answer.headers["vary"]


def test_a_session() -> None:
    body = {
        "events": [
            {"product_id": "bread", "event": "add_to_cart", "at": "2024-03-09T12:00:00+08:00"},
            {"product_id": "unheard"},
        ]
    }
    answer = client().post("/v1/session/recommendations", json=body).json()
    assert (answer["source"], answer["unknown_products"]) == ("session", ["unheard"])
    assert "bread" not in listed(answer)
    odd = {"events": [{"product_id": "bread", "at": "2024-03-09T12:00:00"}]}
    problem = client().post("/v1/session/recommendations", json=odd).json()
    assert problem["errors"] == [
        {"field": "body.events.0.at", "message": "Input should have timezone info"}
    ]
    number = {"events": [{"product_id": "bread", "at": 1_709_985_600}]}
    problem = client().post("/v1/session/recommendations", json=number).json()
    assert problem["errors"][0]["field"] == "body.events.0.at"
    assert "expected a time as text" in problem["errors"][0]["message"]


def test_an_unknown_user_gets_the_fallback_and_is_told() -> None:
    answer = get("/v1/users/stranger/recommendations", k=2, mode="repeat")
    assert answer["user_known"] is False
    assert answer["fallback"] == "Nobody has this id yet, so this is what most customers buy."
    assert listed(answer) == ["bread", "butter"]


def test_products() -> None:
    found = get("/v1/products", search="TEA")["products"]
    assert [p["product_id"] for p in found] == [SLASHED]
    assert get("/v1/products", limit=1)["products"] == [BREAD]
    assert get("/v1/products/bread") == {
        "product": BREAD,
        "attributes": {},
        "customers": 3,
        "purchases": 5,
        "spend": 10.0,
    }


def test_similar() -> None:
    items = get("/v1/products/butter/similar", k=1)["items"]
    assert items == [{"product": BREAD, "score": 1.0, "source": "customers"}]


def test_bought_together() -> None:
    answer = get("/v1/products/jam/bought-together")
    assert listed(answer) == ["butter", "bread"]
    assert answer["items"][0] | {"product": None} == {
        "product": None,
        "support": 0.1429,
        "confidence": 1.0,
        "lift": 2.3333,
        "orders": 1,
        "evidence": {},
    }


def test_a_basket_is_completed_and_says_by_which_rules() -> None:
    response = client().post(
        "/v1/basket/recommendations", json={"product_ids": ["bread", "jam", "unheard"], "k": 1}
    )
    answer = response.json()
    assert listed(answer) == ["butter"]
    assert answer["unknown_products"] == ["unheard"]
    rules = answer["items"][0]["rules"]
    assert [r["antecedent"] for r in rules] == [["bread"], ["jam"]]
    assert rules[1] == {
        "antecedent": ["jam"],
        "level": "product",
        "text": "100% of orders with Strawberry jam hold it.",
        "support": 0.1429,
        "confidence": 1.0,
        "lift": 2.3333,
        "q_value": None,
        "later_confidence": None,
    }


def test_categories() -> None:
    assert get("/v1/categories")["categories"][1:3] == [
        {"category_id": "food", "name": "Food", "level": 0, "parent_id": None, "products": 3},
        {
            "category_id": "food/bakery",
            "name": "Bakery",
            "level": 1,
            "parent_id": "food",
            "products": 2,
        },
    ]


def test_segments() -> None:
    answer = get("/v1/segments")
    assert (answer["unassigned"], answer["modularity"]) == (1, 0.4)
    assert [s["name"] for s in answer["segments"]] == ["Bakery & dairy", "Drinks"]
    assert answer["segments"][1] == {
        "segment_id": "tea/coffee",
        "name": "Drinks",
        "level": 0,
        "parent_id": None,
        "size": 1,
        "share_of_customers": 0.25,
        "spend": 16.0,
        "share_of_spend": 0.3636,
        "stability": None,
        "trust": None,
        "traits": [
            {
                "kind": "category",
                "id": "drinks",
                "label": "Drinks",
                "share": 1.0,
                "share_overall": 0.3333,
                "lift": 3.0,
                "customers": None,
                "p_value": None,
            }
        ],
    }


def test_a_segment_in_full() -> None:
    answer = get("/v1/segments/breakfast")
    assert (answer["size"], answer["orders_per_customer"]) == (2, 2.0)
    assert (answer["spend_per_customer"], answer["connected"]) == (10.5, True)


def test_members_are_paged_by_cursor() -> None:
    path = "/v1/segments/breakfast/users"
    first = get(path, limit=1)
    assert first["total"] == 2
    assert [u["user_id"] for u in first["users"]] == ["ann"]
    second = get(path, limit=1, cursor=first["next_cursor"])
    assert [u["user_id"] for u in second["users"]] == ["Zoë Müller"]
    assert second["next_cursor"] is None


def test_cypher() -> None:
    body = {"query": "MATCH (c:Community) RETURN c.name, c.size", "rows": 1}
    answer = client().post("/v1/cypher", json=body).json()
    assert answer == {"columns": ["segment", "customers"], "rows": [["Bakery & dairy", 2]]}


def test_values_that_json_lacks_are_written_all_the_same() -> None:
    class Odd(TinyService):
        def query(self, cypher: str, parameters: Any, limits: Any, stop: Any) -> Answer:
            row = {
                "a": float("nan"),
                "b": b"\xff",
                "c": timedelta(days=1),
                "d": {"at": date(2024, 3, 1)},
                "e": Decimal("1.50"),
            }
            return Answer.of(pa.Table.from_pylist([row]))

    answer = client(Odd()).post("/v1/cypher", json={"query": "MATCH (n) RETURN n"}).json()
    assert answer["rows"] == [[None, "_w==", "P1D", {"at": "2024-03-01"}, "1.50"]]


def test_what_there_is_to_ask_about() -> None:
    answer = get("/v1/schema")
    assert [label["label"] for label in answer["labels"]] == ["Brand"]
    assert answer["relationships"][0]["build"] == "20180101T020500-4f1c"


def test_the_server_caps_what_a_query_may_ask_for() -> None:
    body = {"query": "MATCH (n) RETURN n", "rows": 50}
    answer = client(query_rows=1).post("/v1/cypher", json=body).json()
    assert len(answer["rows"]) == 1


def test_build_and_health() -> None:
    answer = get("/v1/build")
    assert answer["counts"] == {
        "users": 4,
        "products": 5,
        "purchases": 13,
        "orders": 7,
        "segments": 2,
    }
    assert answer["methods"]["discover"] == "popularity"
    assert get("/health/live") == {"status": "live", "build": None}
    ready = get("/health/ready")
    assert (ready["status"], ready["build"]) == ("ready", "build-1")
    assert [(p["name"], p["state"]) for p in ready["parts"]] == [("snapshot", "ok")]


def test_a_new_snapshot_answers_from_the_next_request_on() -> None:
    published = TinyService(build="old")
    served = TestClient(create_app(lambda: published))
    assert served.get("/v1/build").json()["build"] == "old"
    published = TinyService(build="new")
    assert served.get("/v1/build").json()["build"] == "new"
