"""Stages and RFM by hand: literal customers, literal answers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.config import LifecycleConfig
from lifecycle.occasions import Occasions
from lifecycle.rfm import CELLS, find_rfm
from lifecycle.rhythm import Rhythm, find_rhythm
from lifecycle.stages import STAGES, explain_stage, find_stages

CONFIG = LifecycleConfig()
NOW = 100.0


def occasions_of(days: Sequence[Sequence[int]]) -> Occasions:
    """One order of one line worth 10 a day."""
    users = np.repeat(np.arange(len(days)), [len(d) for d in days]).astype(np.int64)
    flat = np.array([d for mine in days for d in mine], np.int64)
    ones = np.ones(len(flat), np.int64)
    moments = flat.astype(np.float64)
    return Occasions(len(days), users, flat, moments, moments, ones, ones, 10.0 * ones)


def rhythm(usual: Sequence[float]) -> Rhythm:
    """Late after twice the usual interval, lost after four times."""
    return Rhythm(np.zeros(len(usual), np.int64), np.array(usual), 10.0, late=2.0, lost=4.0)


LIVES = [
    ([], 10.0, None),
    ([95], 10.0, "new"),  # away 5, at risk from 20
    ([85, 92], 10.0, "new"),  # two days are too few
    ([70, 85, 92], 10.0, "growing"),  # three days, not settled
    ([60, 70, 80], 10.0, "growing"),  # away 20 is not above 20
    ([60, 70, 79], 10.0, "at risk"),  # away 21
    ([79], 10.0, "at risk"),
    ([40, 50, 60], 10.0, "at risk"),  # away 40 is not above 40
    ([40, 50, 59], 10.0, "lost"),  # away 41
    ([50, 60, 70, 80, 90, 99], 10.0, "mature"),  # lately 9.65, before 10
    ([40, 50, 60, 70, 75, 80, 85, 90], 10.0, "growing"),  # lately 5, before 8.4
    ([20, 30, 40, 85], 10.0, "won back"),  # 45 days are more than 40
    ([20, 30, 71, 80, 88], 10.0, "won back"),  # 41, the third of the latest three waits
    ([20, 30, 71, 80, 88, 95], 10.0, "growing"),  # now the fourth; 8 days against 20 before
    ([55, 100], 10.0, "won back"),
]


def test_lives_by_hand() -> None:
    days, usual, expected = zip(*LIVES, strict=True)
    table = find_stages(occasions_of(days), rhythm(usual), NOW, CONFIG)
    assert table["stage"].to_list() == list(expected)


def test_the_figures_behind_a_stage() -> None:
    occasions = occasions_of([[40, 50, 60, 70, 75, 80, 85], [20, 30, 71, 80], []])
    table = find_stages(occasions, rhythm([10.0, 10.0, 10.0]), NOW, CONFIG)
    assert table.row(0, named=True) == {
        "stage": "growing",
        "days_since_last": 15.0,
        "usual_interval_days": 10.0,
        "at_risk_after_days": 20.0,
        "lost_after_days": 40.0,
        "purchase_days": 7,
        "recent_interval_days": pytest.approx(5.0),
        "earlier_interval_days": pytest.approx(10.0),
        "returned_after_days": None,
    }
    assert table["returned_after_days"].to_list() == [None, 41.0, None]
    assert table["usual_interval_days"].to_list()[2] is None
    assert table["days_since_last"].to_list()[2] is None


def test_every_stage_is_explained_with_its_figures() -> None:
    days = [[], [95], [40, 50, 59], [60, 70, 79], [20, 30, 40, 85], [40, 50, 60, 70, 75, 80, 85]]
    table = find_stages(occasions_of(days), rhythm([10.0] * 6), NOW, CONFIG)
    said = [explain_stage(row) for row in table.iter_rows(named=True)]
    assert [s.sentence for s in said] == [
        "Never bought anything.",
        "Bought on one day, 5 days ago; customers of this shop usually wait 10 days. "
        "Too few purchases yet to know better; at risk from 20 days.",
        "Bought on 3 days, usually every 10 days, last 41 days ago. "
        "Away for more than 40 days, which for this rhythm is lost.",
        "Bought on 3 days, usually every 10 days, last 21 days ago. "
        "Late for this rhythm since 20 days; counted as lost from 40 days.",
        "Bought on 4 days, usually every 10 days, last 15 days ago. "
        "Came back lately after 45 days, when more than 40 days counts as lost.",
        "Bought on 7 days, usually every 10 days, last 15 days ago. "
        "Comes faster: lately every 5 days, before every 10 days.",
    ]
    assert said[4].figures["returned_after_days"] == 45.0
    assert "returned_after_days" not in said[5].figures


def test_a_rhythm_of_ones_own_is_mixed_with_the_shops() -> None:
    # Intervals 2, 8 (geometric mean 4) and 16: the shop's is 8, the mean of both customers.
    occasions = occasions_of([[0, 2, 10], [0, 16], [5]])
    found = find_rhythm(occasions, CONFIG)
    assert found.intervals.tolist() == [2, 1, 0]
    assert found.shop == pytest.approx(8.0)
    # (2 log 8 + log 2 + log 8) / 4 = log 2 * (6 + 1 + 3) / 4; (6 + 4) / 3; 3.
    assert found.usual == pytest.approx([2**2.5, 2 ** (10 / 3), 8.0])
    assert (found.late, found.lost) == (2.0, 4.0), "too few customers to read them from"


def test_what_is_late_is_read_from_the_shop() -> None:
    # Thirty who wait 10 days ten times, and 40 days once.
    lives = [np.cumsum([0, *[10] * 6, 40, *[10] * 4]).tolist() for _ in range(30)]
    found = find_rhythm(occasions_of(lives), CONFIG)
    usual = 10 * 4 ** (1 / 11)  # of the shop, and of each: mixing changes nothing
    assert found.usual == pytest.approx(usual)
    assert found.late == pytest.approx(10 / usual), "more than nine waits in ten are of ten days"
    assert found.lost == pytest.approx(40 / usual), "everybody came back after forty"


def test_a_shop_nobody_came_back_to_has_a_rhythm_all_the_same() -> None:
    found = find_rhythm(occasions_of([[1], []]), CONFIG)
    assert found.usual == pytest.approx(30.0) and found.late == 2.0
    empty = find_rhythm(occasions_of([]), CONFIG)
    assert find_stages(occasions_of([]), empty, NOW, CONFIG).height == 0


lives = st.lists(st.lists(st.integers(0, 99), max_size=12, unique=True).map(sorted), max_size=30)


@settings(deadline=None, max_examples=40)
@given(lives)
def test_who_bought_has_a_stage_and_who_buys_now_is_not_gone(days: list[list[int]]) -> None:
    occasions = occasions_of(days)
    found = find_rhythm(occasions, CONFIG)
    assert found.lost >= found.late > 0
    table = find_stages(occasions, found, NOW, CONFIG)
    assert all((s is None) == (not m) for s, m in zip(table["stage"], days, strict=True))
    assert set(table["stage"]) <= {None, *STAGES}
    today = find_stages(occasions_of([[*m, 100] for m in days]), found, NOW, CONFIG)
    assert not set(today["stage"]) & {None, "at risk", "lost"}


# RFM


def test_rfm_by_hand() -> None:
    days = np.array([1.0, 5.0, 10.0, 40.0, 90.0, math.nan])
    orders = np.array([9.0, 1.0, 4.0, 4.0, 2.0, 0.0])
    spend = np.array([500.0, 5.0, 80.0, 90.0, math.nan, math.nan])
    table = find_rfm(days, orders, spend)
    assert table["recency_score"].to_list() == [5, 4, 3, 2, 1, None]
    # Orders 4 and 4 share ranks 3 and 4: both 5 * 3 / 5 rounded up.
    assert table["frequency_score"].to_list() == [5, 1, 3, 3, 2, None]
    assert table["monetary_score"].to_list() == [5, 2, 3, 4, 1, None]
    assert table["rfm"].to_list() == ["555", "412", "333", "234", "121", None]
    assert table["rfm_cell"].to_list() == [
        "champions",
        "promising",
        "need attention",
        "slipping",
        "hibernating",
        None,
    ]


def test_equal_customers_score_alike() -> None:
    table = find_rfm(np.full(7, 3.0), np.ones(7), np.full(7, 2.0))
    assert set(table["rfm"]) == {"333"}


def test_every_cell_has_a_name() -> None:
    rng = np.random.default_rng(0)
    table = find_rfm(rng.random(5000), rng.random(5000), rng.random(5000))
    assert set(table["rfm_cell"]) == set(CELLS) and table["rfm"].n_unique() == 125
    best = table.filter(pl.col("rfm") == "555")["rfm_cell"].unique().to_list()
    worst = table.filter(pl.col("rfm") == "111")["rfm_cell"].unique().to_list()
    assert (best, worst) == (["champions"], ["gone"])
