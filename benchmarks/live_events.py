"""What live events are worth: lists after a customer's first day of a window, with and without.

    python -m benchmarks.live_events --cut 2017-12-01
    python -m benchmarks.live_events examples/online_retail.toml --events FILE

Everything is learned before the cut. What a customer buys on their first day after it arrives as
live events; lists are judged by what they buy from the next day on. Both settings are chosen on the
window before the cut, by at most 500 customers, then used once after it.
The last line is one JSON document.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.complete_journey import shop_of, shop_parser
from evaluation.bootstrap import paired_difference
from evaluation.metrics import hits_of, ndcg
from graph.interactions import FloatMatrix, InteractionGraph, from_day
from graph.shop import Shop
from pipeline.config import load_config
from pipeline.evaluate import windows
from pipeline.methods import BASELINES, RECENT, Task
from ranking.felt import Felt
from ranking.history import build_history
from ranking.matrices import bought_pairs
from ranking.recommender import Recommender
from ranking.scorer import MODES, Mode

K = 20
MOST = 500
EVIDENCE: Final = (0.0, 3.0, 10.0, 30.0)
AGAIN: Final = (0.0, 0.1, 0.3)
OWN: Final[dict[Mode, str]] = {
    "all": "decayed personal frequency",
    "repeat": "decayed personal frequency",
    "discover": "EASE",
}


@dataclass(frozen=True)
class Case:
    """One window: what serves it, who did what on their first day, and what they bought later."""

    served: Recommender
    users: npt.NDArray[np.int64]
    first: FloatMatrix
    later: dict[Mode, FloatMatrix]


def case(shop: Shop, cut: float, days: float, least: int) -> Case:
    """The window of ``days`` from ``cut``."""
    config = load_config(None)
    bought = shop.graph.purchases()
    lines = np.bincount(bought.before(cut).product_rows, minlength=shop.graph.shape[1])
    compact = bought.before(cut + days).of_products(lines >= least)
    known, after = compact.before(cut), compact.since(cut)
    start = np.full(compact.shape[0], np.inf)
    np.minimum.at(start, after.user_rows, np.floor(after.days))
    on_first = np.floor(after.days) == start[after.user_rows]
    first, later = bought_pairs(after.where(on_first)), bought_pairs(after.where(~on_first))
    history = build_history(known)
    scorers = {name: BASELINES[name](Task(known, config)) for name in {*OWN.values(), RECENT}}
    served = Recommender(
        {mode: scorers[name] for mode, name in OWN.items()},
        history,
        scorers[RECENT].score(np.zeros(1, np.int64))[0],
        np.ones(compact.shape[1], np.bool_),
    )
    active = (np.diff(first.indptr) > 0) & (np.diff(later.indptr) > 0)
    users = np.flatnonzero(active & history.known(np.arange(len(active))))
    return Case(served, users, first, _by_mode(known, first, later))


def _by_mode(
    known: InteractionGraph, first: FloatMatrix, later: FloatMatrix
) -> dict[Mode, FloatMatrix]:
    """What lists of each mode are judged by."""
    old = bought_pairs(known)
    again = later.multiply(old > 0).tocsr()
    fresh = later - again
    new = fresh - fresh.multiply(first > 0)
    new.eliminate_zeros()
    return {"all": later, "repeat": again, "discover": new.tocsr()}


def quality(
    found: Case, mode: Mode, evidence: float, again: float, most: int | None = None
) -> npt.NDArray[np.float64]:
    """NDCG of each customer who bought something of ``mode`` later."""
    wanted = found.later[mode]
    users = found.users[np.diff(wanted.indptr)[found.users] > 0][:most]
    lists = []
    for user in users:
        rows = found.first[[user]].indices.astype(np.int64)
        since = Felt(rows, np.ones(len(rows), np.float32), rows, evidence, again)
        lists.append(found.served.recommend(np.array([user]), K, mode, since=since).rows)
    return ndcg(hits_of(np.concatenate(lists), wanted[users]))


def without(found: Case, mode: Mode) -> npt.NDArray[np.float64]:
    """The same of lists that know nothing of the first day."""
    wanted = found.later[mode]
    users = found.users[np.diff(wanted.indptr)[found.users] > 0]
    return ndcg(hits_of(found.served.recommend(users, K, mode).rows, wanted[users]))


def main() -> None:
    """Choose on one window, measure on the next, end in one JSON line."""
    asked = shop_parser(__doc__).parse_args()
    shop = shop_of(asked.source, asked.events, asked.home)
    config = load_config(None, evaluation={"cut": asked.cut} if asked.cut else {})
    span, least = windows(shop.graph.purchases(), config), config.ranking.min_lines
    before = case(shop, span.cut - span.days, span.days, least)
    after = case(shop, span.cut, span.days, least)
    rows: list[dict[str, Any]] = []
    for mode in MODES:
        tried = {
            pair: float(quality(before, mode, *pair, MOST).mean())
            for pair in product(EVIDENCE, AGAIN)
        }
        chosen = max(tried, key=lambda pair: tried[pair])
        plain = without(after, mode)
        shipped = config.ranking.live_evidence, config.ranking.live_again
        found = {
            name: quality(after, mode, *pair)
            for name, pair in (("shipped", shipped), ("chosen", chosen))
        }
        gains = {name: paired_difference(values, plain) for name, values in found.items()}
        rows.append(
            {
                "mode": mode,
                "customers": len(plain),
                "settings": {"shipped": shipped, "chosen": chosen},
                "validation": {f"{w:g}/{r:g}": round(v, 4) for (w, r), v in tried.items()},
                "without": round(float(plain.mean()), 4),
                "with": {name: round(float(v.mean()), 4) for name, v in found.items()},
                "gain": {name: asdict(gain) for name, gain in gains.items()},
            }
        )
        print(f"{mode:<9}{len(plain):>6,} customers, without live events {plain.mean():.4f}")
        for name, gain in gains.items():
            print(
                f"  {name:<8}{found[name].mean():.4f}, gain {gain.value:+.4f} ({gain.low:+.4f} to "
                f"{gain.high:+.4f}); evidence, again: {rows[-1]['settings'][name]}"
            )
    cut = from_day(span.cut).isoformat()
    print(json.dumps({"benchmark": "live_events", "cut": cut, "k": K, "rows": rows}))


if __name__ == "__main__":
    main()
