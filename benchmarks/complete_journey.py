"""Lists against what was bought next: every method, three modes, seeds, and customers never seen.

    python -m benchmarks.complete_journey --cut 2017-12-01
    python -m benchmarks.complete_journey examples/online_retail.toml --events FILE
    python -m benchmarks.complete_journey --home .coterie --cut 2017-11-01 --window-days 30

All that is chosen is chosen on the window before the cut. What the encoder adds is the difference
to a blend tuned without it, what the ranker adds the difference to the blend; association rules
are in no customer's list, only in what completes baskets (``benchmarks.baskets``). Customers never
seen are left out of training altogether and shown with their latest three products. The last line
is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import paired_difference
from evaluation.harness import ModeResult
from evaluation.metrics import hits_of, ndcg
from graph.interactions import FloatMatrix, InteractionGraph
from graph.open import open_store
from graph.shop import Shop
from graph.write import write_dataset
from loaders.sources import load_source
from pipeline.build import read_home
from pipeline.choose import BLEND
from pipeline.config import Config, load_config
from pipeline.evaluate import evaluate_shop, windows
from pipeline.home import Home
from pipeline.methods import BASELINES, ENCODER, RECENT, Task
from pipeline.ranker import RANKER
from ranking.history import build_history
from ranking.matrices import bought_pairs
from ranking.recommender import Recommender
from ranking.scorer import Mode

K = 20
SHOWN = 3
HELD_OUT = 0.2
WITHOUT_ENCODER = "blend without the encoder"
Found = Mapping[str, Mapping[Mode, ModeResult]]


def shop_of(source: str, events: Path | None, home: Path | None) -> Shop:
    """A shop that is loaded already, or the source through a store of its own."""
    if home is not None:
        return read_home(Home(home))
    with tempfile.TemporaryDirectory() as folder:
        aside = Home(Path(folder) / "shop")
        aside.path.mkdir()
        with open_store(aside.store) as store:
            write_dataset(store, load_source(source, files={"events": events} if events else None))
        return read_home(aside)


def values(found: Found, method: str, mode: Mode) -> npt.NDArray[np.float64]:
    """NDCG of each customer."""
    return found[method][mode].values["ndcg", K]


def strongest(found: Found, mode: Mode) -> str:
    """The baseline that came out best on the test window, which is in its favour."""
    return max(BASELINES.keys() & found, key=lambda name: values(found, name, mode).mean())


def without_encoder(shop: Shop, config: Config) -> Mapping[Mode, ModeResult]:
    """Results of the blend tuned without the encoder."""
    evaluation = config.evaluation.model_copy(update={"unblended": (ENCODER,)})
    ranking = config.ranking.model_copy(update={"ranker_windows": 0})
    changes = {"evaluation": evaluation, "ranking": ranking}
    return evaluate_shop(shop, config.model_copy(update=changes)).results[BLEND]


def compared(runs: list[Found]) -> list[dict[str, Any]]:
    """Means over the seeds, and paired differences of each customer's mean over the seeds."""
    rows = []
    for mode in runs[0][BLEND]:
        mean = {name: np.mean([values(r, name, mode) for r in runs], axis=0) for name in runs[0]}
        best = strongest(runs[0], mode)
        pairs = [(BLEND, best), (RANKER, best), (RANKER, BLEND), (BLEND, WITHOUT_ENCODER)]
        rows.append(
            {
                "mode": mode,
                "customers": len(mean[BLEND]),
                "ndcg": {name: round(float(of.mean()), 4) for name, of in mean.items()},
                "by_seed": {
                    name: [round(float(values(r, name, mode).mean()), 4) for r in runs]
                    for name in (BLEND, RANKER)
                    if name in mean
                },
                "differences": [
                    {"of": a, "to": b, **asdict(paired_difference(mean[a], mean[b]))}
                    for a, b in pairs
                    if a in mean and b in mean
                ],
            }
        )
    return rows


def cold_start(shop: Shop, config: Config, seed: int) -> dict[str, Any]:
    """Lists for customers left out of training, from the latest three products they bought."""
    span = windows(shop.graph.purchases(), config)
    bought = shop.graph.purchases()
    before, after = bought.before(span.cut), bought.since(span.cut).before(span.cut + span.days)
    rng = np.random.default_rng(seed)
    out = rng.random(shop.graph.shape[0]) < HELD_OUT
    known = before.where(~out[before.user_rows])
    lines = np.bincount(known.product_rows, minlength=known.shape[1])
    eligible = lines >= config.ranking.min_lines
    known = known.where(eligible[known.product_rows])
    past = before.where(eligible[before.product_rows] & out[before.user_rows])
    found = bought_pairs(after.where(eligible[after.product_rows]))
    users = [u for u in np.unique(past.user_rows[past.registered[past.user_rows]])
             if found.indptr[u + 1] > found.indptr[u]]  # fmt: skip
    shown = {int(u): latest(past, int(u)) for u in users}
    users = [u for u in users if len(shown[int(u)]) == SHOWN]
    scores = {
        name: folded(known, name, config, eligible, found, {int(u): shown[int(u)] for u in users})
        for name in ("popularity", RECENT, "ItemKNN", "EASE")
    }
    popular = scores["popularity"]
    return {
        "customers": len(popular),
        "ndcg": {name: round(float(of.mean()), 4) for name, of in scores.items()},
        "gain": {
            name: {
                "ratio": round(float(of.mean() / popular.mean()), 3),
                **asdict(paired_difference(of, popular)),
            }
            for name, of in scores.items()
            if name != "popularity"
        },
    }


def latest(past: InteractionGraph, user: int) -> npt.NDArray[np.int64]:
    """The different products a customer bought last, at most three."""
    mine = np.flatnonzero(past.user_rows == user)
    rows = past.product_rows[mine[np.argsort(-past.days[mine], kind="stable")]]
    _, first = np.unique(rows, return_index=True)
    return rows[np.sort(first)][:SHOWN].astype(np.int64)


def folded(
    known: InteractionGraph,
    name: str,
    config: Config,
    eligible: npt.NDArray[np.bool_],
    found: FloatMatrix,
    shown: dict[int, npt.NDArray[np.int64]],
) -> npt.NDArray[np.float64]:
    """NDCG of each customer's list, made by the function that serves baskets and sessions."""
    recent = BASELINES[RECENT](Task(known, config)).score(np.zeros(1, np.int64))[0]
    scorer = BASELINES[name](Task(known, config))
    served = Recommender({"discover": scorer}, build_history(known), recent, eligible)
    lists = np.concatenate([served.recommend_basket(rows, K).rows for rows in shown.values()])
    wanted = found[np.array(list(shown))].tolil()
    for i, rows in enumerate(shown.values()):
        wanted[i, rows] = 0
    relevant = wanted.tocsr()
    some = np.diff(relevant.indptr) > 0
    return ndcg(hits_of(lists[some], relevant[np.flatnonzero(some)]))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", nargs="?", default="complete-journey")
    parser.add_argument("--events", type=Path, help="events file of a mapping")
    parser.add_argument("--home", type=Path, help="a shop that is loaded, instead of a source")
    parser.add_argument("--cut", help="first day of the test window; 30 days before the end")
    parser.add_argument("--window-days", type=float, help="length of the test window")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ablate", action="store_true", help="tune a blend without the encoder")
    parser.add_argument("--ranker-users", type=int, help="customers a window to learn from")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table, end in one JSON line."""
    asked = arguments()
    shop = shop_of(asked.source, asked.events, asked.home)
    cut = {"cut": asked.cut, "window_days": asked.window_days, "ks": (K,)}
    cut = {name: value for name, value in cut.items() if value is not None}
    ranking = {} if asked.ranker_users is None else {"ranker_users": asked.ranker_users}
    runs, start = [], time.perf_counter()
    results: list[Found] = []
    for seed in range(asked.seeds):
        config = load_config(None, seed=seed, evaluation=cut, ranking=ranking)
        runs.append(evaluate_shop(shop, config))
        more = {WITHOUT_ENCODER: without_encoder(shop, config)} if asked.ablate else {}
        results.append({**runs[-1].results, **more})
    rows = compared(results)
    for row in rows:
        row["served"] = [run.choice[row["mode"]].served for run in runs]
        print(f"{row['mode']}: {row['customers']:,} customers, served {row['served']}")
        for name, value in sorted(row["ndcg"].items(), key=lambda item: -item[1]):
            print(f"  {name:<28}{value:.4f}")
        for d in row["differences"]:
            print(
                f"  {d['of']} - {d['to']}: {d['value']:+.4f} ({d['low']:+.4f} to {d['high']:+.4f})"
            )
    cold = cold_start(shop, load_config(None, evaluation=cut), 0)
    print(f"customers never seen, shown {SHOWN} products: {cold['ndcg']}")
    report = {
        "benchmark": "complete_journey",
        "source": str(asked.home or asked.source),
        "settings": runs[0].report.settings,
        "seeds": asked.seeds,
        "rows": rows,
        "cold_start": cold,
        "seconds": round(time.perf_counter() - start, 1),
        "machine": platform.machine(),
    }
    print(json.dumps(report, default=str))


if __name__ == "__main__":
    main()
