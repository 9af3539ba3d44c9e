"""Recommenders side by side on a fixed split, chosen on validation, measured on test once.

    python -m benchmarks.accuracy --train train.txt --valid valid.txt --test test.txt

Files hold lines of ``user item item ...``. Every setting, the weights of blends included, is
chosen by NDCG@20 on the validation file (a sample of its users), then each method learns from
training and validation lines together and meets the test file once. Recall divides by all test
items of a user, the ideal of NDCG is cut at 20: the definitions of LightGCN's published figures.

Outcomes are kept in a folder by the content of the files; a run that was cut short goes on where
it stopped, and ``--afresh`` starts again. Needs ``implicit`` for its two rows. The last line is one
JSON document.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy_methods import METHODS, Setting
from benchmarks.accuracy_run import Files, Outcome, choose, measure, run_apart
from evaluation.bootstrap import Interval, bootstrap_mean, paired_difference

__all__ = ["compare", "main"]


def cached(folder: Path, name: str, stage: str, work: Any, *args: Any) -> Outcome:
    """What is kept of a stage of a method, or else done now and kept."""
    tried = [(part, METHODS[part].grid) for part in (*METHODS[name].parts, name)]
    mark = hashlib.sha256(repr(tried).encode()).hexdigest()[:8]
    path = folder / f"{name.replace(' ', '-').replace(',', '')}.{mark}.{stage}.json"
    if not path.exists():
        outcome = run_apart(work, *args)
        aside = path.with_suffix(".part")
        aside.write_text(json.dumps(outcome))
        aside.replace(path)
    kept: Outcome = json.loads(path.read_text())
    return kept


def folder_of(files: Files, cache: Path) -> Path:
    """Where outcomes on these very files are kept."""
    mark = hashlib.sha256(repr((files.sample, files.ordered)).encode())
    for path in (files.train, files.valid, files.test):
        mark.update(path.read_bytes())
    folder = cache / mark.hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def usable(names: list[str], files: Files) -> list[str]:
    """The methods asked for that can run here."""
    implicit = find_spec("implicit") is not None
    return [
        name
        for name in names
        if (implicit or not name.startswith("implicit"))
        and (files.ordered or not METHODS[name].ordered)
    ]


def compare(files: Files, names: list[str], cache: Path) -> list[dict[str, Any]]:
    """Choose and measure every method of ``names``, and what blends among them need.

    Returns:
        One row a method: its setting, figures with intervals, seconds, memory.
    """
    folder = folder_of(files, cache)
    needed = {part for name in names for part in (name, *METHODS[name].parts)}
    chosen: dict[str, Setting] = {}
    chose: dict[str, Outcome] = {}
    for name in usable([n for n in METHODS if n in needed], files):
        chose[name] = cached(folder, name, "valid", choose, files, name, chosen)
        chosen[name] = chose[name]["setting"]
        print(f"chose {name}: {dict(chosen[name])} {chose[name]['valid_ndcg']:.4f}", flush=True)
    rows = []
    for name in usable(names, files):
        tested = cached(folder, name, "test", measure, files, name, chosen)
        rows.append(row_of(name, chose, tested))
        print(line_of(rows[-1]), flush=True)
    return rows


def row_of(name: str, outcomes: dict[str, Outcome], tested: Outcome) -> dict[str, Any]:
    """A row of the table; ``values`` are the users' own, time includes choosing the parts."""
    chose = outcomes[name]
    chosen = [chose, *(outcomes[part] for part in METHODS[name].parts if part in outcomes)]
    intervals = {m: bootstrap_mean(np.array(tested[m])) for m in ("recall", "ndcg")}
    return {
        "method": name,
        "setting": chose["setting"],
        "valid_ndcg": chose["valid_ndcg"],
        **{metric: vars(interval) for metric, interval in intervals.items()},
        "fit_seconds": tested["fit_seconds"],
        "ms_a_user": tested["ms_a_user"],
        "cpu_minutes": (sum(c["cpu_seconds"] for c in chosen) + tested["cpu_seconds"]) / 60,
        "peak_mb": max(chose["peak_mb"], tested["peak_mb"]),
        "values": {m: tested[m] for m in ("recall", "ndcg")},
    }


HEAD = (
    f"{'method':<24} {'Recall@20 (95 %)':<24} {'NDCG@20 (95 %)':<24} {'valid':>6} {'fit s':>7}"
    f" {'ms/user':>8} {'CPU min':>8} {'MB':>6}"
)


def line_of(row: dict[str, Any]) -> str:
    """One row for people."""
    recall, ndcg = (
        "{value:.4f} ({low:.4f}-{high:.4f})".format(**row[m]) for m in ("recall", "ndcg")
    )
    return (
        f"{row['method']:<24} {recall:<24} {ndcg:<24} {row['valid_ndcg']:6.4f}"
        f" {row['fit_seconds']:7.1f} {row['ms_a_user']:8.2f} {row['cpu_minutes']:8.1f}"
        f" {row['peak_mb']:6.0f}"
    )


def differences(rows: list[dict[str, Any]]) -> dict[str, dict[str, Interval]]:
    """Each row below the first minus the row above it in validation NDCG, paired by user."""
    ranked = sorted(rows, key=lambda row: -float(row["valid_ndcg"]))
    return {
        f"{better['method']} - {worse['method']}": {
            m: paired_difference(np.array(better["values"][m]), np.array(worse["values"][m]))
            for m in ("recall", "ndcg")
        }
        for better, worse in pairwise(ranked)
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("train", "valid", "test"):
        found.add_argument(f"--{name}", type=Path, required=True)
    found.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    found.add_argument("--sample", type=int, default=4096, help="users to choose on")
    found.add_argument(
        "--unordered",
        action="store_true",
        help="places in a line are no time; without it validation decides what time is worth",
    )
    found.add_argument("--cache", type=Path, default=Path(".accuracy"), help="where to keep work")
    found.add_argument("--afresh", action="store_true", help="forget what is kept")
    return found


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, end in one JSON line."""
    asked = parser().parse_args(arguments)
    files = Files(asked.train, asked.valid, asked.test, asked.sample, not asked.unordered)
    if asked.afresh:
        for path in folder_of(files, asked.cache).iterdir():
            path.unlink()
    rows = compare(files, asked.methods, asked.cache)
    print(f"\n{HEAD}")
    for row in rows:
        print(line_of(row))
    apart = differences(rows)
    for pair, found in apart.items():
        said = (f"{m} {i.value:+.4f} ({i.low:+.4f} to {i.high:+.4f})" for m, i in found.items())
        print(f"{pair}: {', '.join(said)}")
    for row in rows:
        del row["values"]
    pairs = {p: {m: vars(i) for m, i in found.items()} for p, found in apart.items()}
    print(json.dumps({"rows": rows, "differences": pairs}))


if __name__ == "__main__":
    main()
