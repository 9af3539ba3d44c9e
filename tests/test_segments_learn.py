"""Segments by example, and the features behind them worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from insight_shop import line_shop, shop_of

from loaders.errors import DataError
from loaders.synthetic import Planted
from pipeline.examples import read_labels, segments_by_example
from segments.features import FEATURES, customer_features, preference_features
from segments.learn import CLASSIFIERS, learn_segments

MONDAY = 4.0
"""1970-01-05 was one."""


def test_features_by_hand() -> None:
    """Two orders on a Monday morning and a Saturday evening; the last event of all is on day 14."""
    lines = [
        (0, 0, MONDAY + 0.25, 2.0, 0),
        (0, 1, MONDAY + 0.25, 4.0, 0),
        (0, 0, MONDAY + 5.8, 2.0, 1),
        (1, 1, 14.0, 4.0, 2),
    ]
    shop = line_shop(["u", "v", "w"], lines, ["a", "b"], {"a": "x", "b": "y"})
    got = customer_features(shop)
    assert got.columns == list(FEATURES)
    assert got.height == 3
    row = got.row(0, named=True)
    assert {name: value for name, value in row.items() if name != "variety"} == pytest.approx(
        {
            "spend": 8.0,
            "basket_value": 4.0,
            "basket_spread": np.std([6, 2], ddof=1),
            "price": 8 / 3,
            "lines": 3,
            "orders": 2,
            "products": 2,
            "orders_per_30_days": 2,
            "days_since_last": 14 - 9.8,
            "days_known": 14 - 4.25,
            "gap": 5.55,
            "gap_spread": None,
            "weekend": 0.5,
            "morning": 0.5,
            "evening": 0.5,
            "repeats": 1 / 3,
            "latest_share": 0.5,
        }
    )
    assert row["variety"] == pytest.approx(-(2 / 3 * np.log2(2 / 3) + 1 / 3 * np.log2(1 / 3)))
    assert got.row(2) == (None,) * len(FEATURES)
    prefers = preference_features(shop)
    assert prefers.columns == ["buys x", "buys y"]
    assert prefers.rows() == [pytest.approx((2 / 3, 1 / 3)), (0, 1), (0, 0)]


def test_planted_labels_are_learned_and_the_feature_that_decides_is_told() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame(
        {"noise": rng.random(150), "spend": np.r_[rng.random(75), 2 + rng.random(75)]}
    )
    truth = ["small"] * 75 + ["large"] * 75
    given = [label if row % 3 == 0 else None for row, label in enumerate(truth)]
    found = learn_segments(table, given)
    assert set(found.losses) == set(CLASSIFIERS)
    assert found.classifier == min(found.losses, key=lambda name: found.losses[name])
    assert found.accuracy == 1
    assert list(found.labels) == truth
    assert found.features[0][0] == "spend"
    assert (found.probability[::3] == 1).all()
    assert found.probability.min() > 0.5


def test_too_few_examples_are_refused() -> None:
    table = pl.DataFrame({"x": np.arange(20.0)})
    with pytest.raises(DataError, match="two labels"):
        learn_segments(table, ["a"] * 10 + [None] * 10)
    with pytest.raises(DataError, match=r"b \(2\)"):
        learn_segments(table, ["a"] * 10 + ["b"] * 2 + [None] * 8)


def test_examples_from_a_file_label_the_shop(planted: Planted, tmp_path: Path) -> None:
    shop = shop_of(planted.dataset)
    ids = shop.users["user_id"].to_list()
    names = [f"taste {g}" for g in planted.group]
    path = tmp_path / "labels.csv"
    rows = [f"{ids[row]},{names[row]}" for row in range(0, 200, 3)]
    path.write_text("\n".join(["id,label", *rows, "nobody,taste 0"]), encoding="utf-8")
    found = segments_by_example(shop, read_labels(path))
    assert found.unknown == ("nobody",)
    assert found.table.columns == ["user_id", "label", "probability", "given"]
    assert found.table["given"].sum() == len(rows)
    assert np.mean(np.array(found.table["label"].to_list()) == np.array(names)) > 0.95


def test_a_broken_file_of_labels_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(DataError, match="cannot read labels"):
        read_labels(path)
    path.write_text("user,label\n1,a\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected columns id and label, found user, label"):
        read_labels(path)
    path.write_text("id,label\n1,a\n1,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="each id once, found 1 again"):
        read_labels(path)
