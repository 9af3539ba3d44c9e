"""What a shop wants of its lists, as rules that a person writes: pin, boost, bury, exclude, slots.

A rule says what it does, to which products, in whose lists and when. Rules are kept with all their
versions; ``pipeline.merchandising`` keeps the file, ``api.merchandising`` applies them.
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
from loaders.errors import MerchandisingError

__all__ = ["Effect", "Kind", "MerchandisingRule", "Saved", "State", "Target", "parse"]

Effect = Literal["pin", "boost", "bury", "exclude", "at_most", "at_least"]
Kind = Literal["customer", "session", "similar", "basket"]
Mode = Literal["all", "repeat", "discover"]
State = Literal["active", "scheduled", "ended", "off"]

NAME: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"
MOST: Final = 1_000
"""Products or names in one rule."""
ARRANGED: Final = ("customer", "session")
"""Lists that all effects apply to; from others only products can be excluded."""

Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Target(_Model):
    """Which products; all that is given must hold, and of several values of one kind any."""

    products: tuple[Text, ...] = Field((), max_length=MOST, description="Their ids.")
    category: tuple[Text, ...] = Field(
        (), max_length=MOST, description="Ids of categories: products in one or below it."
    )
    brand: tuple[Text, ...] = Field((), max_length=MOST, description="Names of brands.")
    min_price: float | None = Field(None, ge=0, allow_inf_nan=False, description="Lowest price.")
    max_price: float | None = Field(None, ge=0, allow_inf_nan=False, description="Highest price.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self == Target.model_construct():
            raise ValueError("target: names no product; give products, category, brand or a price")
        low, high = self.min_price, self.max_price
        if low is not None and high is not None and low > high:
            raise ValueError(f"target: min_price {low:g} is above max_price {high:g}")
        return self


class MerchandisingRule(_Model):
    """What the shop wants of some lists."""

    id: Annotated[str, Field(pattern=NAME, description="Short name: a-z, 0-9 and -.")]
    name: str = Field("", max_length=200, description="What a person reads.")
    note: str = Field("", max_length=2_000, description="Why it is there.")
    effect: Effect = Field(description="What it does to the products.")
    target: Target = Field(description="To which products.")
    position: int | None = Field(
        None, ge=1, le=100, description="Of a pin: the place of the first product, 1 by default."
    )
    factor: float | None = Field(
        None,
        ge=0.001,
        le=1_000,
        allow_inf_nan=False,
        description="Of a boost, above 1, or a bury, below 1: what scores are multiplied by.",
    )
    count: int | None = Field(
        None, ge=0, le=100, description="Of at_most and at_least: places of a list."
    )
    lists: tuple[Kind, ...] = Field(
        (), max_length=4, description="Whose lists; empty: all that the effect can change."
    )
    modes: tuple[Mode, ...] = Field(
        (), max_length=3, description="Only customers' lists of these modes; empty: of all."
    )
    segments: tuple[Text, ...] = Field(
        (), max_length=100, description="Only for customers of these segments; empty: everybody."
    )
    starts: Utc | None = Field(None, description="It does nothing before.")
    ends: Utc | None = Field(None, description="It does nothing from then on.")
    enabled: bool = Field(True, description="False: it does nothing.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = next(self._mistakes(), None)
        if wrong:
            raise ValueError(wrong)
        return self

    def _mistakes(self) -> Any:
        needs = {"boost": "factor", "bury": "factor", "at_most": "count", "at_least": "count"}
        for option in ("position", "factor", "count"):
            wanted = option == needs.get(self.effect)
            given = getattr(self, option) is not None
            if given and not wanted and not (option == "position" and self.effect == "pin"):
                yield f"{option}: says nothing of {self.effect}; leave it out"
            if wanted and not given:
                yield f"{option}: {self.effect} needs one"
        if self.effect == "boost" and self.factor is not None and self.factor <= 1:
            yield f"factor: a boost multiplies by more than 1, not {self.factor:g}"
        if self.effect == "bury" and self.factor is not None and self.factor >= 1:
            yield f"factor: a bury multiplies by less than 1, not {self.factor:g}"
        if self.effect == "pin" and (
            not self.target.products or len(self.target.products) > 100 or self._is_broad
        ):
            yield "target: a pin names its products, 100 at most, and nothing else"
        if self.effect != "exclude" and not set(self.lists) <= set(ARRANGED):
            yield f"lists: {self.effect} changes lists of {' and '.join(ARRANGED)} only"
        if self.starts and self.ends and self.ends <= self.starts:
            yield "ends: must be later than starts"

    @property
    def _is_broad(self) -> bool:
        target = self.target
        return bool(target.category or target.brand) or (
            target.min_price is not None or target.max_price is not None
        )

    def state(self, now: datetime) -> State:
        """Whether it does something at ``now``."""
        if not self.enabled:
            return "off"
        if self.ends is not None and self.ends <= now:
            return "ended"
        return "scheduled" if self.starts is not None and now < self.starts else "active"

    def now(self) -> Self:
        """The rule as it will be once its time has come, to be tried."""
        return self.model_copy(update={"starts": None, "ends": None, "enabled": True})

    def concerns(self, kind: Kind, mode: Mode | None, segment: str | None) -> bool:
        """Whether it is about such a list.

        Args:
            kind: whose list.
            mode: of a customer's list; ``None`` for others.
            segment: id of the customer's segment, if there is one.
        """
        if self.lists and kind not in self.lists:
            return False
        if kind not in ARRANGED and self.effect != "exclude":
            return False
        if self.modes and mode not in self.modes:
            return False
        return not self.segments or segment in self.segments


class Version(_Model):
    """A rule as it was saved."""

    version: int
    at: datetime
    by: str | None = None
    rule: MerchandisingRule


class Saved(_Model):
    """A rule with its versions, the one that holds last."""

    versions: tuple[Version, ...]

    @property
    def rule(self) -> MerchandisingRule:
        """As it is now."""
        return self.versions[-1].rule

    @property
    def last(self) -> Version:
        """The version that holds."""
        return self.versions[-1]

    def changed(self, rule: MerchandisingRule, now: datetime, by: str | None) -> Self:
        """With the next version; as it is if nothing changed."""
        if rule == self.rule:
            return self
        added = Version(version=self.last.version + 1, at=now, by=by, rule=rule)
        return self.model_copy(update={"versions": (*self.versions, added)})

    @classmethod
    def new(cls, rule: MerchandisingRule, now: datetime, by: str | None) -> Self:
        """A first version."""
        return cls(versions=(Version(version=1, at=now, by=by, rule=rule),))


def parse(source: Path | dict[str, Any]) -> MerchandisingRule:
    """The rule in a ``.toml`` or ``.json`` file, or of plain keys and values.

    Raises:
        ConfigError: the file cannot be read or is neither.
        MerchandisingError: it is no rule; every mistake is listed with its path.
    """
    data = read_document(source) if isinstance(source, Path) else source
    try:
        return MerchandisingRule.model_validate(data)
    except ValidationError as error:
        raise MerchandisingError(mistakes(error, "rule")) from error
