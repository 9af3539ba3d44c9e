"""Themes of titles: literal ones, which of them name, and planted ones in a profile."""

from __future__ import annotations

import numpy as np
import pytest
from insight_shop import line_shop

from segments.build import find_segments
from segments.config import SegmentsConfig
from segments.model import Trait
from segments.profile import profiles
from segments.titles import distinct_themes, speaks, theme_matrix

TITLES = [
    "JUMBO BAG RED SPOTS",
    "JUMBO BAG STRAWBERRY",
    "PINK JUMBO BAG",
    "SET/6 RED SPOTTY CUPS",
    "SET/20 RED SPOTTY PLATES",
    "SET OF 12 RED SPOTTY TINS",
    None,
]


def test_themes_are_shared_and_whole() -> None:
    # "bag red" is in one title only; "red spotty" stands inside all of its three.
    themes, matrix = theme_matrix(TITLES)
    assert themes == ["bag", "jumbo", "jumbo bag", "spotty"]
    assert matrix.toarray().tolist() == [[1, 1, 1, 0]] * 3 + [[0, 0, 0, 1]] * 3 + [[0, 0, 0, 0]]


def test_no_theme_reaches_over_a_number() -> None:
    themes, _ = theme_matrix(["PARTY 6 CANDLES", "PARTY 9 CANDLES", "PARTY 12 CANDLES"])
    assert themes == ["candles", "party"]


def test_no_titles_no_themes() -> None:
    themes, matrix = theme_matrix([None, ""])
    assert themes == []
    assert matrix.shape == (2, 0)


@pytest.mark.parametrize("theme", ["red", "set", "set of", "box of", "bag red", "in tin", "oz"])
def test_packing_and_colours_say_nothing(theme: str) -> None:
    assert not speaks(theme)


@pytest.mark.parametrize("theme", ["bag", "red spotty", "trinket box", "plasters in tin"])
def test_things_do(theme: str) -> None:
    assert speaks(theme)


def _theme(id_: str, share: float, lift: float, customers: int = 50) -> Trait:
    return Trait("title", id_, id_.title(), share, share / lift, lift, customers, 0.001)


def test_of_themes_within_each_other_the_fullest_names() -> None:
    themes = [
        _theme("water", 0.10, 5.0),
        _theme("hot water", 0.10, 5.0),
        _theme("hot water bottle", 0.09, 5.0),
        _theme("bag", 0.30, 5.0),
        _theme("lunch bag", 0.10, 7.0),
        _theme("lunch bags", 0.02, 7.0),
        _theme("rare", 0.90, 20.0, customers=20),
    ]
    found = distinct_themes(themes, 100, SegmentsConfig())
    # .1 x 3 x log(7)^2 = 1.14, .3 x log(5)^2 = .78, .09 x 3 x log(5)^2 = .70; bag is in lunch bag.
    assert [t.id for t in found] == ["lunch bag", "hot water bottle"]


Lines = list[tuple[int, int, float, float, int]]


def _plain_shop() -> tuple[list[str], Lines, list[str]]:
    """Two groups of 30, each buying three of its own four products and one of four of all."""
    rng = np.random.default_rng(0)
    goods = [f"metal sign {w}" for w in ("gin", "tea", "dog", "cat")]
    goods += [f"{w} jumbo bag" for w in ("owl", "fox", "bee", "hen")]
    goods += ["apron", "clock", "lamp", "vase"]
    lines: Lines = []
    for user in range(60):
        own = rng.choice(4, 3, replace=False) + 4 * (user // 30)
        bought = [*own.tolist(), 8 + int(rng.integers(4))]
        lines += [(user, product, float(user), 5.0, user) for product in bought]
    return [f"u{i}" for i in range(60)], lines, goods


GROUP = (np.arange(60) // 30).astype(np.int32)


def test_a_shop_without_categories_is_told_by_words_and_products() -> None:
    signs, bags = profiles(line_shop(*_plain_shop()), GROUP, 2, SegmentsConfig())
    assert [t.id for t in signs.titles] == ["metal sign"]
    assert [t.id for t in bags.titles] == ["jumbo bag"]
    assert (signs.titles[0].share, signs.titles[0].lift) == pytest.approx((0.75, 2.0))
    assert sorted(t.id for t in bags.products) == sorted(_plain_shop()[2][4:8])
    assert {t.kind for t in bags.products} == {"product"}
    for trait in bags.products:
        assert trait.share == trait.customers / 30
        assert trait.p_value < 1e-4


def test_where_there_are_categories_words_of_titles_stay_out() -> None:
    users, lines, goods = _plain_shop()
    category = {g: "bags" if "bag" in g else "signs" if "sign" in g else "rest" for g in goods}
    described = profiles(line_shop(users, lines, goods, category), GROUP, 2, SegmentsConfig())
    assert [p.titles for p in described] == [(), ()]
    assert [p.categories[0].name for p in described] == ["signs", "bags"]


def test_segments_without_categories_get_telling_names() -> None:
    noise = np.random.default_rng(1).random((60, 2))
    vectors = (np.eye(2)[GROUP] + 0.2 * noise).astype(np.float32)
    config = SegmentsConfig(neighbours=10, min_segments=2, resolutions=(0.05, 0.1))
    found = find_segments(line_shop(*_plain_shop()), vectors, config)
    assert sorted(s.name.removeprefix("Lapsing: ") for s in found.segments) == [
        "Jumbo Bag",
        "Metal Sign",
    ]
