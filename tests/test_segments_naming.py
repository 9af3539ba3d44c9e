"""Names: literal ones, distinct and the same each time."""

from __future__ import annotations

import polars as pl
import pytest

from segments.config import SegmentsConfig
from segments.model import Behaviour, Profile, Trait
from segments.naming import habit, names

SHOP = Behaviour(100.0, 10.0, 10.0, 7.0)
CATEGORIES = pl.DataFrame(
    [
        ("drug", "DRUG GM", 0, None),
        ("drug/formula", "INFANT FORMULA", 1, "drug"),
        ("drug/baby", "BABY FOODS", 1, "drug"),
        ("fuel", "FUEL", 0, None),
        ("fuel/misc", "COUPON/MISC ITEMS", 1, "fuel"),
    ],
    schema=["category_id", "name", "level", "parent_id"],
    orient="row",
)


def _trait(kind: str, id_: str, name: str, share: float, lift: float, customers: int = 50) -> Trait:
    return Trait(kind, id_, name, share, share / lift, lift, customers, 0.001)


BABY = (
    _trait("category:0", "drug", "DRUG GM", 0.27, 2.0),
    _trait("category:1", "drug/formula", "INFANT FORMULA", 0.07, 10.0),
    _trait("category:1", "drug/baby", "BABY FOODS", 0.05, 15.0),
)
FUEL = (
    _trait("category:1", "fuel/misc", "COUPON/MISC ITEMS", 0.3, 3.0),
    _trait("category:0", "fuel", "FUEL", 0.3, 3.0),
)


def _profile(
    categories: tuple[Trait, ...] = (),
    brands: tuple[Trait, ...] = (),
    attributes: tuple[Trait, ...] = (),
    behaviour: Behaviour = SHOP,
    titles: tuple[Trait, ...] = (),
    products: tuple[Trait, ...] = (),
) -> Profile:
    bought = (categories, titles, products, brands)
    return Profile(100, 0.1, 0.1, behaviour, SHOP, *bought, attributes)


def _names(*profiles: Profile) -> list[str]:
    return names(profiles, CATEGORIES, SegmentsConfig())


def test_a_name_is_of_telling_categories_and_not_of_those_around_them() -> None:
    assert _names(_profile(BABY)) == ["Infant Formula & Baby Foods"]


def test_categories_that_say_nothing_are_left_out() -> None:
    assert _names(_profile(FUEL)) == ["Fuel"]


def test_what_few_members_buy_names_nothing() -> None:
    rare = _trait("category:0", "fuel", "FUEL", 0.4, 9.0, customers=20)
    assert _names(_profile((*BABY, rare))) == ["Infant Formula & Baby Foods"]


def test_habits_come_first() -> None:
    big = Behaviour(200.0, 10.0, 20.0, 7.0)
    assert _names(_profile(FUEL, behaviour=big)) == ["Big spenders: Fuel"]


def test_without_categories_brands_and_attributes_name() -> None:
    brand, age = _trait("brand", "Acme", "ACME", 0.2, 2.0), _trait("age", "65+", "65+", 0.4, 2.0)
    assert _names(_profile(brands=(brand,), attributes=(age,))) == ["Acme & Age 65+"]
    assert _names(_profile()) == ["Regulars"]


def test_without_categories_words_of_titles_name_and_then_products() -> None:
    bag = _trait("title", "jumbo bag", "Jumbo Bag", 0.2, 9.0)
    lunch = _trait("title", "lunch bag", "Lunch Bag", 0.1, 6.0)
    mug = _trait("product", "p1", "RED MUG, 12 OZ", 0.6, 4.0)
    other_mug = _trait("product", "p2", "RED MUG, 8 OZ", 0.5, 4.0)
    both = _profile(titles=(bag, lunch), products=(mug,))
    assert _names(both) == ["Jumbo Bag & Lunch Bag"]
    assert _names(_profile(products=(mug, other_mug))) == ["Red Mug"]
    assert _names(_profile(FUEL, titles=(bag,))) == ["Fuel"]
    # A product tells two alike apart before a number does.
    assert _names(both, both, both) == [
        "Jumbo Bag & Lunch Bag",
        "Jumbo Bag, Lunch Bag & Red Mug",
        "Jumbo Bag & Lunch Bag (2)",
    ]


def test_attributes_read_as_people_say_them() -> None:
    people = [
        _trait("country", value, value, 0.4, 2.0) for value in ("Germany", "France", "Sri Lanka")
    ]
    assert _names(_profile(attributes=(people[0], people[1]))) == ["Germany & France"]
    assert _names(_profile(attributes=(people[2],))) == ["Sri Lanka"]
    told = {"35-49K": "Income 35-49K", "2": "Income 2", "Yes": "Income Yes", "No": "Income No"}
    for value, name in told.items():
        assert _names(_profile(attributes=(_trait("income", value, value, 0.4, 2.0),))) == [name]


def test_no_two_are_alike() -> None:
    age = _trait("age", "65+", "65+", 0.4, 2.0)
    plain, older = _profile(BABY), _profile(BABY, attributes=(age,))
    assert _names(plain, older, plain, plain, _profile(), _profile()) == [
        "Infant Formula & Baby Foods",
        "Infant Formula, Baby Foods & Age 65+",
        "Infant Formula & Baby Foods (2)",
        "Infant Formula & Baby Foods (3)",
        "Regulars",
        "Regulars (2)",
    ]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour(100.0, 10.0, 10.0, 40.0), "Lapsing"),
        (Behaviour(130.0, 10.0, 13.0, 7.0), "Big spenders"),
        (Behaviour(110.0, 8.5, 13.0, 7.0), "Big baskets"),
        (Behaviour(110.0, 13.0, 8.5, 7.0), "Frequent visits"),
        (Behaviour(70.0, 8.5, 8.5, 7.0), "Light shoppers"),
        (Behaviour(90.0, 12.0, 7.5, 7.0), "Small baskets"),
        (Behaviour(90.0, 7.5, 12.0, 7.0), "Rare visits"),
        (Behaviour(100.0, 10.0, 10.0, 7.0), ""),
        (Behaviour(None, None, None, None), ""),
    ],
)
def test_habit(behaviour: Behaviour, expected: str) -> None:
    assert habit(behaviour, SHOP) == expected
