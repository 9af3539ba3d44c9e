"""The evaluation of a whole shop: planted tastes are found, the future is not looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from graphs import graph_of, graph_of_shop
from shops import START

from evaluation.report import Report
from graph.interactions import InteractionGraph, to_day
from graph.shop import Shop
from loaders.errors import DataError
from loaders.schema import empty
from loaders.synthetic import Planted
from pipeline.config import Config, load_config
from pipeline.evaluate import evaluate_shop, windows
from pipeline.methods import BASELINES, ENCODER, FILTERS
from pipeline.ranker import RANKER

CUT = START + timedelta(days=140)
LEARN = {"epochs": 3, "dim": 16}


def config(**evaluation: Any) -> Config:
    settings = {"cut": CUT, "window_days": 30, "bootstrap": 50, **evaluation}
    return load_config(None, gnn=LEARN, evaluation=settings, ranking={"filters": True})


def shop_around(graph: InteractionGraph, planted: Planted) -> Shop:
    data = planted.dataset
    return Shop(graph, data.users, data.products, data.categories)


@pytest.fixture(scope="module")
def shop(planted: Planted) -> Shop:
    return shop_around(graph_of_shop(planted), planted)


@pytest.fixture(scope="module")
def report(shop: Shop) -> Report:
    return evaluate_shop(shop, config()).report


def test_all_methods_are_measured_in_all_modes(report: Report) -> None:
    assert {r.method for r in report.rows} == {*BASELINES, ENCODER, "blend", RANKER}
    assert {r.mode for r in report.rows} == {"all", "repeat", "discover"}
    assert {r.k for r in report.rows} == {5, 10, 20}
    assert report.settings["cut"] == CUT.isoformat()
    assert (report.settings["min_lines"], report.settings["window_days"]) == (5, 30.0)


def test_planted_favourites_beat_popularity(report: Report) -> None:
    personal = report.value("personal frequency", "all", "ndcg", 10)
    popular = report.value("popularity", "all", "ndcg", 10)
    assert personal.low > popular.high


def test_planted_groups_beat_popularity_in_what_is_new(report: Report) -> None:
    learned = report.value("EASE", "discover", "ndcg", 10)
    assert learned.value > 1.2 * report.value("popularity", "discover", "ndcg", 10).value


def test_what_is_served_is_measured_and_not_worse_than_decayed_frequency(report: Report) -> None:
    served = report.settings["choice"]["all"]["served"]
    ours = report.value(served, "all", "ndcg", 20)
    assert ours.value >= report.value("decayed personal frequency", "all", "ndcg", 20).low


def test_the_same_seed_gives_the_same_report(shop: Shop, report: Report) -> None:
    assert evaluate_shop(shop, config()).report.to_json() == report.to_json()


def test_nothing_after_the_test_window_is_looked_at(
    shop: Shop, report: Report, planted: Planted
) -> None:
    end = to_day(CUT + timedelta(days=30))
    graph = shop.graph
    late = graph.days >= end
    assert late.sum() > 500
    rng = np.random.default_rng(0)
    # Other customers buy other things then; ids stay, as rows must.
    shuffled = replace(
        graph,
        user_rows=np.where(late, rng.permutation(graph.user_rows), graph.user_rows),
        product_rows=np.where(late, rng.permutation(graph.product_rows), graph.product_rows),
    )
    again = evaluate_shop(shop_around(shuffled, planted), config()).report
    assert again.to_json() == report.to_json()


def test_nothing_of_the_test_window_decides(shop: Shop, report: Report, planted: Planted) -> None:
    cut = to_day(CUT)
    graph = shop.graph
    inside = graph.days >= cut
    swapped = np.where(inside, (graph.product_rows + 7) % graph.shape[1], graph.product_rows)
    other = shop_around(replace(graph, product_rows=swapped.astype(np.int32)), planted)
    again = evaluate_shop(other, config()).report
    assert again.settings["choice"] == report.settings["choice"]
    assert again.rows != report.rows


def test_training_is_taken_up_from_its_checkpoint(
    shop: Shop, report: Report, tmp_path: Path
) -> None:
    said: list[str] = []
    evaluate_shop(shop, config(), work=tmp_path)
    assert {p.name for p in tmp_path.iterdir()} >= {"validation.checkpoint", "test.checkpoint"}
    again = evaluate_shop(
        shop, config(), work=tmp_path, progress=lambda stage, done, total: said.append(stage)
    )
    assert again.report.to_json() == report.to_json()
    assert [s for s in said if "train encoder" in s] == [
        "train encoder: resuming after epoch 3 from validation.checkpoint",
        "train encoder: resuming after epoch 3 from test.checkpoint",
    ]


def test_things_bought_once_are_measured_without_mode_repeat() -> None:
    lines = [(u, (u + 3 * i) % 40, i * 9.0, u * 20 + i) for u in range(40) for i in range(20)]
    graph = graph_of(lines, 40, 40)
    found = evaluate_shop(bare(graph), load_config(None, gnn=LEARN, evaluation={"bootstrap": 20}))
    assert {r.mode for r in found.report.rows} == {"all", "discover"}
    assert found.choice["repeat"].single_ndcg is None
    assert not {r.method for r in found.report.rows} & set(FILTERS), "they compete on request"


def test_things_only_bought_again_are_measured_without_mode_discover() -> None:
    lines = [(u, u % 5, d, int(u * 1000 + d)) for u in range(30) for d in range(0, 180, 9)]
    graph = graph_of([(u, p, float(d), o) for u, p, d, o in lines], 30, 5)
    found = evaluate_shop(bare(graph), load_config(None, gnn=LEARN, evaluation={"bootstrap": 20}))
    assert {r.mode for r in found.report.rows} == {"all", "repeat"}


def bare(graph: InteractionGraph) -> Shop:
    """A shop that knows ids alone."""
    products = pl.DataFrame({"product_id": graph.products.ids}).with_columns(
        category_id=pl.lit(None, pl.String), brand=pl.lit(None, pl.String)
    )
    users = pl.DataFrame({"user_id": graph.users.ids}).with_columns(anonymous=pl.lit(False))
    return Shop(graph, users, products, empty("categories"))


def days(*at: float) -> InteractionGraph:
    return graph_of([(0, 0, d, i) for i, d in enumerate(at)], 1, 1)


def cut_at(day: float, **settings: Any) -> Config:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return load_config(None, evaluation={"cut": moment, **settings})


def test_without_a_cut_the_last_thirty_days_are_tested() -> None:
    found = windows(days(0, 100), Config())
    assert found.cut == 70 and found.days == pytest.approx(30, abs=1e-4)
    assert found.cut + found.days > 100  # the last event is inside


def test_a_cut_alone_tests_all_that_follows() -> None:
    found = windows(days(0, 100), cut_at(60))
    assert found.cut == 60 and found.days == pytest.approx(40, abs=1e-4)


def test_a_cut_and_a_length() -> None:
    assert windows(days(0, 100), cut_at(60, window_days=7)).days == 7
    last = windows(days(0, 100), load_config(None, evaluation={"window_days": 7}))
    assert (last.cut, last.days) == (93, 7)


@pytest.mark.parametrize(
    ("graph", "settings"),
    [
        (days(0, 50), Config()),  # no room for two windows of 30 days
        (days(0, 100), cut_at(40)),  # the validation window would start before the data
        (days(0, 100), cut_at(101)),  # after the data
        (days(0, 100), cut_at(-5)),
        (days(3), Config()),
        (days(), Config()),
    ],
)
def test_windows_that_do_not_fit_say_what_to_set(graph: InteractionGraph, settings: Config) -> None:
    with pytest.raises(DataError, match=r"set evaluation\.cut or evaluation\.window_days"):
        windows(graph, settings)


def test_a_shop_without_returning_customers_cannot_be_measured() -> None:
    graph = graph_of([(u, 0, float(u), u) for u in range(100)], 100, 1)
    with pytest.raises(DataError, match="both before and after"):
        evaluate_shop(bare(graph), load_config(None, gnn=LEARN))
