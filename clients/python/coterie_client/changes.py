"""Customers and products on their way: several at a time, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coterie_client.answers import ChangesAnswer
from coterie_client.errors import InvalidRequest
from coterie_client.events import refusals

__all__ = ["ChangesResult", "RefusedItem"]


@dataclass(frozen=True)
class RefusedItem:
    """A customer or product that was not kept.

    Attributes:
        item: as it was sent.
        detail: what is wrong with it.
    """

    item: Mapping[str, Any]
    detail: str


@dataclass
class ChangesResult:
    """What became of customers or products.

    Attributes:
        accepted: ids of those that are kept, in the order they were given.
        refused: those that are not.
    """

    accepted: list[str] = field(default_factory=list)
    refused: list[RefusedItem] = field(default_factory=list)

    def add(self, batch: Sequence[Mapping[str, Any]], answer: ChangesAnswer) -> None:
        """Take in the answer to a batch."""
        self.accepted += [one["id"] for one in answer["accepted"]]
        for one in answer["refused"]:
            self.refused.append(RefusedItem(batch[one["index"]], one["detail"]))

    def add_refusal(
        self, batch: Sequence[Mapping[str, Any]], problem: InvalidRequest, name: str
    ) -> None:
        """Take in the refusal of a whole batch of ``name``.

        Raises:
            InvalidRequest: it is not about single ones.
        """
        for index, detail in refusals(problem, name).items():
            self.refused.append(RefusedItem(batch[index], detail))
