"""Lists against what was bought next: every method, three modes, seeds, and customers never seen.

    python -m benchmarks.complete_journey --cut 2017-12-01
    python -m benchmarks.complete_journey examples/online_retail.toml --events FILE
    python -m benchmarks.complete_journey --home .coterie --cut 2017-11-01 --window-days 30

All that is chosen is chosen on the window before the cut. What the encoder adds is the difference
to a blend tuned without it, what the ranker adds the difference to the blend; association rules
are in no customer's list, only in what completes baskets (``benchmarks.baskets``). Customers never
seen are those of ``benchmarks.cold_start``. The last line is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import paired_difference
from evaluation.harness import ModeResult
from graph.open import open_store
from graph.shop import Shop
from graph.write import write_dataset
from loaders.sources import load_source
from pipeline.build import read_home
from pipeline.choose import BLEND
from pipeline.config import Config, load_config
from pipeline.evaluate import evaluate_shop
from pipeline.home import Home
from pipeline.methods import BASELINES, ENCODER, RECENT
from pipeline.ranker import RANKER
from pipeline.visitors import FOLDS, Visitors, measure_visitors
from ranking.scorer import Mode

K = 20
COLD = ("popularity", RECENT, "ItemKNN")
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


def told(cold: Visitors) -> Iterator[str]:
    """Lines about customers left out of training, one a method and way of asking."""
    yield f"customers never seen, served with {cold.dials}"
    for row in cold.table:
        ahead = row["ahead"]
        yield (
            f"  {row['shown']}, {row['mode']:<9}{row['method']:<20}{row['ndcg']['value']:.4f}"
            f" ({row['ndcg']['low']:.4f}-{row['ndcg']['high']:.4f}), {row['times']:.2f} times"
            f" popularity, {ahead['value']:+.4f} ({ahead['low']:+.4f} to {ahead['high']:+.4f}),"
            f" {row['customers']:,} customers"
        )


def shop_parser(description: str | None) -> argparse.ArgumentParser:
    """A command line that says which shop ``shop_of`` is to give, and where it is cut."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", nargs="?", default="complete-journey")
    parser.add_argument("--events", type=Path, help="events file of a mapping")
    parser.add_argument("--home", type=Path, help="a shop that is loaded, instead of a source")
    parser.add_argument("--cut", help="first day of the test window; 30 days before the end")
    return parser


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = shop_parser(__doc__)
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
    cold = measure_visitors(shop, load_config(None, evaluation=cut), folds=FOLDS, methods=COLD)
    print("\n".join(told(cold)))
    report = {
        "benchmark": "complete_journey",
        "source": str(asked.home or asked.source),
        "settings": runs[0].report.settings,
        "seeds": asked.seeds,
        "rows": rows,
        "cold_start": cold.to_json(),
        "seconds": round(time.perf_counter() - start, 1),
        "machine": platform.machine(),
    }
    print(json.dumps(report, default=str))


if __name__ == "__main__":
    main()
