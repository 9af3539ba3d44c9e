"""``Experiment``: a definition with its versions and where it stands, and what may become of it.

Pure: each step gives another value or says why it cannot be. ``pipeline.experiments`` keeps them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from experiments.assign import place, takes_part
from experiments.definition import CHANGEABLE, Definition
from loaders.errors import ExperimentError

__all__ = ["Experiment", "Register", "State", "Version"]

State = Literal["draft", "running", "stopped"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Version(_Model):
    """A definition as it was saved."""

    version: int
    at: datetime
    definition: Definition


class Experiment(_Model):
    """An experiment of a shop.

    Attributes:
        versions: all of them, the one that holds last.
        state: whether it is being drafted, runs, or has been stopped for good.
        started, stopped: when.
    """

    versions: tuple[Version, ...]
    state: State = "draft"
    started: datetime | None = None
    stopped: datetime | None = None

    @classmethod
    def new(cls, definition: Definition, now: datetime) -> Self:
        """A draft."""
        return cls(versions=(Version(version=1, at=now, definition=definition),))

    @property
    def definition(self) -> Definition:
        """As it is now."""
        return self.versions[-1].definition

    @property
    def id(self) -> str:
        """Of the definition."""
        return self.definition.id

    def is_active(self, now: datetime) -> bool:
        """Whether visitors may take part."""
        return self.state == "running" and self.definition.is_open(now)

    def place(self, unit: str) -> int:
        """Place of the variant that ``unit`` gets, if it takes part."""
        return place(self.id, unit, self.definition.weights)

    def takes(self, unit: str) -> bool:
        """Whether ``unit`` is in the share that takes part."""
        return takes_part(self.id, unit, self.definition.share)

    def changed(self, definition: Definition, now: datetime) -> Self:
        """With another definition, as the next version; as it is if nothing changed.

        Raises:
            ExperimentError: it changes what is settled once the experiment runs.
        """
        if definition == self.definition:
            return self
        if self.state != "draft":
            self._check_settled(definition)
        added = Version(version=len(self.versions) + 1, at=now, definition=definition)
        return self.model_copy(update={"versions": (*self.versions, added)})

    def _check_settled(self, definition: Definition) -> None:
        free = CHANGEABLE[self.state]
        wrong = [
            name
            for name in Definition.model_fields
            if name not in free and getattr(definition, name) != getattr(self.definition, name)
        ]
        if wrong:
            told = f"is settled, as it is {self.state}; what may change: {', '.join(free)}"
            more = " (make another experiment for the rest)"
            raise ExperimentError([(name, told + more) for name in wrong])

    def start(self, now: datetime) -> Self:
        """Running from now on, or from its ``starts``.

        Raises:
            ExperimentError: it ran before, or its time is over.
        """
        if self.state != "draft":
            told = f"is {self.state}; who has been in it would be in it again: make another one"
            raise ExperimentError([("state", told)])
        if self.definition.ends and self.definition.ends <= now:
            raise ExperimentError([("ends", "is over; give a later time, or none")])
        return self.model_copy(update={"state": "running", "started": now})

    def stop(self, now: datetime) -> Self:
        """Stopped for good.

        Raises:
            ExperimentError: it does not run.
        """
        if self.state != "running":
            raise ExperimentError([("state", f"is {self.state}; only a running one is stopped")])
        return self.model_copy(update={"state": "stopped", "stopped": now})


class Register(_Model):
    """All experiments of a shop, oldest first."""

    experiments: tuple[Experiment, ...] = ()
