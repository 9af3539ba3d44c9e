"""``ExperimentDesk``: everything that can be done with experiments, over one shop.

Definitions and states are one file that is replaced in one step; servers look at it each second, as
they look at the published build. Exposures and clicks are in the ledger, purchases in the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import ValidationError

from audiences.vault import Vault
from experiments.config import ExperimentsConfig
from experiments.definition import Definition
from experiments.ledger import Ledger, Touch
from experiments.register import Experiment, Register
from experiments.report import Question, Results
from graph.locks import FileGate
from loaders.errors import ConfigError, ExperimentError, UnknownExperiment
from pipeline.audiences import audiences_file
from pipeline.experiment_names import Options, options_of, problems_of
from pipeline.home import Home, write_atomically
from pipeline.measured import measured

__all__ = ["ExperimentDesk", "experiments_file", "held_builds"]

WAIT_SECONDS: Final = 10.0


def experiments_file(home: Home) -> Path:
    """Where the shop's experiments are kept."""
    return home.path / "experiments" / "experiments.json"


class ExperimentDesk:
    """Experiments of one shop.

    Args:
        home: the shop.
        config: what counts, and how sure a finding must be.
        clock: gives the time, UTC.
    """

    def __init__(
        self,
        home: Home,
        config: ExperimentsConfig,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.home, self.config, self._clock = home, config, clock
        self._path = experiments_file(home)
        self.ledger = Ledger(self._path.with_name("ledger.sqlite"))

    def stamp(self) -> tuple[Any, ...]:
        """Differs whenever an experiment, or who is in an audience, was changed in between."""
        return tuple(_stamp(path) for path in (self._path, audiences_file(self.home)))

    def all(self) -> dict[str, Experiment]:
        """All experiments by id, oldest first.

        Raises:
            ConfigError: the file cannot be read.
        """
        try:
            text = self._path.read_text(encoding="utf-8")
            found = Register.model_validate_json(text)
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise ConfigError(
                f"the experiments in {self._path} cannot be read ({type(error).__name__}); restore "
                "the file from a backup"
            ) from error
        return {one.id: one for one in found.experiments}

    def get(self, experiment: str) -> Experiment:
        """One of them.

        Raises:
            UnknownExperiment: there is none of this id.
        """
        return _known(self.all(), experiment)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Experiment]]:
        """The experiments as they are now, written back at the end of the block."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileGate(self._path, WAIT_SECONDS).alone():
            found = self.all()
            yield found
            whole = Register(experiments=tuple(found.values()))
            write_atomically(self._path, whole.model_dump_json(indent=1) + "\n")

    def create(self, definition: Definition) -> Experiment:
        """A draft.

        Raises:
            ExperimentError: there is one of this id.
        """
        with self._changing() as found:
            if definition.id in found:
                raise ExperimentError([("id", f"there is an experiment {definition.id!r} already")])
            found[definition.id] = made = Experiment.new(definition, self._clock())
        return made

    def change(self, definition: Definition) -> Experiment:
        """Save the next version of an experiment.

        Raises:
            UnknownExperiment: there is none of this id.
            ExperimentError: it changes what is settled.
        """
        with self._changing() as found:
            one = _known(found, definition.id).changed(definition, self._clock())
            if one.state == "running":
                self._check(definition)
            found[one.id] = one
        return one

    def start(self, experiment: str) -> Experiment:
        """Let visitors in.

        Raises:
            UnknownExperiment: there is none of this id.
            ExperimentError: it cannot be started, or names what is not there.
        """
        with self._changing() as found:
            found[experiment] = one = _known(found, experiment).start(self._clock())
            self._check(one.definition)
        return one

    def stop(self, experiment: str) -> Experiment:
        """Let nobody in any more; what follows exposures still counts.

        Raises:
            UnknownExperiment: there is none of this id.
            ExperimentError: it does not run.
        """
        with self._changing() as found:
            found[experiment] = one = _known(found, experiment).stop(self._clock())
        return one

    def delete(self, experiment: str) -> None:
        """Forget an experiment with its versions, exposures and clicks.

        Raises:
            UnknownExperiment: there is none of this id.
            ExperimentError: it runs.
        """
        with self._changing() as found:
            if _known(found, experiment).state == "running":
                raise ExperimentError([("state", "is running; stop it first")])
            del found[experiment]
            self.ledger.delete(experiment)

    def options(self) -> Options:
        """What definitions may name now."""
        return options_of(self.home)

    def _check(self, definition: Definition) -> None:
        """See that everything a definition names is there.

        Raises:
            ExperimentError: something is not; all of it is listed.
        """
        if problems := problems_of(definition, self.options()):
            raise ExperimentError(problems)

    def problem(self, one: Experiment) -> str | None:
        """Why an active experiment takes nobody in, if it does not."""
        if not one.is_active(self._clock()):
            return None
        found = problems_of(one.definition, self.options())
        return "; ".join(f"{path}: {message}" for path, message in found) or None

    def is_active(self, one: Experiment) -> bool:
        """Whether visitors may take part now."""
        return one.is_active(self._clock())

    def note(self, touches: Sequence[Touch]) -> None:
        """Keep exposures and clicks; see ``Ledger.note``."""
        if touches:
            self.ledger.note(touches)

    def results(self, experiment: str) -> Results:
        """What is known now.

        Raises:
            UnknownExperiment: there is none of this id.
            StoreUnavailable: the store cannot be read just now.
        """
        one = self.get(experiment)
        exposures = _within(self.ledger.exposures(experiment), one.started, one.stopped)
        clicks, asked = self.ledger.clicks(experiment), one.definition
        question = Question(
            [v.id for v in asked.variants],
            asked.weights,
            asked.metric,
            ("clicks", "conversion", "revenue"),
            asked.window_days or self.config.window_days,
        )
        return measured(self.home, exposures, clicks, question, self.config, self._clock())

    def members(self, audience: str) -> frozenset[str]:
        """Ids of an audience's members at its last refresh; nobody where it is not there."""
        found = Vault(audiences_file(self.home)).members(audience)
        return frozenset(() if found is None else found)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _within(
    exposures: pl.DataFrame, started: datetime | None, stopped: datetime | None
) -> pl.DataFrame:
    """Exposures until an experiment was stopped; whose clock says before it began, as it did."""
    if started:
        begin = int(started.timestamp() * 1e6)
        exposures = exposures.with_columns(pl.col("at").clip(lower_bound=begin))
    if stopped:
        exposures = exposures.filter(pl.col("at") <= int(stopped.timestamp() * 1e6))
    return exposures


def _known(found: dict[str, Experiment], experiment: str) -> Experiment:
    if experiment not in found:
        known = ", ".join(found) or "none"
        raise UnknownExperiment(f"no experiment has the id {experiment!r}; there are: {known}")
    return found[experiment]


def held_builds(home: Home) -> set[str]:
    """Builds that running experiments answer from, so that they must not be deleted."""
    try:
        found = ExperimentDesk(home, ExperimentsConfig()).all().values()
    except ConfigError:  # what cannot be read may name any of them
        return set(home.builds())
    running = [one for one in found if one.state == "running"]
    overrides = [v.override for one in running for v in one.definition.variants]
    return {o.build for o in overrides if o.build}
