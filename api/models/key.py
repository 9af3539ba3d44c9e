"""What the key of a request opens."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from api.models.base import Answer, example

__all__ = ["KeyScopes"]


class KeyScopes(Answer):
    """What may be asked with the key that asks."""

    needed: bool = Field(description="False where the server is open to this machine.")
    scopes: list[str] = Field(description="As `coterie keys create --scope` takes them.")

    model_config = ConfigDict(
        json_schema_extra=example({"needed": True, "scopes": ["marketer", "storefront"]})
    )
