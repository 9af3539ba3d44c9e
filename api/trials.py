"""``Trials``: which list of a request is part of an experiment, and what its variant changes.

A thread looks at the experiments' file once a second, so several servers agree within a second; a
request reads what that thread prepared and asks nobody. Who gets what is decided by hash, the same
in every process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from api.models.base import Mode
from api.models.lists import ExperimentRef, Recommendations, SessionRecommendations
from api.service import Service
from experiments.definition import Kind, Override
from experiments.ledger import Touch
from experiments.register import Experiment
from loaders.errors import CoterieError
from pipeline.experiments import ExperimentDesk

__all__ = ["Taken", "Trials", "labelled"]

_log = logging.getLogger("coterie.api")
L = TypeVar("L", Recommendations, SessionRecommendations)


@dataclass(frozen=True)
class Taken:
    """What a list is to be made by.

    Attributes:
        service: that answers.
        mode: of the list.
        label: the experiment and the variant; ``None`` where it is part of none.
    """

    service: Service
    mode: Mode
    label: ExperimentRef | None = None


def labelled(found: L, label: ExperimentRef | None) -> L:
    """A list with the experiment it is part of."""
    return found.model_copy(update={"experiment": label}) if label else found


@dataclass(frozen=True)
class _Running:
    """An experiment as requests need it."""

    one: Experiment
    kinds: Sequence[Kind]
    members: frozenset[str] | None

    def concerns(self, service: Service, unit: str, kind: Kind, mode: Mode | None) -> bool:
        asked = self.one.definition
        if kind not in self.kinds or not asked.is_open(datetime.now(UTC)):
            return False
        if mode is not None and asked.modes and mode not in asked.modes:
            return False
        if not self.one.takes(unit) or (self.members is not None and unit not in self.members):
            return False
        return not asked.segments or service.segment_of(unit) in asked.segments


class Trials:
    """Experiments as a server serves them.

    Args:
        desk: the shop's experiments.
        held: gives the service of another build, if it is ready.
        hold: makes other builds ready.
        every: seconds between two looks at the experiments.
    """

    def __init__(
        self,
        desk: ExperimentDesk,
        held: Callable[[str], Service | None] = lambda build: None,
        hold: Callable[[Collection[str]], None] = lambda builds: None,
        every: float = 1.0,
    ) -> None:
        self.desk, self._held, self._hold = desk, held, hold
        self._every, self._stamp, self._said = every, (), ""
        self._known: Mapping[str, Experiment] = {}
        self._running: Sequence[_Running] = ()
        self._looking, self._holding = threading.Lock(), threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="experiments", daemon=True)

    def start(self) -> None:
        """Look at the experiments now, and watch them until ``stop``."""
        self.follow()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()

    def refresh(self) -> None:
        """Take up what changed.

        Raises:
            ConfigError: the experiments cannot be read.
            SnapshotMissing: a build that one of them needs cannot.
        """
        self._look()
        with self._holding:
            self._hold({o.build for o in self._overrides() if o.build})

    def _look(self) -> None:
        with self._looking:
            stamp = self.desk.stamp()
            if stamp == self._stamp:
                return
            self._known = self.desk.all()
            running = [one for one in self._known.values() if one.state == "running"]
            running.sort(key=lambda one: one.started or datetime.max.replace(tzinfo=UTC))
            self._running = [self._prepared(one) for one in running]
            self._stamp = stamp

    def _prepared(self, one: Experiment) -> _Running:
        audience = one.definition.audience
        members = self.desk.members(audience) if audience else None
        return _Running(one, one.definition.kinds, members)

    def _overrides(self) -> list[Override]:
        return [v.override for r in self._running for v in r.one.definition.variants]

    def _watch(self) -> None:
        while not self._stop.wait(self._every):
            self.follow()

    def follow(self) -> None:
        """Refresh; whatever goes wrong is said once in the log, and what ran before goes on."""
        try:
            self.refresh()
            self._said = ""
        except Exception as error:
            if str(error) != self._said:
                self._said = str(error)
                known = isinstance(error, CoterieError)
                _log.warning("%s", error, exc_info=None if known else error)

    def take(self, service: Service, unit: str | None, kind: Kind, mode: Mode) -> Taken:
        """What makes the list of ``unit``: the experiment that started first of those it is in.

        Args:
            service: of the published build.
            unit: as in ``experiments.assign.unit_of``; ``None`` is in no experiment.
            kind: whose list.
            mode: that the request asks for; a visitor's list has none.
        """
        if unit is None:
            return Taken(service, mode)
        asked = mode if kind == "customer" else None
        for running in self._running:
            if running.concerns(service, unit, kind, asked):
                found = self._by_variant(running.one, service, unit, mode)
                if found is not None:
                    return found
        return Taken(service, mode)

    def _by_variant(self, one: Experiment, service: Service, unit: str, mode: Mode) -> Taken | None:
        """``None`` where not every variant can be served: to leave out one would bias it all."""
        services = [self._served(v.override, service) for v in one.definition.variants]
        if None in services:
            return None
        place = one.place(unit)
        variant, serving = one.definition.variants[place], services[place]
        assert serving is not None
        if variant.override.method:
            serving = serving.by(variant.override.method)
        label = ExperimentRef(id=one.id, variant=variant.id)
        return Taken(serving, variant.override.mode or mode, label)

    def _served(self, override: Override, service: Service) -> Service | None:
        """What answers, before it is told by which method; ``None`` where it cannot."""
        found = self._held(override.build) if override.build else service
        if found is None or (override.method and override.method not in found.methods):
            return None
        return found

    def judge(self, experiment: str, variant: str, unit: str) -> str | None:
        """Why what ``unit`` did cannot count for a variant; ``None`` where it can."""
        if experiment not in self._known or self._known[experiment].state == "draft":
            with suppress(CoterieError):  # it may have been started within the last second
                self._look()
        one = self._known.get(experiment)
        if one is None or one.state == "draft":
            return f"there is no running experiment {experiment!r}"
        if one.definition.variants[one.place(unit)].id != variant:
            return (
                f"{unit!r} is not in variant {variant!r} of {experiment!r}; send the user_id or "
                "session_id that the list was asked with"
            )
        return None

    def note(self, touches: Sequence[Touch]) -> None:
        """Keep exposures and clicks on disk.

        Raises:
            StoreUnavailable: they could not be written.
        """
        self.desk.note(touches)
