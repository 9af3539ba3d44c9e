"""``tune``: search each method's settings on the validation window, with equal time for all.

The test window is not looked at: what is found here is measured by ``evaluate`` afterwards, as
settings chosen by hand would be. A baseline gets the time that an encoder gets, so that neither
wins by being looked after.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.harness import ndcg_judge
from evaluation.split import Split
from graph.readback import data_hash
from graph.shop import Shop
from loaders.contract import toml_text
from loaders.errors import ConfigError, DataError, StoreUnavailable
from loaders.progress import Progress, silent
from pipeline.config import Config, changed, nested
from pipeline.evaluate import Side, side, validator, windows
from pipeline.home import Home
from pipeline.methods import BASELINES, FILTERS, NAMES, Task, fit_embeddings
from pipeline.spaces import SPACES, Setting, Space
from pipeline.trials import Trials, open_trials
from ranking.lists import top_k
from ranking.scorer import Mode, Scorer
from ranking.vectors import Vectors

__all__ = ["Tuned", "best_settings", "settings_text", "tunable", "tune"]

BATCH = 256


@dataclass(frozen=True)
class Tuned:
    """What was found for one method.

    Attributes:
        method: its name.
        mode: in which its lists were judged.
        trials: how many settings were tried.
        seconds: what they took, earlier runs included.
        as_set: NDCG on the validation window with the settings as they are.
        best: with the best ones.
        settings: those that were changed for it, by dotted name; empty where none did better.
    """

    method: str
    mode: Mode
    trials: int
    seconds: float
    as_set: float
    best: float
    settings: Mapping[str, Setting]

    def to_json(self) -> dict[str, Any]:
        """As plain keys."""
        return asdict(self)


def tunable(config: Config, asked: Collection[str] = ()) -> list[str]:
    """Methods to tune: those asked for, else all that have settings to search and compete.

    Raises:
        ConfigError: a method is not known or has nothing to tune.
    """
    unknown = [name for name in asked if name not in SPACES]
    if unknown:
        raise ConfigError(
            f"nothing to tune by the name of {', '.join(unknown)}; there are: {', '.join(SPACES)}"
        )
    left_out = () if config.ranking.filters else FILTERS
    return [name for name in SPACES if (name in asked if asked else name not in left_out)]


def tune(
    shop: Shop,
    config: Config,
    home: Home,
    *,
    minutes: float,
    trials: int,
    methods: Sequence[str] = (),
    progress: Progress = silent,
) -> list[Tuned]:
    """Search until each method had its share of the time, or as many trials.

    Trials are kept in ``HOME/tune``. Run again, a search goes on where it was, with the time that
    is left of ``minutes``; of other data, windows or settings another one begins.

    Args:
        shop: the shop; events after the cut are never looked at.
        config: all settings; what is not searched is as it says.
        home: where trials are kept.
        minutes: for all methods together, over all runs. Each gets the same share, and ends the
            trial that it began: the settings as they are, at least.
        trials: most settings tried of each method.
        methods: names; all that compete where empty.
        progress: told after each trial.

    Raises:
        ConfigError: a method is not known, or Optuna is not installed.
        DataError: the shop is too young, or a method has nobody to be judged by.
        StoreUnavailable: another search is running in this home.
        KeyboardInterrupt: passed on; what was tried is kept.
    """
    names = tunable(config, methods)
    budget = minutes * 60 / len(names)
    folder = home.path / "tune"
    with _alone(folder), open_trials(folder / "trials.db") as opened:
        validation = _validation(shop, config)
        mark = _mark(validation, config)
        found = []
        for name in names:
            space = SPACES[name]
            label = f"{name} {_hash([mark, repr(space), _fixed(config, space)])}"
            search = _Search(name, space, validation, shop, config, folder, progress)
            found.append(search.run(opened(label, space, config.seed), budget, trials))
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the right to search in this home; lost when the process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(
                f"another search is running in {folder}; wait for it to end"
            ) from None
        yield


def _validation(shop: Shop, config: Config) -> Side:
    span = windows(shop.graph.purchases(), config)
    return side(shop.graph, span.cut - span.days, span.days, config)


def _mark(validation: Side, config: Config) -> list[Any]:
    """What figures depend on besides settings: events, windows and lists' length."""
    graph, split = validation
    judged = {mode: (m.nnz, float(m.sum())) for mode, m in split.relevant.items()}
    return [data_hash(graph), judged, config.evaluation.k]


def _fixed(config: Config, space: Space) -> list[Any]:
    """The other settings of the sections that are searched, and the seed."""
    read = {"seed", *(name.partition(".")[0] for name in space.settings)}
    rest = config.model_dump(mode="json", include=read)
    rest.get("gnn", {}).pop("encoder", None)  # the search is of one encoder, whichever is served
    for name in space.settings:
        *sections, key = name.split(".")
        place = rest
        for section in sections:
            place = place[section]
        place.pop(key)
    return [rest]


def _hash(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Search:
    """One method's search."""

    name: str
    space: Space
    validation: Side
    shop: Shop
    config: Config
    folder: Path
    progress: Progress

    def run(self, trials: Trials, budget: float, most: int) -> Tuned:
        """Measure settings as they are, then try others until time or trials are spent."""
        trials.measure_as_set(self.measure)
        self._tell(trials, budget)
        tried = 0
        while trials.done + tried < most and trials.seconds < budget:
            before = trials.done
            trials.next(self.measure)
            tried += trials.done == before  # one that cannot be measured counts too
            self._tell(trials, budget)
        best, settings = trials.best
        as_set = trials.as_set if trials.as_set is not None else best
        return Tuned(
            self.name, self.space.mode, trials.done, trials.seconds, as_set, best, settings
        )

    def _tell(self, trials: Trials, budget: float) -> None:
        stage = f"tune {self.name}: best {trials.best[0]:.4f} after {trials.done} trials"
        self.progress(stage, min(round(trials.seconds), round(budget)), round(budget))

    def measure(self, settings: Mapping[str, Setting]) -> float:
        """NDCG of the method's lists on the validation window, with these settings.

        Raises:
            DataError: nobody can be judged.
            ConfigError: a setting is out of range.
        """
        split, mode = self.validation[1], self.space.mode
        if mode not in split.relevant or not len(split.users(mode)):
            raise DataError(
                f"nobody to judge {self.name} by in mode {mode}: no customer known before the"
                " validation window has bought what that mode asks for; tune other methods"
            )
        return _ndcg(self._fitted(changed(self.config, settings)), split, mode, self.config)

    def _fitted(self, config: Config) -> Scorer:
        graph, split = self.validation
        if self.name in BASELINES:
            return BASELINES[self.name](Task(graph, config, shop=self.shop))
        encoder = next(key for key, name in NAMES.items() if name == self.name)
        task = Task(
            graph,
            changed(config, {"gnn.encoder": encoder}),
            self.progress,
            validator(split),
            checkpoint=self.folder / f"{encoder}.checkpoint",
            shop=self.shop,
        )
        return Vectors.of(self.name, *fit_embeddings(task).folded())


def _ndcg(scorer: Scorer, split: Split, mode: Mode, config: Config) -> float:
    users = split.users(mode)
    lists = [
        top_k(scorer.score(batch), split.allowed(batch, mode), config.evaluation.k)[0]
        for batch in np.array_split(users, -(-len(users) // BATCH))
    ]
    return ndcg_judge(split, mode, users)(np.concatenate(lists))


def best_settings(found: Sequence[Tuned]) -> dict[str, Setting]:
    """What to change, by dotted name; of several encoders, the best one's and its choice."""
    encoders = [t for t in found if t.method in NAMES.values()]
    winner = max(encoders, key=lambda t: t.best, default=None)
    kept = [t for t in found if t not in encoders or t is winner]
    changes = {name: value for t in kept for name, value in t.settings.items()}
    if winner is not None and len(encoders) > 1:
        changes["gnn.encoder"] = next(k for k, v in NAMES.items() if v == winner.method)
    return changes


def settings_text(found: Sequence[Tuned], before: Mapping[str, Any]) -> str:
    """A settings file: what was set ``before``, and what was found better, with the figures."""
    head = ["# Written by coterie tune. NDCG on the validation window, as set and at best:"]
    head += [
        f"#   {t.method} ({t.mode}): {t.as_set:.4f}, {t.best:.4f} in {t.trials} trials,"
        f" {t.seconds:.0f} s"
        for t in found
    ]
    merged = _over(before, nested(best_settings(found)))
    return "\n".join([*head, *_sections(merged, "")]) + "\n"


def _over(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        name: _over(weaker.get(name, {}), value) if isinstance(value, Mapping) else value
        for name, value in stronger.items()
    }
    return {**weaker, **both}


def _sections(values: Mapping[str, Any], name: str) -> Iterator[str]:
    """Lines of TOML: plain values first, then a table a section."""
    plain = {k: v for k, v in values.items() if not isinstance(v, Mapping)}
    if name and plain:
        yield f"\n[{name}]"
    for key, value in plain.items():
        yield f"{key} = {toml_text(tuple(value) if isinstance(value, list) else value)}"
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _sections(value, f"{name}.{key}" if name else key)
