"""Purchase models against published figures, in other forms, and at their edges."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from lifecycle.bgnbd import BetaGeometric, fit_bgnbd
from lifecycle.gamma_gamma import GammaGamma, fit_gamma_gamma
from lifecycle.occasions import Floats, Occasions
from lifecycle.pareto import Pareto, fit_pareto
from lifecycle.resample import area_under_curve
from lifecycle.summary import Summary, summarise
from lifecycle.value import Purchases, Rate
from loaders.errors import DataError


def customer(repeats: float, last: float, age: float) -> Summary:
    return Summary(np.zeros(1, np.int64), *(np.array([v]) for v in (repeats, last, age)))


# Published figures of CDNOW's sample of 2,357 customers, in weeks

BG = BetaGeometric(0.243, 4.414, 0.793, 2.426)
PARETO = Pareto(0.553, 10.578, 0.606, 11.669)
GAMMA = GammaGamma(6.25, 3.74, 15.44)


@pytest.fixture(scope="module")
def cdnow() -> tuple[Summary, Floats]:
    """Purchases of the first 39 weeks, and mean spend; from the package ``lifetimes``."""
    found = find_spec("lifetimes")
    if found is None or found.origin is None:
        pytest.skip("CDNOW's purchases come with a package: pip install lifetimes")
    folder = Path(found.origin).parent / "datasets"
    table = pl.read_csv(folder / "cdnow_customers_summary_with_transactions.csv")
    x, last, age, mean = (
        table[name].cast(pl.Float64).to_numpy() for name in ("x", "t_x", "T", "zbar")
    )
    return Summary(np.arange(len(x)), x, last, age), mean


def test_bgnbd_fits_cdnow_as_published(cdnow: tuple[Summary, Floats]) -> None:
    data = cdnow[0]
    assert len(data) == 2357
    found = fit_bgnbd(data)
    assert (found.r, found.alpha) == pytest.approx((0.243, 4.414), abs=1e-3)
    assert (found.a, found.b) == pytest.approx((0.793, 2.426), abs=1e-3)
    assert found.log_likelihood(data).sum() == pytest.approx(-9582.43, abs=0.01)
    assert found.expected(data, 39).sum() == pytest.approx(1653, abs=1)


def test_pareto_fits_cdnow_as_published(cdnow: tuple[Summary, Floats]) -> None:
    data = cdnow[0]
    found = fit_pareto(data)
    assert (found.r, found.alpha) == pytest.approx((0.553, 10.578), abs=1e-3)
    assert (found.s, found.beta) == pytest.approx((0.606, 11.669), abs=2e-3)
    assert found.log_likelihood(data).sum() == pytest.approx(-9594.98, abs=0.01)
    assert found.expected(data, 39).sum() == pytest.approx(1666, abs=1)


def test_gamma_gamma_fits_cdnow_as_published(cdnow: tuple[Summary, Floats]) -> None:
    data, mean = cdnow
    assert (data.repeats > 0).sum() == 946
    found = fit_gamma_gamma(data.repeats, mean)
    assert (found.p, found.q) == pytest.approx((6.25, 3.74), abs=0.01)
    assert found.v == pytest.approx(15.44, abs=0.02)


def test_the_39_weeks_that_followed(cdnow: tuple[Summary, Floats]) -> None:
    """1,882 purchases came; who was alive by BG/NBD tells the wrong way who came."""
    origin = find_spec("lifetimes")
    assert origin is not None and origin.origin is not None
    lines = (Path(origin.origin).parent / "datasets" / "CDNOW_sample.txt").read_text().split("\n")
    cells = [line.split() for line in lines if line.strip()]
    last, end = date(1997, 9, 30), date(1998, 6, 30)
    days = {(row[1], date.fromisoformat(row[2])) for row in cells}
    people = sorted({row[1] for row in cells})
    count = Counter(person for person, day in days if last < day <= end)
    real = np.array([count[person] for person in people], np.float64)
    data = cdnow[0]
    assert real.sum() == 1882 and len(people) == len(data)
    rated = Rate().expected(data, 39)
    errors = [np.abs(e - real).mean() for e in (PARETO.expected(data, 39), BG.expected(data, 39))]
    assert errors == pytest.approx([0.755, 0.786], abs=2e-3)
    assert rated.sum() == pytest.approx(2930, abs=5)
    scores = (
        PARETO.expected(data, 39),
        BG.expected(data, 39),
        PARETO.alive(data),
        BG.alive(data),
    )
    found = [area_under_curve(s, real > 0)(np.ones((1, len(real))))[0] for s in scores]
    assert found == pytest.approx([0.779, 0.773, 0.726, 0.316], abs=2e-3)


def test_purchases_expected_of_the_customer_in_the_paper() -> None:
    one = customer(2, 30.43, 38.86)
    assert BG.expected(one, 39)[0] == pytest.approx(1.226, abs=1e-3)


def test_spend_expected_by_hand() -> None:
    # 6.25 (15.44 + 2 * 22.35) / (6.25 * 2 + 3.74 - 1) = 375.875 / 15.24
    found = GAMMA.expected(np.array([2.0, 0.0]), np.array([22.35, math.nan]))
    assert found == pytest.approx([375.875 / 15.24, 6.25 * 15.44 / 2.74])
    assert math.isnan(GammaGamma(6.25, 0.9, 15.44).expected(np.zeros(1), np.zeros(1))[0])


# Their other forms: as printed, with hypergeometric functions, where those can be computed


def test_bgnbd_expectation_is_that_of_the_paper() -> None:
    x, t = 2.0, 39.0
    r, alpha, a, b = BG.r, BG.alpha, BG.a, BG.b
    base = alpha + 38.86
    series = special.hyp2f1(r + x, b + x, a + b + x - 1, t / (base + t))
    inner = 1 - (base / (base + t)) ** (r + x) * series
    below = 1 + a / (b + x - 1) * (base / (alpha + 30.43)) ** (r + x)
    printed = (a + b + x - 1) / (a - 1) * inner / below
    assert BG.expected(customer(2, 30.43, 38.86), t)[0] == pytest.approx(printed, rel=1e-10)


@pytest.mark.parametrize(("alpha", "beta"), [(10.578, 11.669), (3.0, 40.0), (40.0, 3.0)])
@pytest.mark.parametrize(("x", "last", "age"), [(0, 0.0, 38.86), (2, 30.43, 38.86), (30, 50, 52)])
def test_paretos_likelihood_is_its_integral(
    alpha: float, beta: float, x: float, last: float, age: float
) -> None:
    r, s = 0.553, 0.606

    def density(y: float) -> float:
        return (alpha + y) ** -(r + x) * (beta + y) ** -(s + 1)

    area = integrate.quad(density, last, age, epsabs=0, epsrel=1e-11)[0]
    stays = (alpha + age) ** -(r + x) * (beta + age) ** -s
    shared = math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha) + s * math.log(beta)
    model, one = Pareto(r, alpha, s, beta), customer(x, last, age)
    assert model.log_likelihood(one)[0] == pytest.approx(
        shared + math.log(stays + s * area), abs=1e-6
    )
    assert model.alive(one)[0] == pytest.approx(stays / (stays + s * area), rel=1e-5)


# Edges


def test_bgnbd_thinks_every_one_time_buyer_alive() -> None:
    gone = customer(0, 0, 1000)
    assert BG.alive(gone)[0] == 1.0
    assert PARETO.alive(gone)[0] < 0.1
    assert BG.expected(gone, 39)[0] < 0.05, "which is why customers are ranked by this"


def test_nothing_overflows_for_the_most_frequent_of_buyers() -> None:
    data = Summary(
        np.arange(4), np.array([0.0, 364, 5000, 20000]), np.array([0.0, 364, 900, 10]),
        np.array([0.0, 364, 1000, 1000]),
    )  # fmt: skip
    for model in (BG, PARETO, BetaGeometric(3, 5, 1, 1e5), Pareto(3, 1e5, 1, 1e-5)):
        for values in (model.alive(data), model.expected(data, 91), model.log_likelihood(data)):
            assert np.isfinite(values).all()
        assert ((model.alive(data) >= 0) & (model.alive(data) <= 1)).all()
        assert (model.expected(data, 91) >= 0).all()


@pytest.mark.parametrize("x", [0, 2, 40])
def test_both_forms_of_bgnbds_expectation_agree(x: float) -> None:
    one = customer(x, 30.0 if x else 0.0, 38.86)
    model = BetaGeometric(19.0, 40.0, 0.793, 2.426)
    averaged = model._averaged(one, 39) * model.alive(one)
    assert averaged[0] == pytest.approx(model.expected(one, 39)[0], rel=1e-4)


@pytest.mark.parametrize("fit", [fit_pareto, fit_bgnbd])
def test_shops_too_small_for_a_model_get_one_all_the_same(
    fit: Callable[[Summary], Purchases],
) -> None:
    for one in (customer(0, 0, 1e-5), customer(0, 0, 90), customer(1, 90, 90), customer(9, 9, 9)):
        assert np.isfinite(fit(one).expected(one, 91)).all()


@settings(deadline=None, max_examples=40)
@given(*(st.floats(-12, 12) for _ in range(4)), st.integers(0, 300), st.floats(0, 1))
def test_paretos_likelihood_is_finite_wherever_a_fit_may_go(
    r: float, alpha: float, s: float, beta: float, x: int, part: float
) -> None:
    model = Pareto(*np.exp([r, alpha, s, beta]).tolist())
    one = customer(x, part if x else 0.0, 1.0)
    assert np.isfinite(model.log_likelihood(one)).all()
    assert 0 <= model.alive(one)[0] <= 1


def test_the_poles_are_passed_smoothly() -> None:
    one = customer(2, 30.43, 38.86)
    around = [BetaGeometric(0.243, 4.414, a, 2.426).expected(one, 39)[0] for a in (0.999, 1, 1.001)]
    assert around[0] > around[1] > around[2] and around[1] == pytest.approx(around[0], rel=2e-3)
    around = [Pareto(0.553, 10.578, s, 11.669).expected(one, 39)[0] for s in (0.999, 1, 1.001)]
    assert around[0] > around[1] > around[2] and around[1] == pytest.approx(around[0], rel=2e-3)


repeats = st.integers(0, 60)


@settings(deadline=None, max_examples=50)
@given(repeats, st.floats(0, 1), st.floats(1, 800), st.floats(0.5, 200))
def test_longer_horizons_and_fresher_purchases_promise_more(
    x: int, part: float, age: float, horizon: float
) -> None:
    last = part * age if x else 0.0
    for model in (BG, PARETO):
        one = customer(x, last, age)
        expected = model.expected(one, horizon)[0]
        assert expected <= model.expected(one, 2 * horizon)[0]
        if x:
            fresher = customer(x, last + (age - last) / 2, age)
            assert model.alive(fresher)[0] >= model.alive(one)[0] - 1e-9


def test_shops_that_fit_no_model_are_told() -> None:
    with pytest.raises(DataError, match="value above 0"):
        fit_gamma_gamma(np.array([1.0, 0.0]), np.array([math.nan, 3.0]))


def test_repeats_and_times_by_hand() -> None:
    days = np.array([10, 17, 24, 20], np.int64)
    ones, moments = np.ones(4, np.int64), days + 0.5
    occasions = Occasions(3, np.array([0, 0, 0, 2]), days, moments, moments, ones, ones, np.ones(4))
    found = summarise(occasions, 30.0)
    assert found.users.tolist() == [0, 2]
    assert found.repeats.tolist() == [2, 0]
    assert found.last.tolist() == [14, 0] and found.age.tolist() == [20, 10]
