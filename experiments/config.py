"""Settings of experiments."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ExperimentsConfig"]


class ExperimentsConfig(BaseModel):
    """What counts as an outcome of an experiment or campaign, and how sure a finding must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_days: float = Field(
        7.0,
        gt=0,
        le=365,
        description="days after the first exposure in which clicks and purchases count",
    )
    alpha: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="chance of finding a difference where there is none, over all looks and all"
        " variants together",
    )
    planned: int = Field(
        2_000,
        ge=10,
        description="visitors of each variant at which intervals are to be narrowest; they hold at"
        " any number",
    )
