"""What is in the graph: labels, relationship types, properties, examples."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from api.models.base import Answer, example
from graph.schema import Kind, PropertyType

__all__ = ["GraphLabel", "GraphProperty", "GraphRelationship", "GraphSchema"]


class GraphProperty(Answer):
    """A property of nodes or relationships."""

    name: str
    type: PropertyType
    example: Any = Field(description="A value that is stored; null where none is.")


class GraphLabel(Answer):
    """A label of nodes."""

    label: str
    count: int = Field(description="Nodes with it.")
    kind: Kind = Field(description="structure, or derived by a build.")
    build: str | None = Field(description="Which build wrote them, where one did.")
    properties: list[GraphProperty]


class GraphRelationship(Answer):
    """A type of relationships between two labels."""

    type: str
    source: str = Field(description="Label it starts at.")
    target: str = Field(description="Label it leads to.")
    count: int
    kind: Kind = Field(description="event, structure, or derived by a build.")
    build: str | None = Field(description="Which build wrote them, where one did.")
    properties: list[GraphProperty]
    example: str = Field(description="A query that finds some.")


class GraphSchema(Answer):
    """All a writer of Cypher must know of the graph."""

    labels: list[GraphLabel]
    relationships: list[GraphRelationship]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "labels": [
                    {
                        "label": "Brand",
                        "count": 6471,
                        "kind": "structure",
                        "build": None,
                        "properties": [{"name": "id", "type": "string", "example": "National"}],
                    }
                ],
                "relationships": [
                    {
                        "type": "MEMBER_OF",
                        "source": "User",
                        "target": "Community",
                        "count": 2466,
                        "kind": "derived",
                        "build": "20180101T020500-4f1c",
                        "properties": [{"name": "strength", "type": "float", "example": 0.54}],
                        "example": "MATCH (a:User {id: '1'})-[r:MEMBER_OF]->(b:Community) "
                        "RETURN a, r, b LIMIT 5",
                    }
                ],
            }
        )
    )
