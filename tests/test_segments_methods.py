"""Ways of grouping customers: one contract, rule cells and bits by hand, and the table of all."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from insight_shop import shop_of
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from loaders.errors import DataError
from loaders.synthetic import Planted
from pipeline.comparing import compare_segments
from segments.by_rules import cells, fit_people
from segments.config import SegmentsConfig
from segments.grouping import Customers
from segments.judge import quality, ratio, saved_bits
from segments.methods import DEFAULT, METHODS
from segments.neighbours import unit, user_graph

TRUTH = np.repeat(np.arange(3), 40)


@pytest.fixture(scope="module")
def customers() -> Customers:
    """Three tastes of 40 customers, which behaviour and age tell too."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(np.eye(3)[TRUTH] * 30 + 1).astype(np.float64)
    vectors = unit((counts + rng.normal(0, 1, counts.shape)).astype(np.float32))
    steps = np.array([[0, 0, 0], [9, 0, 0], [9, 9, 0]], np.float64)[TRUTH]
    return Customers(
        graph=user_graph(vectors, 10),
        counts=sparse.csr_array(counts),
        bought=sparse.csr_array(counts),
        items=np.arange(3),
        vectors=vectors,
        learned=vectors,
        behaviour=steps + rng.random(steps.shape),
        people=pl.DataFrame({"age": ["young", "middle", "old"]}).select(
            pl.col("age").gather(TRUTH.tolist())
        ),
        config=SegmentsConfig(neighbours=10),
    )


@pytest.mark.parametrize("name", METHODS)
def test_every_way_groups_all_and_the_same_again(name: str, customers: Customers) -> None:
    found, again = (METHODS[name](customers, 3, 1) for _ in range(2))
    assert found.labels.dtype == np.int64
    assert found.strength.dtype == np.float32
    assert sorted(set(found.labels.tolist())) == [0, 1, 2]
    assert found.strength.min() >= 0
    assert found.strength.max() <= 1 + 1e-6
    assert found.labels.tolist() == again.labels.tolist()
    if name != "RFM cells":
        assert adjusted_rand_score(found.labels, TRUTH) > 0.9


def test_cells_cut_the_largest_at_the_median_in_turn() -> None:
    """First by recency (1, 2 | 3, 4); of two as large the first, by frequency; then the other."""
    table = np.array([[1, 5, 0], [2, 6, 0], [3, 7, 0], [4, 8, 0]], np.float64)
    assert cells(table, 1).tolist() == [0, 0, 0, 0]
    assert cells(table, 2).tolist() == [0, 0, 1, 1]
    assert cells(table, 3).tolist() == [0, 2, 1, 1]
    assert cells(table, 4).tolist() == [0, 2, 1, 3]
    assert cells(table, 9).tolist() == [0, 2, 1, 3]


def test_people_of_whom_nothing_is_known_are_a_group(customers: Customers) -> None:
    known = customers.people.with_columns(
        age=pl.when(pl.int_range(pl.len()) < 80).then(pl.col("age"))
    )
    found = fit_people(Customers(**{**vars(customers), "people": known}), 3, 0)
    assert set(found.labels[80:].tolist()) == {2}
    assert adjusted_rand_score(found.labels, TRUTH) == 1
    bare = Customers(**{**vars(customers), "people": pl.DataFrame({"user_id": ["x"] * 120})})
    assert set(fit_people(bare, 3, 0).labels.tolist()) == {-1}


def test_saved_bits_of_the_next_lines() -> None:
    """As in the test of mixes: log2(7/4) a line of what one's group buys, log2(1/4) of the rest."""
    before = sparse.csr_array(np.array([[600.0, 0], [0, 600], [0, 0]]))
    after = sparse.csr_array(np.array([[2.0, 0], [1, 1], [5, 0]]))
    saved = saved_bits(before, after, np.array([0, 1, -1]))
    good, bad = np.log2(7 / 4), np.log2(1 / 4)
    assert saved == pytest.approx([2 * good, good + bad, 0])


def test_a_ratio_of_sums_with_its_interval() -> None:
    same = ratio(np.array([1.0, 2, 3]), np.array([2.0, 4, 6]))
    assert (same.value, same.low, same.high) == pytest.approx((0.5, 0.5, 0.5))
    wide = ratio(np.array([0.0, 10]), np.array([1.0, 1]), seed=1)
    assert (wide.value, wide.low, wide.high) == pytest.approx((5, 0, 10))


def test_quality_of_the_planted_groups(customers: Customers) -> None:
    good = METHODS["Ward"](customers, 3, 0)
    figures = quality(customers, good)
    assert figures.groups == 3
    assert figures.coverage > 0.95
    assert figures.silhouette > 0.5
    assert figures.modularity > 0.6


def test_the_table_holds_every_way_at_one_number(planted: Planted) -> None:
    shop = shop_of(planted.dataset)
    config = SegmentsConfig(neighbours=15, min_segments=2, resolutions=(0.5, 1.0))
    methods = ("k-means", "RFM cells", "demographics")
    found = compare_segments(shop, config, samples=1, methods=methods)
    assert [row.method for row in found.rows] == [DEFAULT, *methods]
    assert {row.quality.groups for row in found.rows} == {4}
    first, rfm = found.rows[0], found.rows[2]
    assert (first.stability, first.seeds, rfm.seeds) == (1, 1, 1)
    assert first.bits.low > 1
    assert rfm.ahead.low > 0.5
    assert (first.ahead.low, first.ahead.high) == (0, 0)
    assert found.to_json()["rows"][0]["bits"]["value"] == first.bits.value


def test_a_cut_needs_both_sides(planted: Planted) -> None:
    with pytest.raises(DataError, match="both sides"):
        compare_segments(shop_of(planted.dataset), SegmentsConfig(), cut=datetime(1990, 1, 1))
