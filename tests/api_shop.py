"""A hand-made shop of seven orders, with ids as awkward as real ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple


class Line(NamedTuple):
    """One purchase line."""

    user: str
    order: str
    product: str
    at: datetime
    value: float


def _day(day: int) -> datetime:
    return datetime(2024, 3, day, 12, tzinfo=UTC)


def lines(user: str, order: str, day: int, *products: str) -> list[Line]:
    return [Line(user, order, p, _day(day), PRICES[p]) for p in products]


SLASHED = "tea/green 50 g"
PRICES = {"bread": 2.0, "butter": 3.0, "jam": 4.0, SLASHED: 5.0, "kaffee-süß": 6.0}
PRODUCTS = {
    "bread": ("Bread", "food/bakery", "Oven"),
    "butter": ("Butter", "food/dairy", None),
    "jam": ("Strawberry jam", "food/bakery", "Oven"),
    SLASHED: ("Green tea", "drinks", "Leaf"),
    "kaffee-süß": ("Süßer Kaffee", "drinks", None),
}
CATEGORIES = [
    ("drinks", "Drinks", 0, None),
    ("food", "Food", 0, None),
    ("food/bakery", "Bakery", 1, "food"),
    ("food/dairy", "Dairy", 1, "food"),
]
LINES = [
    *lines("ann", "o1", 1, "bread", "butter"),
    *lines("ann", "o2", 5, "bread", "butter", "jam"),
    *lines("ann", "o3", 9, "bread"),
    *lines("bob", "o4", 2, SLASHED, "kaffee-süß"),
    *lines("bob", "o5", 8, SLASHED),
    *lines("Zoë Müller", "o6", 3, "bread", "butter"),
    *lines("anonymous/123", "o7", 7, SLASHED, "bread"),
]
SEGMENTS = {"breakfast": "Bakery & dairy", "tea/coffee": "Drinks"}
MEMBERS = {"ann": "breakfast", "Zoë Müller": "breakfast", "bob": "tea/coffee"}
