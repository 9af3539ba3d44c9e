"""``Definition``: what an experiment compares, with whom and by which figure; checked once.

The first variant is the control. What is settled once an experiment runs (variants, weights, who
may take part) is what decides who gets what, so that nobody changes sides under way.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from loaders.definitions import Utc, mistakes, read_document
from loaders.errors import ExperimentError

__all__ = ["CHANGEABLE", "Definition", "Kind", "Metric", "Mode", "Override", "Variant", "parse"]

Metric = Literal["clicks", "conversion", "revenue"]
"""Share of visitors who clicked, share who bought, and revenue of a visitor."""
Kind = Literal["customer", "session"]
"""Lists of customers, and lists of visitors by their session."""
Mode = Literal["all", "repeat", "discover"]
NAME: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"
RESERVED: Final = ("options", "plan")
MOST_VARIANTS: Final = 10
CHANGEABLE: Final = {
    "running": ("name", "hypothesis", "share", "ends"),
    "stopped": ("name", "hypothesis"),
}
"""What may still be changed once it runs, and once it has stopped; of a draft, everything."""

Id = Annotated[str, Field(pattern=NAME, description="Short name: a-z, 0-9 and -.")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Override(_Model):
    """What a variant changes of the lists it gets; nothing leaves them as they are."""

    mode: Mode | None = Field(None, description="Mode, whatever the request asks for.")
    method: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="What makes the lists: a method that the build carries, by name.",
    )
    build: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Build that answers in place of the published one.",
    )


class Variant(_Model):
    """One side of an experiment."""

    id: Id
    weight: float = Field(
        1.0, gt=0, le=1e6, allow_inf_nan=False, description="How often, beside the others' weights."
    )
    override: Override = Field(Override(), description="What is different here.")


class Definition(_Model):
    """An experiment as a person defines it."""

    id: Id
    name: str = Field("", max_length=200, description="What a person reads.")
    hypothesis: str = Field("", max_length=2_000, description="What is expected, and why.")
    variants: tuple[Variant, ...] = Field(
        min_length=2, max_length=MOST_VARIANTS, description="The first is the control."
    )
    share: float = Field(1.0, gt=0, le=1, description="Share of all visitors who take part.")
    segments: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        (), max_length=100, description="Only customers of these segments; empty: everybody."
    )
    audience: str | None = Field(
        None, min_length=1, max_length=63, description="Only members of this saved audience."
    )
    lists: tuple[Kind, ...] = Field(
        (), max_length=2, description="Whose lists; empty: all that the variants can change."
    )
    modes: tuple[Mode, ...] = Field(
        (), max_length=3, description="Only requests of these modes; empty: of all."
    )
    metric: Metric = Field("conversion", description="The figure that decides.")
    window_days: float | None = Field(
        None,
        gt=0,
        le=365,
        description="Days after the first exposure that count; empty: experiments.window_days.",
    )
    starts: Utc | None = Field(None, description="Nobody takes part before.")
    ends: Utc | None = Field(None, description="Nobody takes part from then on.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.id in RESERVED:
            raise ValueError(f"id: {self.id!r} is the address of something else; choose another")
        ids = [v.id for v in self.variants]
        if len(set(ids)) < len(ids):
            raise ValueError(f"variants: each needs an id of its own; got {', '.join(ids)}")
        overrides = [v.override for v in self.variants]
        if all(o == overrides[0] for o in overrides[1:]) and overrides[0] != Override():
            raise ValueError("variants: all override the same; leave the control as it is")
        moded = any(o.mode for o in overrides)
        if moded and "session" in self.lists:
            raise ValueError('lists: a visitor\'s list has no mode to override; give ["customer"]')
        if (self.segments or self.audience) and "session" in self.lists:
            raise ValueError('lists: visitors are in no segment and no audience; give ["customer"]')
        if self.starts and self.ends and self.ends <= self.starts:
            raise ValueError("ends: must be later than starts")
        return self

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Whose lists it concerns, those left open worked out."""
        if self.lists:
            return self.lists
        known_only = self.segments or self.audience or any(v.override.mode for v in self.variants)
        return ("customer",) if known_only or self.modes else ("customer", "session")

    @property
    def weights(self) -> tuple[float, ...]:
        """Of the variants, in order."""
        return tuple(v.weight for v in self.variants)

    def is_open(self, now: datetime) -> bool:
        """Whether ``now`` is within its time."""
        begun = self.starts is None or self.starts <= now
        return begun and (self.ends is None or now < self.ends)


def parse(source: Path | dict[str, Any]) -> Definition:
    """The definition in a ``.toml`` or ``.json`` file, or of plain keys and values.

    Raises:
        ConfigError: the file cannot be read or is neither.
        ExperimentError: it is no definition; every mistake is listed with its path.
    """
    data = read_document(source) if isinstance(source, Path) else source
    try:
        return Definition.model_validate(data)
    except ValidationError as error:
        raise ExperimentError(mistakes(error, "definition")) from error
