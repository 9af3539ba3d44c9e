"""Lists for customers that nothing was learned from, shown with three purchases.

    python -m benchmarks.cold_start --cut 2017-12-01
    python -m benchmarks.cold_start examples/online_retail.toml --events FILE
    python -m benchmarks.cold_start --home .coterie --folds 1

Each customer is left out once: in each of five folds a fifth of them is. All that is chosen is
chosen on the window before the cut; docs/evaluation.md has the protocol. The last line is one JSON
document.
"""

from __future__ import annotations

import argparse
import json
import time

from benchmarks.complete_journey import COLD, shop_of, shop_parser, told
from pipeline.config import load_config
from pipeline.methods import BASELINES
from pipeline.visitors import FOLDS, measure_visitors


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = shop_parser(__doc__)
    parser.add_argument("--folds", type=int, default=FOLDS, choices=range(1, FOLDS + 1))
    parser.add_argument("--methods", nargs="+", choices=list(BASELINES), default=list(COLD))
    return parser.parse_args()


def main() -> None:
    """Measure, print a table, end in one JSON line."""
    asked, start = arguments(), time.process_time()
    shop = shop_of(asked.source, asked.events, asked.home)
    config = load_config(None, evaluation={"cut": asked.cut} if asked.cut else {})
    methods = dict.fromkeys(("popularity", *asked.methods))
    found = measure_visitors(shop, config, folds=asked.folds, methods=list(methods))
    print("\n".join(told(found)))
    seconds = round(time.process_time() - start, 1)
    print(json.dumps({"benchmark": "cold_start", "cpu_seconds": seconds, **found.to_json()}))


if __name__ == "__main__":
    main()
