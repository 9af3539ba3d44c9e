"""Why a customer is in an audience or not: each condition with its thresholds and true values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audiences.conditions import All, AnyOf, InAudience, Not
from audiences.plan import Evaluator, Node, Plan, is_scan
from audiences.tables import Mask
from audiences.wording import text_of
from loaders.errors import UnknownUser

__all__ = ["Explained", "Told", "explain"]


@dataclass(frozen=True)
class Told:
    """A condition for one customer.

    Attributes:
        path: where it is in the definition.
        text: what it asks, in words.
        met: whether the customer meets it.
        wanted: its thresholds, as in the definition.
        found: the customer's true values.
        inner: conditions below it.
    """

    path: str
    text: str
    met: bool
    wanted: Mapping[str, Any]
    found: Mapping[str, Any]
    inner: tuple[Told, ...]


@dataclass(frozen=True)
class Explained:
    """Why a customer is a member or not.

    Attributes:
        user_id: the customer.
        member: whether they are in the audience.
        barred: why they can be in none: "anonymous", "no consent", "suppressed", or empty.
        tree: the conditions.
    """

    user_id: str
    member: bool
    barred: str
    tree: Told


def explain(evaluator: Evaluator, plan: Plan, user_id: str) -> Explained:
    """The conditions of ``plan`` as they stand for one customer.

    Raises:
        UnknownUser: the build knows nobody of this id.
    """
    tables = evaluator.tables
    row = tables.users.row(user_id)
    if row is None:
        raise UnknownUser(f"no customer has the id {user_id!r}")
    masks = evaluator.masks(plan)
    tree = _told(evaluator, plan.root, masks, row)
    barred = tables.closed[row] or ""
    return Explained(user_id, tree.met and not barred, barred, tree)


def _told(evaluator: Evaluator, node: Node, masks: Mapping[str, Mask], row: int) -> Told:
    condition = node.condition
    found: dict[str, Any] = {}
    if is_scan(node):
        found = evaluator.scan(node).tell(evaluator.tables.events, row)[1]
    elif not isinstance(condition, All | AnyOf | Not | InAudience):
        found = evaluator.column(node, masks).tell(row)
    skipped = {"kind", "of"} if node.inner else {"kind"}
    wanted = condition.model_dump(mode="json", exclude_defaults=True, exclude=skipped)
    inner = tuple(_told(evaluator, n, masks, row) for n in node.inner)
    return Told(node.path, text_of(condition), bool(masks[node.key][row]), wanted, found, inner)
