"""One method's trials: settings proposed, measured, remembered on disk.

Optuna's tree-structured Parzen estimator proposes (Bergstra et al., "Algorithms for
Hyper-Parameter Optimization", NeurIPS 2011). Each trial is seeded by its place, so that a search
that was interrupted and taken up again tries what it would have tried.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from loaders.errors import ConfigError, CoterieError
from pipeline.spaces import Setting, Space, Span

try:
    import optuna
except ModuleNotFoundError as error:
    raise ConfigError(
        f"tuning needs {error.name}; install it: pip install 'coterie[learn]'"
    ) from error

__all__ = ["Trials", "open_trials"]

Measure = Callable[[Mapping[str, Setting]], float]
"""How good some settings are; higher is better."""
AS_SET, SECONDS = "as set", "seconds"


@dataclass(frozen=True)
class Trials:
    """What was tried of one method; all of it lives in the study's file."""

    study: Any
    space: Space
    seed: int

    @property
    def as_set(self) -> float | None:
        """The figure of the settings as they are; ``None`` before it was measured."""
        value: float | None = self.study.user_attrs.get(AS_SET)
        return None if value is None else float(value)

    @property
    def done(self) -> int:
        """Trials that ended with a figure."""
        return len(self._complete())

    @property
    def seconds(self) -> float:
        """Seconds that were spent, interrupted trials left out."""
        spent = [self.study.user_attrs, *(t.user_attrs for t in self._all())]
        return float(sum(attrs.get(SECONDS, 0.0) for attrs in spent))

    @property
    def best(self) -> tuple[float, dict[str, Setting]]:
        """The best figure and what was changed for it; nothing where settings as they are won."""
        least: float = self.as_set if self.as_set is not None else float("-inf")
        found = max(self._complete(), key=lambda t: t.value, default=None)
        if found is None or found.value <= least:
            return least, {}
        return float(found.value), dict(found.params)

    def measure_as_set(self, measure: Measure) -> None:
        """Measure the settings as they are, unless that was done."""
        if self.as_set is None:
            began = perf_counter()
            value = float(measure({}))
            self.study.set_user_attr(SECONDS, perf_counter() - began)
            self.study.set_user_attr(AS_SET, value)

    def next(self, measure: Measure) -> None:
        """One trial more. What cannot be measured is remembered as failed, and not tried again.

        Raises:
            KeyboardInterrupt: passed on; the trial is repeated when the search goes on.
        """
        self.study.sampler = optuna.samplers.TPESampler(seed=self.seed + 1 + self.done)
        trial = self.study.ask()
        settings = {name: _ask(trial, name, space) for name, space in self.space.settings.items()}
        began = perf_counter()
        try:
            value: float | None = float(measure(settings))
        except CoterieError as error:
            trial.set_user_attr("error", str(error))
            value = None
        except BaseException:
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
            self.study.enqueue_trial(settings)
            raise
        trial.set_user_attr(SECONDS, perf_counter() - began)
        failed = optuna.trial.TrialState.FAIL if value is None else None
        self.study.tell(trial, value, state=failed)

    def _all(self) -> list[Any]:
        return list(self.study.get_trials(deepcopy=False))

    def _complete(self) -> list[Any]:
        return [t for t in self._all() if t.state == optuna.trial.TrialState.COMPLETE]


def _ask(trial: Any, name: str, space: Any) -> Setting:
    if not isinstance(space, Span):
        chosen: Setting = trial.suggest_categorical(name, space.values)
        return chosen
    if space.whole:
        return int(trial.suggest_int(name, int(space.low), int(space.high), log=space.log))
    return float(trial.suggest_float(name, space.low, space.high, log=space.log))


@contextmanager
def open_trials(file: Path) -> Iterator[Callable[[str, Space, int], Trials]]:
    """Open the file of trials, new or old, and give a function that opens one method's.

    A trial that was under way when its process died is taken up again.

    Raises:
        ConfigError: the file is no file of trials.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
    except Exception as error:  # of the driver, the mapper or Optuna itself
        raise ConfigError(
            f"{file} cannot be read as trials ({type(error).__name__}); move it away to start anew"
        ) from error

    def study(name: str, space: Space, seed: int) -> Trials:
        opened = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )
        for left in opened.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
            opened.tell(left.number, state=optuna.trial.TrialState.FAIL)
            if left.params.keys() == space.settings.keys():
                opened.enqueue_trial(left.params)
        return Trials(opened, space, seed)

    try:
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()
