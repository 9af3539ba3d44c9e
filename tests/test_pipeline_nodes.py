from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gnn.config import HeteroConfig
from graph.shop import Shop
from loaders.schema import empty
from pipeline.nodes import fit_describer
from pipeline.titles import fit_titles
from tests.graphs import graph_of

CONFIG = HeteroConfig()


def shop() -> Shop:
    graph = graph_of([(0, 0, 1, 0)], 3, 4)
    users = pl.DataFrame(
        {
            "user_id": ["u0", "u1", "u2"],
            "anonymous": [False] * 3,
            "age": ["young", "old", None],
            "visits": [1, 3, None],
            "email": ["a@x", None, None],
            "club": [True, False, None],
        }
    )
    products = pl.DataFrame(
        {
            "product_id": ["p0", "p1", "p2", "p3"],
            "title": [None] * 4,
            "price": [0.0, np.e - 1, None, -3.0],
            "category_id": ["milk", "food", None, "gone"],
            "brand": ["b", "a", None, "b"],
        },
        schema_overrides={"title": pl.String},
    )
    categories = pl.DataFrame(
        {
            "category_id": ["food", "milk"],
            "name": ["Food", "Milk"],
            "level": [0, 1],
            "parent_id": [None, "food"],
        }
    )
    return Shop(graph, users, products, categories)


def test_columns_are_told_as_worked_out_by_hand() -> None:
    found = fit_describer(shop(), shop().graph, CONFIG).describe(shop(), shop().graph)
    # Old and young; visits 1 and 3 lie half a spread of root 2 from 2; no club and club.
    half = np.sqrt(0.5)
    expected = [[0, 1, -half, 0, 1], [1, 0, half, 1, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(found.users, expected, rtol=1e-6)
    # Logarithms 0 and 1, again half a spread from the mean; none of an unknown or negative price.
    np.testing.assert_allclose(found.products, [[-half], [half], [0], [0]], rtol=1e-6)
    assert found.category.tolist() == [1, 0, -1, -1] and found.parent.tolist() == [-1, 0]
    assert found.brands.ids.to_list() == ["a", "b"] and found.brand.tolist() == [1, 0, -1, 1]


def test_a_later_state_is_told_by_the_first_ones_measure() -> None:
    describer = fit_describer(shop(), shop().graph, CONFIG)
    later = shop().users.with_columns(
        visits=pl.Series([5, 2, 2]), age=pl.Series(["new", "old", "young"])
    )
    told = describer.describe(
        Shop(shop().graph, later, shop().products, empty("categories")), shop().graph
    )
    np.testing.assert_allclose(told.users[:, 2], [3 * np.sqrt(0.5), 0, 0], rtol=1e-6)
    assert told.users[:, :2].tolist() == [[0, 0], [1, 0], [0, 1]]


def test_rows_follow_the_graph_and_not_the_shop() -> None:
    graph = shop().graph.of_products(np.array([False, True, False, True]))
    found = fit_describer(shop(), graph, CONFIG).describe(shop(), graph)
    assert found.brand.tolist() == [0, 1] and found.category.tolist() == [0, -1]


TITLES = pl.Series(
    ["Whole milk", "Skimmed milk", "White bread", "Claw hammer", None, "", "Whole milk"]
)


@pytest.mark.parametrize("dim", [3, 300])
def test_titles_alike_in_words_or_letters_are_near(dim: int) -> None:
    learned = fit_titles(TITLES, dim)
    assert learned is not None
    later = pl.Series(["Whole milk", "Skimmd milks", "Hammers", None])
    known, new = learned.vectors(TITLES), learned.vectors(later)
    assert known.shape[1] == new.shape[1] and known.dtype == np.float32
    np.testing.assert_array_equal(known[0], known[6])
    assert not known[4].any() and not known[5].any() and not new[3].any()
    np.testing.assert_allclose(new[0], known[0], rtol=1e-5)
    near = new @ known[:4].T
    assert near[1].argmax() == 1 and near[2].argmax() == 3


def test_no_titles_have_no_vectors() -> None:
    assert fit_titles(pl.Series([None, "", "!"], dtype=pl.String), 8) is None


def test_sentences_stand_for_titles_where_they_are_given() -> None:
    def lengths(titles: list[str]) -> np.ndarray:
        return np.array([[len(title), 1.0] for title in titles])

    learned = fit_titles(TITLES, 2, sentences=lengths)
    assert learned is not None
    found = learned.vectors(pl.Series(["milk", None, "Claw hammer"]))
    np.testing.assert_array_equal(found, [[4, 1], [0, 0], [11, 1]])
