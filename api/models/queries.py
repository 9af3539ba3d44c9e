"""A Cypher query and its table."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ConfigDict, Field, JsonValue, field_validator

from api.models.base import Answer, example

__all__ = ["QueryAnswer", "QueryRequest"]


class QueryRequest(Answer):
    """A read-only Cypher query."""

    query: str = Field(min_length=1, max_length=20_000, description="One reading statement.")
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict, description="Values of the query's $parameters."
    )
    rows: int | None = Field(
        default=None, ge=1, description="Most rows; at most the server's own limit."
    )
    seconds: float | None = Field(
        default=None, ge=0.001, description="Longest time; capped likewise."
    )

    @field_validator("parameters")
    @classmethod
    def _unicode(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        # JSON can spell half a surrogate pair, which no store can hold.
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("expected text that is valid Unicode") from None
        return value

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "query": "MATCH (u:User)-[:MEMBER_OF]->(c:Community {level: 0}) "
                "RETURN c.name AS segment, count(u) AS customers ORDER BY customers DESC LIMIT 10",
                "parameters": {},
            }
        )
    )


class QueryAnswer(Answer):
    """A table: the names of its columns, and its rows in the query's order."""

    columns: list[str]
    rows: list[list[Any]]

    model_config = ConfigDict(
        ser_json_bytes="base64",
        json_schema_extra=example(
            {"columns": ["segment", "customers"], "rows": [["Baby food and nappies", 214]]}
        ),
    )
