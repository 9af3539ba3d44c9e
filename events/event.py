"""``ShopEvent``: one customer's act on one product, as it waits for the store."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["COLUMNS", "ShopEvent"]


class ShopEvent(NamedTuple):
    """A row of the contract's table ``events``; ``at`` is in UTC microseconds since 1970.

    Attributes:
        event_id: unique; the same id again changes nothing.
        event: one of ``loaders.schema.EVENT_NAMES``.
    """

    event_id: str
    event: str
    user_id: str
    product_id: str
    at: int
    quantity: float = 1.0
    value: float | None = None
    order_id: str | None = None
    session_id: str | None = None
    rating: float | None = None

    @property
    def named(self) -> str:
        """What a person knows it by."""
        return self.event_id


COLUMNS = ShopEvent._fields
