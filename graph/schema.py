"""The graph's labels, relationship types and properties, the same in every store.

Event and structure edges come from a ``Dataset``; derived ones are written by each build, which
leaves its id on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = [
    "DERIVED_EDGES",
    "EDGES",
    "EVENT_EDGES",
    "NODES",
    "STRUCTURE_EDGES",
    "EdgeType",
    "Kind",
    "NodeLabel",
    "PropertyType",
    "belongings",
]

PropertyType = Literal["string", "float", "int", "bool", "time", "vector"]
Kind = Literal["event", "structure", "derived"]


@dataclass(frozen=True)
class NodeLabel:
    """A node label; ``id`` is always its key. ``open`` labels take further attributes.

    ``of`` names the label whose nodes these belong to, by the same ``id``: they go with them.
    """

    name: str
    properties: dict[str, PropertyType]
    open: bool = False
    derived: bool = False
    of: str = ""


@dataclass(frozen=True)
class EdgeType:
    """A relationship type between two labels; its tables start with ``source``, ``target`` ids.

    ``key`` columns tell whether an edge is there already. ``single`` types keep at most one edge
    a source: writing another target moves the edge.
    """

    name: str
    source: str
    target: str
    properties: dict[str, PropertyType] = field(hash=False)
    kind: Kind
    key: tuple[str, ...] = ("source", "target")
    single: bool = False

    @property
    def key_properties(self) -> tuple[str, ...]:
        """Properties that are part of the key."""
        return tuple(name for name in self.key if name in self.properties)


_BY_ID = ("event_id",)
_RULE: dict[str, PropertyType] = {
    "count": "int",
    "support": "float",
    "confidence": "float",
    "lift": "float",
    "leverage": "float",
    "conviction": "float",
    "zhang": "float",
    "kulczynski": "float",
    "imbalance": "float",
    "p_value": "float",
    "q_value": "float",
    "later_baskets": "int",
    "later_confidence": "float",
    "later_low": "float",
    "later_high": "float",
    "later_lift": "float",
    "segments_tested": "int",
    "segments_held": "int",
    "lift_within": "float",
    "build": "string",
}
"""Measures of a rule from one product to another, as ``rules.table`` names them."""
_EVENT: dict[str, PropertyType] = {
    "event_id": "string",
    "at": "time",
    "quantity": "float",
    "value": "float",
    "order_id": "string",
    "session_id": "string",
}
_STANDING: dict[str, PropertyType] = {
    "orders": "int",
    "spend": "float",
    "days_since_last": "float",
    "usual_interval_days": "float",
    "expected_orders": "float",
    "expected_value": "float",
    "probability_alive": "float",
    "churn_risk": "float",
    "rfm": "string",
    "build": "string",
}
"""Where a customer stands, as ``lifecycle.customers`` names it; on the edge to their stage, since
users' own properties are slow to update and would clutter every answer that holds a user."""
_VECTOR: dict[str, PropertyType] = {"vector": "vector", "build": "string"}

NODES: Final[dict[str, NodeLabel]] = {
    n.name: n
    for n in (
        NodeLabel("User", {"anonymous": "bool"}, open=True),
        NodeLabel("Product", {"title": "string", "price": "float"}, open=True),
        NodeLabel("Category", {"name": "string", "level": "int"}),
        NodeLabel("Brand", {}),
        NodeLabel("Shop", {"currency": "string"}),
        NodeLabel("Campaign", {"kind": "string", "starts": "time", "ends": "time"}),
        NodeLabel(
            "Community",
            {"name": "string", "level": "int", "size": "int", "build": "string"},
            derived=True,
        ),
        NodeLabel("Stage", {"customers": "int", "build": "string"}, derived=True),
        # Nodes of their own: as properties they would clutter every answer that holds a user, and
        # the embedded engine updates properties a hundred times slower than it copies nodes.
        NodeLabel("UserVector", _VECTOR, derived=True, of="User"),
        NodeLabel("ProductVector", _VECTOR, derived=True, of="Product"),
    )
}


def belongings(label: str) -> list[str]:
    """Labels of nodes that belong to those of ``label`` and go with them."""
    return [n.name for n in NODES.values() if n.of == label]


EVENT_EDGES: Final[dict[str, EdgeType]] = {
    "purchase": EdgeType("PURCHASED", "User", "Product", _EVENT, "event", _BY_ID),
    "view_item": EdgeType("VIEWED", "User", "Product", _EVENT, "event", _BY_ID),
    "add_to_cart": EdgeType("CARTED", "User", "Product", _EVENT, "event", _BY_ID),
    "add_to_wishlist": EdgeType("WISHLISTED", "User", "Product", _EVENT, "event", _BY_ID),
    "rate": EdgeType("RATED", "User", "Product", {**_EVENT, "rating": "float"}, "event", _BY_ID),
}
"""Relationship type of each event name."""

STRUCTURE_EDGES: Final = (
    EdgeType("IN_CATEGORY", "Product", "Category", {}, "structure", single=True),
    EdgeType("CHILD_OF", "Category", "Category", {}, "structure", single=True),
    EdgeType("OF_BRAND", "Product", "Brand", {}, "structure", single=True),
    EdgeType("TARGETED", "Campaign", "User", {}, "structure"),
    EdgeType("PROMOTES", "Campaign", "Product", {}, "structure"),
    EdgeType(
        "REDEEMED",
        "User",
        "Campaign",
        {"redemption_id": "string", "at": "time"},
        "structure",
        ("redemption_id",),
    ),
)

DERIVED_EDGES: Final = (
    EdgeType(
        "BOUGHT_WITH",
        "Product",
        "Product",
        _RULE,
        "derived",
    ),
    EdgeType("SIMILAR_TO", "Product", "Product", {"score": "float", "build": "string"}, "derived"),
    EdgeType("MEMBER_OF", "User", "Community", {"strength": "float", "build": "string"}, "derived"),
    EdgeType("CHILD_OF", "Community", "Community", {"build": "string"}, "derived"),
    EdgeType("IN_STAGE", "User", "Stage", _STANDING, "derived"),
    EdgeType(
        "MAY_LIKE",
        "User",
        "Product",
        {"score": "float", "rank": "int", "build": "string"},
        "derived",
    ),
)

EDGES: Final[tuple[EdgeType, ...]] = (*EVENT_EDGES.values(), *STRUCTURE_EDGES, *DERIVED_EDGES)
