"""``ExperimentDesk``: everything that can be done with experiments, over one shop.

Definitions and states are one file that is replaced in one step; servers look at it each second, as
they look at the published build. Exposures and clicks are in the ledger, purchases in the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl
from pydantic import ValidationError

from audiences.vault import Vault
from experiments.config import ExperimentsConfig
from experiments.definition import Definition
from experiments.ledger import Ledger, Touch
from experiments.measure import PURCHASES, outcomes
from experiments.register import Experiment, Register
from experiments.report import Question, Results, results
from graph.locks import FileGate
from graph.query import read_query
from graph.store import QueryLimits
from loaders.errors import ConfigError, ExperimentError, SnapshotMissing, UnknownExperiment
from pipeline.audiences import audiences_file
from pipeline.home import Home, write_atomically
from pipeline.segmenting import segments_of_build
from ranking.saved import scorer_names

__all__ = ["ExperimentDesk", "Options", "experiments_file", "held_builds", "purchases_since"]

WAIT_SECONDS: Final = 10.0
LIMITS: Final = QueryLimits(rows=20_000_000, seconds=300, megabytes=4_000)
_PURCHASES: Final = """
MATCH (u:User)-[p:PURCHASED]->(:Product) WHERE p.at >= $since
RETURN u.id AS user_id, p.session_id AS session_id, p.order_id AS order_id, p.at AS at,
p.value AS value
"""


def experiments_file(home: Home) -> Path:
    """Where the shop's experiments are kept."""
    return home.path / "experiments" / "experiments.json"


@dataclass(frozen=True)
class Options:
    """What a definition may name.

    Attributes:
        methods: that the published build carries.
        builds: on disk, oldest first.
        segments: ids and names of the published build's.
        audiences: names of saved ones.
    """

    methods: Sequence[str]
    builds: Sequence[str]
    segments: Sequence[tuple[str, str]]
    audiences: Sequence[str]


def purchases_since(home: Home, since: datetime) -> pl.DataFrame:
    """Purchase lines of the graph from ``since`` on, columns ``experiments.measure.PURCHASES``.

    Raises:
        StoreUnavailable: the store cannot be read just now.
        QueryError: there are more than can be read.
    """
    found = pl.from_arrow(read_query(home.store, _PURCHASES, {"since": since}, LIMITS))
    assert isinstance(found, pl.DataFrame)
    at = pl.col("at").dt.cast_time_unit("us").dt.epoch("us")
    types = {"user_id": pl.String, "session_id": pl.String, "order_id": pl.String}
    return found.with_columns(at).cast({**types, "value": pl.Float64}).select(PURCHASES)


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
        self._home, self.config, self._clock = home, config, clock
        self._path = experiments_file(home)
        self.ledger = Ledger(self._path.with_name("ledger.sqlite"))

    def stamp(self) -> tuple[int, int] | None:
        """Differs whenever an experiment was changed in between."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

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
        """What definitions may name now; nothing where nothing is published."""
        vault = Vault(audiences_file(self._home))
        builds = self._home.builds()
        try:
            folder = self._home.snapshot()
        except SnapshotMissing:
            return Options((), builds, (), tuple(vault.audiences()))
        segments = segments_of_build(self._home).segmentation.segments
        return Options(
            tuple(sorted(scorer_names(folder / "recommender" / "scorers"))),
            builds,
            tuple((s.id, s.name) for s in segments),
            tuple(vault.audiences()),
        )

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
        asked, now = one.definition, self._clock()
        exposures = self.ledger.exposures(experiment)
        if one.stopped:
            exposures = exposures.filter(pl.col("at") <= int(one.stopped.timestamp() * 1e6))
        since = exposures["at"].min() if len(exposures) else None
        lines = (
            pl.DataFrame(schema=dict.fromkeys(PURCHASES, pl.String)).cast(
                {"at": pl.Int64, "value": pl.Float64}
            )
            if since is None
            else purchases_since(self._home, datetime.fromtimestamp(since / 1e6, UTC))
        )
        days = asked.window_days or self.config.window_days
        found = outcomes(
            exposures, self.ledger.clicks(experiment), lines, timedelta(days=days), now
        )
        question = Question(
            [v.id for v in asked.variants],
            asked.weights,
            asked.metric,
            ("clicks", "conversion", "revenue"),
            days,
            priced=lines.is_empty() or lines["value"].null_count() < len(lines),
        )
        return results(found, question, self.config, now)

    def members(self, audience: str) -> frozenset[str]:
        """Ids of an audience's members at its last refresh; nobody where it is not there."""
        found = Vault(audiences_file(self._home)).members(audience)
        return frozenset(() if found is None else found)


def _known(found: dict[str, Experiment], experiment: str) -> Experiment:
    if experiment not in found:
        known = ", ".join(found) or "none"
        raise UnknownExperiment(f"no experiment has the id {experiment!r}; there are: {known}")
    return found[experiment]


def problems_of(definition: Definition, options: Options) -> list[tuple[str, str]]:
    """What a definition names that is not there, each with its path."""
    found: list[tuple[str, str]] = []
    known = {"method": options.methods, "build": options.builds}
    for i, variant in enumerate(definition.variants):
        for name, there in known.items():
            wanted = getattr(variant.override, name)
            if wanted is not None and wanted not in there:
                told = f"there is no {wanted!r}; there are: {', '.join(there) or 'none'}"
                found.append((f"variants.{i}.override.{name}", told))
    segments = [id_ for id_, _ in options.segments]
    for i, segment in enumerate(definition.segments):
        if segment not in segments:
            told = f"there is no {segment!r}; there are: {', '.join(segments) or 'none'}"
            found.append((f"segments.{i}", told))
    if definition.audience is not None and definition.audience not in options.audiences:
        told = f"there is none {definition.audience!r}; there are: "
        found.append(("audience", told + (", ".join(options.audiences) or "none")))
    return found


def held_builds(home: Home) -> set[str]:
    """Builds that running experiments answer from, so that they must not be deleted."""
    try:
        found = ExperimentDesk(home, ExperimentsConfig()).all().values()
    except ConfigError:  # what cannot be read may name any of them
        return set(home.builds())
    running = [one for one in found if one.state == "running"]
    overrides = [v.override for one in running for v in one.definition.variants]
    return {o.build for o in overrides if o.build}
