"""Visitors: who is left out and what is shown of them, the dials, and what a build serves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from insight_shop import shop_of

from loaders.errors import DataError
from loaders.synthetic import Planted
from pipeline.config import Config, load_config
from pipeline.home import Home
from pipeline.snapshot import Snapshot
from pipeline.visitors import FOLDS, measure_visitors, strangers
from ranking.lifted import Lifted
from tests.graphs import Line, graph_of

CUT, DAYS = 10.0, 5.0


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(None, evaluation={"bootstrap": 50}, ranking={"min_lines": 1})


def alike(users: int) -> list[Line]:
    """Everybody buys p0 on day 1, p1 on 2, p2 twice on 3 and 4, p3 on 5; then p0 and p4 on 12."""
    days = [(0, 1.0), (1, 2.0), (2, 3.0), (2, 4.0), (3, 5.0), (0, 12.0), (4, 12.0), (1, 16.0)]
    return [(user, p, day, 100 * user + int(day)) for user in range(users) for p, day in days]


def test_the_latest_three_different_products_are_shown(config: Config) -> None:
    found = strangers(graph_of(alike(10), 10, 5), CUT, DAYS, config)
    assert len(found) == 10 // FOLDS
    assert found.known.shape[1] == 4  # nobody had bought p4 before the cut
    assert [rows.tolist() for rows in found.shown] == [[1, 2, 3]] * 2
    assert (
        found.relevant.toarray().tolist() == [[1, 0, 0, 0]] * 2
    )  # what follows day 15 is not seen
    assert len(found.known) == 8 * 5


def test_orders_show_all_they_hold(config: Config) -> None:
    lines = [(u, p, day, o) for u in range(5) for o, day in enumerate((1.0, 2.0, 3.0, 4.0))
             for p in (o, 4 + o)]  # fmt: skip
    lines = [(u, p, day, 10 * u + o) for u, p, day, o in lines] + [
        (u, 0, 12.0, -1) for u in range(5)
    ]
    found = strangers(graph_of(lines, 5, 8), CUT, DAYS, config, orders=True)
    assert [rows.tolist() for rows in found.shown] == [[1, 2, 3, 5, 6, 7]]


def test_each_customer_is_left_out_once(config: Config) -> None:
    graph = graph_of(alike(10), 10, 5)
    known = [strangers(graph, CUT, DAYS, config, fold=i).known.user_rows for i in range(FOLDS)]
    left = [set(range(10)) - set(rows.tolist()) for rows in known]
    assert sorted(user for part in left for user in part) == list(range(10))


def test_without_anybody_to_show_there_is_nothing_to_measure(config: Config) -> None:
    with pytest.raises(DataError, match="three products"):
        strangers(graph_of([(0, 0, 1.0, 0), (1, 0, 1.0, 1)], 2, 1), CUT, DAYS, config)


def test_a_planted_taste_is_told_from_three_products(planted: Planted, config: Config) -> None:
    found = measure_visitors(shop_of(planted.dataset), config, folds=2)
    table = {(row["shown"], row["mode"], row["method"]): row for row in found.table}
    for shown in ("three products", "three orders"):
        for mode in ("all", "discover"):
            best, popular = (table[shown, mode, m] for m in ("lifted popularity", "popularity"))
            assert best["times"] > 1.5 and best["ahead"]["low"] > 0
            assert popular["times"] == 1 and popular["ahead"]["value"] == 0


def test_what_was_measured_is_what_is_served(built: Home) -> None:
    told = json.loads((built.snapshot() / "report.json").read_text())["visitors"]["dials"]
    served = Snapshot.load(built.snapshot()).visitors
    assert isinstance(served, Lifted)
    np.testing.assert_allclose(served.dials, [told["strength"], told["boost"]], rtol=1e-6)
