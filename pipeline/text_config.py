"""Settings of the text generator that words segments' names; off by default."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TextConfig"]


class TextConfig(BaseModel):
    """Who words names and descriptions of segments; nobody, unless an address is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        "",
        description="address of an OpenAI-compatible service, such as https://host/v1; empty: off."
        " Its key is the environment's COTERIE_TEXT_KEY",
    )
    model: str = Field("", description="model to ask for")
    timeout_seconds: float = Field(30.0, gt=0, description="how long to wait for one answer")
    language: str = Field("English", description="language to write in")
