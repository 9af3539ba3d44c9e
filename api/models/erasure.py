"""What was erased of a customer."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from api.models.base import Answer, example

__all__ = ["ErasedCustomer"]


class ErasedCustomer(Answer):
    """A customer who is kept nowhere any more but in earlier builds on disk."""

    user_id: str
    edges: int = Field(description="Edges of the graph that went with them.")
    events: int = Field(description="Events that went from the queue.")

    model_config = ConfigDict(
        json_schema_extra=example({"user_id": "1228", "edges": 3120, "events": 2})
    )
