from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pipeline.features import product_features, words


def frame(rows: list[tuple[str | None, str | None, str | None]]) -> pl.DataFrame:
    schema = {"title": pl.String, "category_id": pl.String, "brand": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


CATEGORIES = pl.DataFrame(
    {
        "category_id": ["food", "food/milk", "food/bread", "tools"],
        "parent_id": [None, "food", "food", None],
    }
)
SHOP = [
    ("Whole milk 1 l", "food/milk", "Farm"),
    ("Skimmed milk 1 l", "food/milk", "Farm"),
    ("White bread", "food/bread", "Oven"),
    ("Hammer", "tools", "Iron"),
    (None, None, None),
]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("copies", [1, 30])
def test_what_is_alike_is_near(copies: int) -> None:
    vectors = product_features(frame(SHOP * copies), CATEGORIES, dim=8)
    milk, skimmed, bread, hammer, nothing = vectors[:5]
    assert cosine(milk, skimmed) > 0.7 > cosine(milk, bread) > abs(cosine(milk, hammer)) - 1e-6
    assert not nothing.any() or np.linalg.norm(nothing) < 1e-6
    assert vectors.dtype == np.float32


def test_the_same_seed_gives_the_same_vectors() -> None:
    rows = [(f"Thing {i} of {i % 7}", f"c{i % 5}", f"b{i % 3}") for i in range(200)]
    first, second = (product_features(frame(rows), CATEGORIES, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (200, 64)


def test_a_shop_of_which_nothing_is_known() -> None:
    assert not product_features(frame([(None, None, None)] * 3), CATEGORIES).any()


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Milk 1L, semi-skimmed", ["milk", "1", "l", "semi", "skimmed"]),
        ("有机牛奶 250ml", ["有机", "机牛", "牛奶", "250", "ml"]),
        ("茶", ["茶"]),
        (None, []),
    ],
)
def test_words_of_titles(title: str | None, found: list[str]) -> None:
    assert words(title) == found
