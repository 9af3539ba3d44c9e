"""Completing baskets: the planted partner comes first, and the blend is chosen by measuring."""

from __future__ import annotations

import json

import numpy as np
import pytest
from insight_shop import shop_of

from loaders.synthetic import Planted
from pipeline.completion import (
    BASKETS,
    default_weights,
    fit_completion,
    measure_completion,
)
from pipeline.config import Config, load_config
from pipeline.home import Home
from pipeline.methods import ENCODER
from pipeline.snapshot import Snapshot
from ranking.blend import Blend
from ranking.vectors import Vectors


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(None, evaluation={"bootstrap": 50})


def _vectors(rows: int) -> Vectors:
    rng = np.random.default_rng(0)
    users, products = (rng.normal(size=(n, 4)).astype(np.float32) for n in (3, rows))
    return Vectors.of(ENCODER, users, products)


def test_the_partner_of_a_planted_pair_comes_first(planted: Planted, config: Config) -> None:
    shop = shop_of(planted.dataset)
    parts = fit_completion(shop.graph, config, None)
    assert ENCODER not in parts
    blend = Blend.of("blend", parts, default_weights())
    for first, second in planted.pairs:
        row = shop.graph.products.row(first)
        scores = blend.score_profile(np.array([row]))
        scores[row] = 0
        assert shop.graph.products.id(int(scores.argmax())) == second


def test_every_method_is_in_the_table(planted: Planted, config: Config) -> None:
    shop = shop_of(planted.dataset)
    found = measure_completion(shop, config, (_vectors(100), _vectors(100)))
    table = {row["method"]: row for row in found.table}
    assert set(table) == {
        "popularity",
        "recent popularity",
        "ItemKNN on customers",
        "ItemKNN on baskets",
        "rules",
        "LightGCN",
        "blend",
    }
    quality = {name: row["ndcg@20"]["value"] for name, row in table.items()}
    # Vectors at random know nothing; what the baskets say beats what everybody buys.
    assert quality["LightGCN"] < quality["popularity"] < quality[BASKETS]
    assert quality["blend"] >= 0.95 * max(quality.values())
    assert [row["ndcg@20"]["value"] for row in found.table] == sorted(
        quality.values(), reverse=True
    )
    for row in found.table:
        assert row["hits@10"]["low"] <= row["hits@10"]["value"] <= row["hits@20"]["value"]
    assert found.weights.get(BASKETS, 0) + found.weights.get("rules", 0) > 0
    assert table["blend"]["blend_ahead"] == {"value": 0, "low": 0, "high": 0}


def test_what_was_measured_is_what_is_served(built: Home) -> None:
    snapshot = Snapshot.load(built.snapshot())
    report = json.loads((built.snapshot() / "report.json").read_text())["completion"]
    assert snapshot.manifest.completion == report["weights"]
    names = [part.name for part in snapshot.completer.parts]
    assert names == [name for name, weight in report["weights"].items() if weight]
