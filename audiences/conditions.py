"""What an audience can be asked for: one frozen model a kind of condition, told apart by ``kind``.

The same models are read from TOML and JSON. ``docs/audiences.md`` shows each with an example.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "Act",
    "All",
    "AnyOf",
    "Attribute",
    "Bought",
    "Churn",
    "Condition",
    "InAudience",
    "Likes",
    "Not",
    "NotBought",
    "Rfm",
    "Rhythm",
    "Segment",
    "Sequence",
    "Share",
    "Similar",
    "Stage",
    "Value",
    "What",
]


def _several(value: Any) -> Any:
    """One value stands for a list of it."""
    return value if isinstance(value, list | tuple) else [value]


Ids: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_several)]
Some: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]
Plain: TypeAlias = str | bool | int | float
Days: TypeAlias = Annotated[float, Field(gt=0, le=36_500)]
Event: TypeAlias = Literal["purchase", "view_item", "add_to_cart", "add_to_wishlist", "rate"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Range(_Model):
    min: float | None = Field(None, description="at least this")
    max: float | None = Field(None, description="at most this")

    @model_validator(mode="after")
    def _some(self) -> _Range:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; swap them")
        return self


class What(_Model):
    """Products: any of those listed in each field given, all of the fields; nothing given: any."""

    product: Ids = Field((), description="ids of products")
    category: Ids = Field((), description="ids of categories; those below count too")
    brand: Ids = Field((), description="names of brands")


class Act(What):
    """An event on products."""

    event: Event = Field("purchase", description="kind of event")


class Segment(_Model):
    """In one of these segments."""

    kind: Literal["segment"]
    any_of: Some = Field(description="ids of segments")
    min_strength: float = Field(0.0, ge=0, le=1, description="how firmly they belong, at least")


class Stage(_Model):
    """At one of these stages of their life as customers."""

    kind: Literal["stage"]
    any_of: Some = Field(description="names of stages")


class Rfm(_Model):
    """In one of these cells of recency, frequency and monetary value."""

    kind: Literal["rfm"]
    any_of: Some = Field(description="cells; ? stands for any one character, as in 5??")


class Value(_Range):
    """Worth so much."""

    kind: Literal["value"]
    of: Literal["spend", "orders", "expected_value", "expected_orders"] = Field(
        "spend", description="what is measured"
    )


class Churn(_Range):
    """So likely to leave, or to be a customer still."""

    kind: Literal["churn"]
    of: Literal["churn_risk", "probability_alive"] = Field(
        "churn_risk", description="what is measured"
    )


class Rhythm(_Range):
    """So many days since the last purchase, or between two."""

    kind: Literal["rhythm"]
    of: Literal["days_since_last", "usual_interval_days"] = Field(
        "days_since_last", description="what is measured"
    )


class Attribute(_Model):
    """An attribute of the shop's table of users is one of these, in a range, or unknown."""

    kind: Literal["attribute"]
    name: str = Field(description="name of the attribute")
    any_of: Annotated[tuple[Plain, ...], BeforeValidator(_several)] = Field(
        (), description="values"
    )
    min: float | None = Field(None, description="at least this, for numbers")
    max: float | None = Field(None, description="at most this, for numbers")
    missing: bool = Field(False, description="true: only where nothing is known")

    @model_validator(mode="after")
    def _one_test(self) -> Attribute:
        ranged = self.min is not None or self.max is not None
        if bool(self.any_of) + ranged + self.missing != 1:
            raise ValueError("give one of: any_of; min, max or both; missing = true")
        return self


class _Window(What):
    event: Event = Field("purchase", description="kind of event")
    days: Days | None = Field(None, description="within so many days before the shop's last event")
    until_days: float = Field(0.0, ge=0, description="but not within the last so many days")

    @model_validator(mode="after")
    def _ends(self) -> _Window:
        if self.days is not None and self.until_days >= self.days:
            raise ValueError("until_days must be below days, or no day is left")
        return self


class Bought(_Window):
    """Bought (or viewed, carted, ...) such products."""

    kind: Literal["bought"]
    times: int = Field(1, ge=1, description="in at least so many orders; lines, for other events")
    value: float | None = Field(None, gt=0, description="for at least so much money in all")


class NotBought(_Window):
    """Did not buy (or view, cart, ...) such products."""

    kind: Literal["not_bought"]


class Sequence(_Model):
    """Did one thing and then another within some days, or then did not."""

    kind: Literal["sequence"]
    first: Act = Field(description="what came first")
    then: Act | None = Field(None, description="what followed")
    then_not: Act | None = Field(None, description="what did not follow; the days must be over")
    within_days: Days = Field(description="days from the first to the second")
    same_product: bool = Field(False, description="whether both are of one product")
    days: Days | None = Field(None, description="the first came within so many days")

    @model_validator(mode="after")
    def _one_end(self) -> Sequence:
        if (self.then is None) == (self.then_not is None):
            raise ValueError("give either then or then_not")
        return self


class Share(What):
    """Such products are this share of what they spend."""

    kind: Literal["share"]
    min: float = Field(0.0, ge=0, le=1, description="at least this share, 0 to 1")
    max: float = Field(1.0, ge=0, le=1, description="at most this share, 0 to 1")
    days: Days | None = Field(None, description="of purchases within so many days")

    @model_validator(mode="after")
    def _some(self) -> Share:
        if not (self.product or self.category or self.brand):
            raise ValueError("give product, category or brand")
        if self.min > self.max or (self.min == 0 and self.max == 1):
            raise ValueError("give min above 0 or max below 1, min not above max")
        return self


class Likes(What):
    """Predicted to like such products: they are high on the list of what is new to them."""

    kind: Literal["likes"]
    top: int = Field(10, ge=1, le=1000, description="among the first so many of their list")

    @model_validator(mode="after")
    def _some(self) -> Likes:
        if not (self.product or self.category or self.brand):
            raise ValueError("give product, category or brand")
        return self


class Similar(_Model):
    """Most like these customers in what the graph tells of them (look-alikes)."""

    kind: Literal["similar"]
    users: Ids = Field((), description="ids of customers")
    audience: str | None = Field(None, description="or the name of a saved audience")
    top: int = Field(1000, ge=1, description="so many, the most alike first")
    min_similarity: float = Field(0.0, ge=-1, le=1, description="cosine of at least this")
    themselves: bool = Field(False, description="whether the examples count as well")

    @model_validator(mode="after")
    def _one_source(self) -> Similar:
        if bool(self.users) == bool(self.audience):
            raise ValueError("give either users or audience")
        return self


class InAudience(_Model):
    """In another saved audience."""

    kind: Literal["audience"]
    name: str = Field(description="name of the audience")


class All(_Model):
    """All of these hold."""

    kind: Literal["all"]
    of: tuple[Condition, ...] = Field(min_length=1, description="conditions")


class AnyOf(_Model):
    """At least one of these holds."""

    kind: Literal["any"]
    of: tuple[Condition, ...] = Field(min_length=1, description="conditions")


class Not(_Model):
    """This does not hold."""

    kind: Literal["not"]
    of: Condition = Field(description="the condition")


KINDS: Final = (
    *(Segment, Stage, Rfm, Value, Churn, Rhythm, Attribute, Bought, NotBought, Sequence),
    *(Share, Likes, Similar, InAudience, All, AnyOf, Not),
)
Condition: TypeAlias = Annotated[
    Segment
    | Stage
    | Rfm
    | Value
    | Churn
    | Rhythm
    | Attribute
    | Bought
    | NotBought
    | Sequence
    | Share
    | Likes
    | Similar
    | InAudience
    | All
    | AnyOf
    | Not,
    Field(discriminator="kind"),
]
for _model in (All, AnyOf, Not):
    _model.model_rebuild()
