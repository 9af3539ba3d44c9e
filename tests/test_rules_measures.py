"""Measures: a hand-worked table, and scipy's tests as the reference of the p-values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, fisher_exact

from rules.measures import benjamini_hochberg, fisher_tail, measures, telling


def _counts(*values: int) -> tuple[np.ndarray, ...]:
    return tuple(np.array([v], np.int64) for v in values)


def test_measures_of_five_baskets() -> None:
    # bread+milk, bread+butter, bread+milk+butter, milk, bread: bread 4, milk 3, both 2.
    got = measures(*_counts(2, 4, 3), 5)
    assert {name: round(float(v[0]), 6) for name, v in got.items()} == {
        "support": 0.4,
        "confidence": 0.5,
        "lift": 0.833333,
        "leverage": -0.08,
        "conviction": 0.8,
        "zhang": -0.5,
        "kulczynski": 0.583333,
        "imbalance": 0.2,
    }


def test_a_rule_that_never_fails_has_infinite_conviction() -> None:
    assert measures(*_counts(2, 2, 3), 5)["conviction"].tolist() == [np.inf]


def test_telling_is_nothing_at_chance_and_grows_with_both_measures() -> None:
    weight = telling(np.array([0.5, 0.5, 0.9]), np.array([1.0, 2.0, 2.0]))
    assert weight.tolist() == pytest.approx([0.0, 0.346574, 0.623832], abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_p_values_equal_fishers(data: st.DataObject) -> None:
    baskets = data.draw(st.integers(2, 400))
    left = data.draw(st.integers(1, baskets))
    right = data.draw(st.integers(1, baskets))
    both = data.draw(st.integers(max(0, left + right - baskets), min(left, right)))
    got = fisher_tail(*_counts(both, left, right), baskets)[0]
    table = [[both, left - both], [right - both, baskets - left - right + both]]
    above = both * baskets > left * right
    assert got == pytest.approx(fisher_exact(table, "greater").pvalue if above else 1.0, rel=1e-8)


def test_q_values_equal_scipys_and_count_tests_not_at_hand() -> None:
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert benjamini_hochberg(p, 4) == pytest.approx(false_discovery_control(p))
    rest = np.concatenate([p, np.ones(96)])
    assert benjamini_hochberg(p, 100) == pytest.approx(false_discovery_control(rest)[:4])
    assert benjamini_hochberg(np.empty(0), 10).tolist() == []
