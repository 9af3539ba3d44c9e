"""Who is in an audience, worked out by hand over the six customers of ``audience_shop``."""

from __future__ import annotations

from typing import Any

import pytest
from audience_shop import DID, Did, defined, tables_of, who

from loaders.errors import AudienceError

BOUGHT = {"kind": "bought"}
COFFEE = {"kind": "bought", "category": "coffee"}


@pytest.mark.parametrize(
    ("where", "members"),
    [
        (BOUGHT, ["ann", "bob", "cat", "dan"]),
        (COFFEE, ["ann", "bob", "cat"]),
        ({**COFFEE, "brand": "Leaf"}, []),
        ({"kind": "bought", "brand": ["Leaf", "Roma"], "product": "green"}, ["bob"]),
        # ann's two coffees of day 10 are one order, so she has two; the last 5 days hold one.
        ({**COFFEE, "times": 2}, ["ann"]),
        ({**COFFEE, "times": 3}, []),
        # Day 95 is within the last 5 days, to the second.
        ({**COFFEE, "days": 5}, ["ann"]),
        ({**COFFEE, "days": 4.99}, []),
        ({**COFFEE, "days": 30, "until_days": 5}, ["ann", "bob"]),
        ({**COFFEE, "until_days": 70}, ["ann", "cat"]),
        ({"kind": "bought", "value": 15}, ["ann", "bob"]),
        ({"kind": "bought", "value": 15.01}, ["ann"]),
        # A mug of unknown price is no money.
        ({"kind": "bought", "product": "mug", "value": 0.01}, ["ann", "dan"]),
        ({"kind": "bought", "event": "add_to_cart", "product": "green"}, ["cat", "dan"]),
        ({"kind": "not_bought", "category": "coffee"}, ["dan", "eve"]),
        ({"kind": "not_bought", "category": "coffee", "days": 40}, ["cat", "dan", "eve"]),
        ({"kind": "not_bought"}, ["eve"]),
    ],
)
def test_bought_or_not(where: dict[str, Any], members: list[str]) -> None:
    assert who(where) == members


def sequence(first: Any, second: Any, within: float, **more: Any) -> dict[str, Any]:
    way = "then_not" if more.pop("unless", False) else "then"
    return {"kind": "sequence", "first": first, way: second, "within_days": within, **more}


CARTED = {"event": "add_to_cart"}


@pytest.mark.parametrize(
    ("where", "members"),
    [
        # ann: espresso on day 95, a mug half a day later; cat: 40 days later.
        (sequence({"product": "espresso"}, {"product": "mug"}, 1), ["ann"]),
        (sequence({"product": "espresso"}, {"product": "mug"}, 0.5), ["ann"]),
        (sequence({"product": "espresso"}, {"product": "mug"}, 0.49), []),
        (sequence({"product": "espresso"}, {"product": "mug"}, 40), ["ann", "cat"]),
        # The two coffees of one order are of one moment: neither comes after the other.
        (sequence({"product": "espresso"}, {"product": "filter"}, 400), []),
        (sequence({"product": "espresso"}, {"product": "mug"}, 40, days=50), ["ann"]),
        # dan carted a mug and bought it two days later; the tea of day 99 he may still buy.
        (sequence(CARTED, {}, 3), ["dan"]),
        (sequence(CARTED, {}, 3, unless=True), ["cat"]),
        (sequence(CARTED, {}, 1, unless=True), ["cat", "dan"]),
        (sequence(CARTED, {}, 6, unless=True, same_product=True), ["cat"]),
        (sequence(CARTED, {}, 1, unless=True, same_product=True), ["cat", "dan"]),
        (sequence({}, {}, 40, same_product=True), ["bob"]),
        (sequence({}, {}, 85, same_product=True), ["ann", "bob"]),
        (sequence({}, {}, 39.99, same_product=True), []),
    ],
)
def test_one_thing_then_the_other_or_not(where: dict[str, Any], members: list[str]) -> None:
    assert who(where) == members


@pytest.mark.parametrize(
    ("where", "members"),
    [
        # Of their money, coffee is 20 of 25 for ann, 9 of 15 for bob, all for cat, none for dan.
        ({"category": "coffee", "min": 0.8}, ["ann", "cat"]),
        ({"category": "coffee", "min": 0.800001}, ["cat"]),
        ({"category": "coffee", "min": 0.6, "max": 0.8}, ["ann", "bob"]),
        ({"brand": "Leaf", "max": 0.4}, ["ann", "bob", "cat", "dan"]),
        ({"brand": "Leaf", "min": 0.4}, ["bob"]),
        # In the last 10 days: ann 8 of 13, bob 0 of 3, dan 0 of 5; cat and eve spent nothing.
        ({"category": "coffee", "max": 0.7, "days": 10}, ["ann", "bob", "dan"]),
    ],
)
def test_share_of_spend(where: dict[str, Any], members: list[str]) -> None:
    assert who({"kind": "share", **where}) == members


@pytest.mark.parametrize(
    ("where", "members"),
    [
        ({"kind": "segment", "any_of": "s-1"}, ["ann", "cat"]),
        ({"kind": "segment", "any_of": ["s-1", "s-2"], "min_strength": 0.5}, ["ann", "cat", "dan"]),
        ({"kind": "stage", "any_of": ["lost", "at risk"]}, ["bob", "cat"]),
        ({"kind": "rfm", "any_of": "5??"}, ["ann", "dan"]),
        ({"kind": "rfm", "any_of": ["555", "?4?"]}, ["ann", "bob"]),
        ({"kind": "value", "min": 15}, ["ann", "bob"]),
        ({"kind": "value", "of": "orders", "max": 1}, ["dan", "eve"]),
        ({"kind": "value", "of": "expected_value", "min": 10, "max": 12}, ["bob", "dan"]),
        ({"kind": "churn", "min": 0.5}, ["bob", "cat"]),
        ({"kind": "churn", "of": "probability_alive", "max": 0.1}, ["cat"]),
        ({"kind": "rhythm", "max": 6}, ["ann", "dan"]),
        ({"kind": "rhythm", "of": "usual_interval_days", "min": 40}, ["ann", "cat"]),
        (
            {"kind": "attribute", "name": "city", "any_of": ["Bonn", "O'Hara"]},
            ["ann", "cat", "eve"],
        ),
        ({"kind": "attribute", "name": "age", "any_of": 45}, ["bob"]),
        ({"kind": "attribute", "name": "age", "any_of": "45"}, ["bob"]),
        ({"kind": "attribute", "name": "age", "min": 20, "max": 45}, ["ann", "bob"]),
        ({"kind": "attribute", "name": "age", "missing": True}, ["cat"]),
        # ann's list is green, (nothing), mug; what is in a place that is empty is nobody's taste.
        ({"kind": "likes", "product": "mug", "top": 1}, ["bob"]),
        ({"kind": "likes", "product": "mug", "top": 3}, ["ann", "bob", "cat"]),
        ({"kind": "likes", "category": "coffee", "top": 2}, ["bob", "dan"]),
    ],
)
def test_what_is_known_of_a_customer(where: dict[str, Any], members: list[str]) -> None:
    assert who(where) == members


def test_look_alikes_are_the_nearest_by_angle_without_the_examples() -> None:
    # To ann (1, 0): cat has cosine .999, bob .6, dan 0; eve has no vector, fay no account.
    like = {"kind": "similar", "users": ["ann"]}
    assert who({**like, "top": 1}) == ["cat"]
    assert who({**like, "min_similarity": 0.6}) == ["bob", "cat"]
    assert who({**like, "min_similarity": -1}) == ["bob", "cat", "dan"]
    assert who({**like, "top": 2, "themselves": True}) == ["ann", "cat"]
    # The mean of ann and dan points to (1, 1), where bob is.
    assert who({**like, "users": ["ann", "dan"], "top": 1}) == ["bob"]
    seeds = defined({"kind": "stage", "any_of": "mature"}, "mature")
    assert who({"kind": "similar", "audience": "mature", "top": 1}, library=[seeds]) == ["cat"]


def test_groups_and_other_audiences() -> None:
    lapsed = defined({"kind": "not_bought", "days": 20}, "lapsed")
    inside = {"kind": "audience", "name": "lapsed"}
    assert who(inside, library=[lapsed]) == ["cat", "eve"]
    assert who({"kind": "not", "of": inside}, library=[lapsed]) == ["ann", "bob", "dan"]
    both = {"kind": "all", "of": [COFFEE, {"kind": "not", "of": inside}]}
    assert who(both, library=[lapsed]) == ["ann", "bob"]
    assert who({"kind": "any", "of": [both, inside]}, library=[lapsed]) == [
        *("ann", "bob", "cat", "eve")
    ]


def test_visitors_and_the_suppressed_are_in_no_audience() -> None:
    tables = tables_of(closed=["ann"])
    assert who(COFFEE, tables) == ["bob", "cat"]
    assert who({"kind": "not", "of": COFFEE}, tables) == ["dan", "eve"]
    # Nor is the one left out an example's look-alike, or counted in another audience.
    assert who({"kind": "similar", "users": ["cat"], "top": 1}, tables) == ["bob"]
    coffee = defined(COFFEE, "coffee")
    nobody = {"kind": "audience", "name": "coffee"}
    assert who({"kind": "not", "of": nobody}, tables, [coffee]) == ["dan", "eve"]


def test_events_without_an_order_count_one_by_one() -> None:
    events = [*DID, Did("eve", "mug", 1, 1.0), Did("eve", "mug", 1, 1.0)]
    assert who({"kind": "bought", "product": "mug", "times": 2}, tables_of(events)) == ["eve"]


def test_a_shop_without_events_has_only_people_who_did_nothing() -> None:
    nothing = tables_of([])
    assert who(BOUGHT, nothing) == []
    assert who({"kind": "not_bought"}, nothing) == ["ann", "bob", "cat", "dan", "eve"]


def problems(where: dict[str, Any], **tables: Any) -> dict[str, str]:
    with pytest.raises(AudienceError) as error:
        who(where, tables_of(**tables))
    return dict(error.value.problems)


def test_every_name_the_shop_lacks_is_told_with_its_path() -> None:
    found = problems(
        {
            "kind": "all",
            "of": [
                {"kind": "bought", "category": ["coffe", "tea"], "brand": "Rome"},
                sequence({"product": "mugs"}, {"category": "coffee"}, 3),
                {"kind": "segment", "any_of": ["s-1", "s-9"]},
                {"kind": "not", "of": {"kind": "attribute", "name": "town", "missing": True}},
                {"kind": "attribute", "name": "city", "min": 3},
                {"kind": "likes", "brand": "Leaf", "top": 4},
                {"kind": "similar", "users": ["nobody"]},
                {"kind": "audience", "name": "vip"},
                {"kind": "stage", "any_of": "asleep"},
            ],
        }
    )
    assert found == {
        "where.of.0.category.0": "there is no category 'coffe'; there are 'coffee'",
        "where.of.0.brand.0": "there is no brand 'Rome'; there are 'Roma'",
        "where.of.1.first.product.0": "there is no product 'mugs'; there are 'mug'",
        "where.of.2.any_of.1": "there is no segment 's-9'; there are 's-2', 's-1'",
        "where.of.3.of.name": "there is no attribute 'town'; there are 'age', 'agreed', 'city'",
        "where.of.4": "city is no number; ask for any_of its values instead",
        "where.of.5.top": "builds keep the first 3 of each list; ask for at most that, or raise "
        "snapshots.liked and build again",
        "where.of.6.users.0": "there is no customer 'nobody'",
        "where.of.7.name": "there is no audience 'vip'",
        "where.of.8.any_of.0": "there is no stage 'asleep'; there are "
        "'at risk', 'lost', 'mature', 'new'",
    }


def test_what_the_build_does_not_tell_says_to_build_again() -> None:
    found = problems({"kind": "churn", "max": 1}, customers=None)
    assert found == {"where": "this build tells nobody's churn_risk; build again with this version"}


def test_audiences_may_not_refer_to_each_other_in_a_circle() -> None:
    def inside(name: str, other: str) -> Any:
        return defined({"kind": "not", "of": {"kind": "audience", "name": other}}, name)

    library = [inside("b", "c"), inside("c", "some")]
    with pytest.raises(AudienceError, match="in a circle: some > b > c > some") as error:
        who({"kind": "all", "of": [BOUGHT, {"kind": "audience", "name": "b"}]}, library=library)
    assert error.value.problems[0][0] == "where.of.1.name"
    with pytest.raises(AudienceError, match="some > some"):
        who({"kind": "audience", "name": "some"})
