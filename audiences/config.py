"""Settings of audiences."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AudiencesConfig"]


class AudiencesConfig(BaseModel):
    """Who may be in an audience, and what is told of small ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum: int = Field(
        20,
        ge=1,
        description="fewest customers an audience may have to be told of, listed or exported",
    )
    differences: bool = Field(
        True,
        description="whether figures and exports are held back that, taken from another, would"
        " tell of fewer than minimum customers",
    )
    consent: str = Field(
        "",
        description="attribute of users that must be true for them to be in any audience; empty:"
        " everyone may be",
    )
    keep: int = Field(
        12, ge=2, description="refreshes of each audience whose members are kept, to be compared"
    )
    threads: int = Field(2, ge=1, le=64, description="threads that evaluate a definition")
