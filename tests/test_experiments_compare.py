"""Formulas worked out by hand, and what they promise: few false findings, however many looks."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest

from experiments.compare import (
    Comparison,
    Moments,
    always_valid_radius,
    compare,
    mean_interval,
    mixture,
    rate_interval,
    sample_ratio,
)
from experiments.plan import Needed, Wish, needed
from loaders.errors import ExperimentError

ALPHA = 0.05


def test_moments_by_hand() -> None:
    assert Moments.of(np.array([0.0, 2, 4])) == Moments(3, 2.0, 4.0, 2)
    assert Moments.of(np.array([])) == Moments(0, 0.0, 0.0, 0)
    assert Moments(3, 2.0, 4.0, 2).error == pytest.approx(4 / 3)


def test_a_comparison_by_hand() -> None:
    """100 visitors each, means 0.2 and 0.5, variances 0.16 and 0.25: error 0.0041."""
    found = compare(Moments(100, 0.2, 0.16, 20), Moments(100, 0.5, 0.25, 50), ALPHA, spread=0.1)
    assert found is not None
    v, spread = 0.02, 0.1
    radius = sqrt(1.2 * (2 * log(20) + log(6)))
    assert always_valid_radius(v, spread, ALPHA) == pytest.approx(radius)
    assert found.difference.value == pytest.approx(0.3)
    assert found.difference.high - 0.3 == pytest.approx(radius * sqrt(0.0041))
    assert found.fixed.high - 0.3 == pytest.approx(1.959964 * sqrt(0.0041))
    z_squared = 0.09 / 0.0041
    assert found.p_value == pytest.approx(sqrt(6) * exp(-z_squared * 0.1 / 0.24))
    # Ratio 2.5; its error by the delta method: (0.0025 + 6.25 * 0.0016) / 0.04.
    assert found.lift is not None and found.lift.value == pytest.approx(1.5)
    assert found.lift.high - 1.5 == pytest.approx(radius * sqrt(0.3125))


def test_the_p_value_and_the_interval_agree() -> None:
    """The interval excludes zero exactly where the p-value is at most alpha."""
    spread = mixture(ALPHA, 1_000)
    for mean in np.linspace(0.30, 0.42, 25):
        found = compare(
            Moments(1_000, 0.3, 0.21, 300), Moments(1_000, mean, 0.24, 350), ALPHA, spread
        )
        assert found is not None
        assert (found.difference.low > 0) == (found.p_value <= ALPHA)


def test_the_mixture_makes_intervals_narrowest_where_it_is_told_to() -> None:
    radius = {n: always_valid_radius(2 / 500, mixture(ALPHA, n), ALPHA) for n in (50, 500, 5_000)}
    assert radius[500] < radius[50] and radius[500] < radius[5_000]
    assert radius[500] == pytest.approx(min(radius.values()))


@pytest.mark.parametrize(
    ("control", "other"),
    [
        (Moments(0, 0, 0, 0), Moments(50, 0.5, 0.25, 25)),
        (Moments(50, 0.1, 0.09, 5), Moments(50, 0.08, 0.07, 4)),
        (Moments(50, 1.0, 0.0, 50), Moments(50, 1.0, 0.0, 50)),
    ],
)
def test_where_too_little_is_known_nothing_is_said(control: Moments, other: Moments) -> None:
    assert compare(control, other, ALPHA, 0.1) is None


def test_intervals_of_one_group() -> None:
    rate = rate_interval(Moments(10, 0.0, 0.0, 0))
    assert rate is not None and rate.low == 0 and rate.high == pytest.approx(0.27753, abs=1e-5)
    assert rate_interval(Moments(0, 0, 0, 0)) is None
    mean = mean_interval(Moments(4, 2.0, 1.0, 4))
    assert mean is not None and mean.low == pytest.approx(2 - 1.959964 / 2)
    assert mean_interval(Moments(1, 2.0, 0.0, 1)) is None


def test_sample_ratio_by_hand() -> None:
    """550 against 450 where 500 each were expected: 50^2 / 500 twice is 10."""
    found = sample_ratio([550, 450], [1, 1])
    assert found.chi_square == pytest.approx(10)
    assert found.p_value == pytest.approx(0.0015654, abs=1e-7) and found.ok
    assert not sample_ratio([560, 440], [1, 1]).ok
    assert sample_ratio([750, 250], [3, 1]).chi_square == 0
    assert sample_ratio([0, 0], [1, 1]).p_value is None


def looks(values: np.ndarray, at: np.ndarray) -> list[Moments]:
    """Moments of the first n values, for each n."""
    sums, squares = values.cumsum()[at - 1], (values**2).cumsum()[at - 1]
    some = (values > 0).cumsum()[at - 1]
    means = sums / at
    variances = (squares - at * means**2) / (at - 1)
    return [
        Moments(int(n), float(m), float(s), int(k))
        for n, m, s, k in zip(at, means, variances, some, strict=True)
    ]


def found_at(a: np.ndarray, b: np.ndarray, planned: int = 2_000) -> int | None:
    """At how many visitors a look every few of them finds a difference."""
    at = np.unique(np.geomspace(20, len(a), 150).astype(int))
    spread = mixture(ALPHA, planned)
    for control, other in zip(looks(a, at), looks(b, at), strict=True):
        found: Comparison | None = compare(control, other, ALPHA, spread)
        if found is not None and found.p_value <= ALPHA:
            return control.n
    return None


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_looking_all_the_time_finds_nothing_where_there_is_nothing(rate: float) -> None:
    """150 looks each; testing each at 5 % by itself would find something in a third of all."""
    rng = np.random.default_rng(7)
    draws = [(rng.random((2, 6_000)) < rate).astype(float) for _ in range(300)]
    assert sum(found_at(a, b) is not None for a, b in draws) <= ALPHA * 300


def test_the_same_of_revenue_with_its_long_tail() -> None:
    rng = np.random.default_rng(8)
    draws = [(rng.random((2, 6_000)) < 0.1) * rng.lognormal(3, 1.2, (2, 6_000)) for _ in range(300)]
    assert sum(found_at(a, b) is not None for a, b in draws) <= ALPHA * 300


def test_an_effect_is_found_in_as_many_visitors_as_planned() -> None:
    plan = needed(Wish(baseline=0.1, effect=0.3))
    assert plan.fixed_units_per_variant == 1_772
    n, rng = plan.units_per_variant, np.random.default_rng(9)
    draws = [(rng.random((2, n)) < [[0.1], [0.13]]).astype(float) for _ in range(100)]
    stops = [found_at(a, b, planned=n) for a, b in draws]
    assert sum(s is not None for s in stops) >= 75
    assert np.median([s for s in stops if s]) < 0.8 * n


def test_a_plan() -> None:
    assert needed(Wish(baseline=0.04, effect=0.1, units_per_day=10_000)) == Needed(
        75_582, 151_164, 39_473, 15.1164
    )
    one = needed(Wish(metric="revenue", baseline=3.0, effect=0.1, deviation=12.0))
    more = needed(Wish(metric="revenue", baseline=3.0, effect=0.1, deviation=12.0, variants=4))
    assert more.units_per_variant > one.units_per_variant and more.units > 2 * one.units
    with pytest.raises(ExperimentError, match="standard deviation"):
        needed(Wish(metric="revenue", baseline=3.0, effect=0.1))
    with pytest.raises(ExperimentError, match="cannot grow by 20%"):
        needed(Wish(baseline=0.9, effect=0.2))


@pytest.mark.parametrize(
    "extreme",
    [
        {"baseline": 1e-6, "effect": 1e-4},
        {"baseline": 1e9, "effect": 100, "metric": "revenue", "deviation": 1e-6},
        {"baseline": 1e-6, "effect": 1e-4, "metric": "revenue", "deviation": 1e12, "alpha": 1e-6},
    ],
)
def test_a_plan_at_the_ends_of_what_may_be_asked(extreme: dict[str, Any]) -> None:
    assert needed(Wish(**extreme, variants=10, power=0.9999)).units >= 20
