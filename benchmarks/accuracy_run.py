"""One method of ``benchmarks.accuracy``: chosen on validation, then measured on test once.

Each runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.accuracy_methods import METHODS, SECONDS, Setting, train_within
from evaluation.metrics import hits_of, ndcg, recall_of_all
from graph.interactions import FloatMatrix, InteractionGraph
from pipeline.fixed import split_graphs
from ranking.blend import Blend, tune_blend
from ranking.lists import top_k
from ranking.matrices import sparse_rows
from ranking.scorer import SavedScorer

__all__ = ["Files", "K", "choose", "measure", "run_apart"]

K: Final = 20
BATCH: Final = 256
Rows = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Outcome = dict[str, Any]


@dataclass(frozen=True)
class Files:
    """What is measured on.

    Attributes:
        train, valid, test: files of ``user item item ...`` lines.
        sample: users that settings are chosen on, at most.
        ordered: whether places in a line are taken as time.
    """

    train: Path
    valid: Path
    test: Path
    sample: int
    ordered: bool

    def graphs(self, *, final: bool) -> tuple[InteractionGraph, FloatMatrix]:
        """Events to learn from, and what is relevant: the test file's only where ``final``."""
        # In the choosing stage the validation file stands in for the test file.
        held = self.test if final else self.valid
        first, second, both, tested = split_graphs(self.train, held, self.valid)
        known, later = (both, tested) if final else (first, second)
        if not self.ordered:
            known = replace(known, days=np.zeros_like(known.days))
        return known, later.matrix()


@dataclass(frozen=True)
class Judge:
    """Quality of a scorer's lists of products that are new to their users."""

    held: FloatMatrix
    relevant: FloatMatrix
    users: Rows

    @staticmethod
    def of(known: InteractionGraph, relevant: FloatMatrix, sample: int | None) -> Judge:
        """Over the users with something to find; ``sample`` are drawn from all, seed 0."""
        n = known.shape[0]
        users = np.arange(n)
        if sample is not None and sample < n:
            users = np.sort(np.random.default_rng(0).choice(n, sample, replace=False))
        users = users[np.diff(relevant.indptr)[users] > 0]
        return Judge(known.matrix(), sparse_rows(relevant, users), users)

    def allowed(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """What may be listed, bool [len(rows), n_products]."""
        return np.asarray(sparse_rows(self.held, rows).toarray() == 0)

    def lists(self, scorer: SavedScorer) -> Rows:
        """Lists of length ``K`` for all users, int64 [n_users, K]."""
        parts = np.array_split(self.users, max(1, -(-len(self.users) // BATCH)))
        return np.concatenate([top_k(scorer.score(p), self.allowed(p), K)[0] for p in parts])

    def values(self, lists: Rows) -> tuple[Values, Values]:
        """Recall and NDCG of each user, float64 [n_users] each."""
        hits = hits_of(lists, self.relevant)
        return recall_of_all(hits), ndcg(hits)

    def quality(self, lists: Rows) -> float:
        """Mean NDCG: what settings are chosen by."""
        return float(self.values(lists)[1].mean())


def choose(files: Files, name: str, chosen: dict[str, Setting]) -> Outcome:
    """The best setting of a method on validation, with its figures there.

    Args:
        files: test is not read.
        name: of the method.
        chosen: settings of the methods above it.
    """
    method, (known, relevant) = METHODS[name], files.graphs(final=False)
    judge = Judge.of(known, relevant, files.sample)
    if method.parts:
        return _choose_weights(known, judge, name, chosen)
    assert method.fit is not None

    def tried_with(setting: Setting) -> tuple[Setting, float]:
        if name == "LightGCN":
            return train_within(known, setting, lambda s: judge.quality(judge.lists(s)), SECONDS)
        return setting, judge.quality(judge.lists(method.fit(known, **setting)))

    tried = [tried_with(setting) for setting in method.grid]
    setting, quality = max(tried, key=lambda pair: pair[1])
    return {"setting": setting, "valid_ndcg": quality, "tried": [[dict(s), q] for s, q in tried]}


def _choose_weights(
    known: InteractionGraph, judge: Judge, name: str, chosen: dict[str, Setting]
) -> Outcome:
    names = [part for part in METHODS[name].parts if part in chosen]
    parts = [_fitted(known, part, chosen) for part in names]
    tuned = tune_blend(parts, judge.users, judge.quality, judge.allowed, k=K)
    by_part = {
        id(p): round(float(w), 3)
        for p, w in zip(tuned.blend.parts, tuned.blend.weights, strict=True)
    }
    setting = {n: by_part[id(p)] for n, p in zip(names, parts, strict=True) if id(p) in by_part}
    return {"setting": setting, "valid_ndcg": judge.quality(tuned.lists), "tried": []}


def _fitted(known: InteractionGraph, name: str, chosen: dict[str, Setting]) -> SavedScorer:
    method, setting = METHODS[name], chosen[name]
    if method.fit is not None:
        return method.fit(known, **setting)
    parts = tuple(_fitted(known, part, chosen) for part in setting)
    return Blend(name, parts, np.array(list(setting.values()), np.float32))


def measure(files: Files, name: str, chosen: dict[str, Setting]) -> Outcome:
    """Figures on test, learned from training and validation together; arguments as ``choose``."""
    known, relevant = files.graphs(final=True)
    judge = Judge.of(known, relevant, None)
    began = time.perf_counter()
    scorer = _fitted(known, name, chosen)
    fitted = time.perf_counter()
    recall, gain = judge.values(judge.lists(scorer))
    listed = time.perf_counter()
    return {
        "recall": recall.tolist(),
        "ndcg": gain.tolist(),
        "fit_seconds": fitted - began,
        "ms_a_user": 1000 * (listed - fitted) / len(judge.users),
    }


def run_apart(work: Callable[[Files, str, dict[str, Setting]], Outcome], *args: Any) -> Outcome:
    """``work(*args)`` in a new process; its CPU seconds and peak memory join the outcome.

    Raises:
        SystemExit: the process died or failed; it has said why.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(there, work, args))
    process.start()
    there.close()
    try:
        outcome: Outcome = here.recv()
    except EOFError:
        raise SystemExit(f"{args[1]}: no outcome; see above") from None
    finally:
        process.join()
    return outcome


def _send(there: Connection, work: Callable[..., Outcome], args: tuple[Any, ...]) -> None:
    outcome = work(*args)
    used = resource.getrusage(resource.RUSAGE_SELF)
    outcome["cpu_seconds"] = used.ru_utime + used.ru_stime
    outcome["peak_mb"] = used.ru_maxrss / 1024
    there.send(outcome)
