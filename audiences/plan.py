"""``Plan``: a definition as a tree over distinct conditions, each computed once in one pass.

Conditions on events are decided together, a span of customers at a time, by as many threads as the
settings allow; those on columns at once. Results are kept, so that changing one condition of many
computes that one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from threading import Lock
from typing import Any, Final

import numpy as np

from audiences.check import check
from audiences.columns import Column, column_of, similar_to
from audiences.conditions import (
    All,
    AnyOf,
    Bought,
    Condition,
    InAudience,
    Not,
    NotBought,
    Sequence,
    Share,
    Similar,
)
from audiences.definition import Definition, canonical
from audiences.scans import Scan, scan_of
from audiences.tables import Mask, Tables

__all__ = ["Evaluator", "Node", "Plan"]

KEPT: Final = 128
"""Results kept: a byte a customer each."""


@dataclass(frozen=True)
class Node:
    """A condition in its place.

    Attributes:
        path: of the condition in its definition.
        condition: what is asked.
        inner: conditions below it; of an audience that is referred to, its own condition.
        key: what conditions that ask the same share.
    """

    path: str
    condition: Condition
    inner: tuple[Node, ...]
    key: str

    def walk(self) -> Iterator[Node]:
        """This node after all below it."""
        for node in self.inner:
            yield from node.walk()
        yield self


@dataclass(frozen=True)
class Plan:
    """A definition that was checked against the shop."""

    definition: Definition
    root: Node

    @staticmethod
    def of(definition: Definition, tables: Tables, library: Mapping[str, Definition]) -> Plan:
        """Check ``definition`` and resolve the audiences it refers to.

        Raises:
            AudienceError: it, or one it refers to, cannot be evaluated.
        """
        check(definition, tables, library)
        return Plan(definition, _node(definition.where, "where", tables, library))


def _node(
    condition: Condition, path: str, tables: Tables, library: Mapping[str, Definition]
) -> Node:
    inner: tuple[Node, ...] = ()
    if isinstance(condition, All | AnyOf):
        inner = tuple(
            _node(c, f"{path}.of.{i}", tables, library) for i, c in enumerate(condition.of)
        )
    elif isinstance(condition, Not):
        inner = (_node(condition.of, f"{path}.of", tables, library),)
    elif isinstance(condition, InAudience):
        inner = (Plan.of(library[condition.name], tables, library).root,)
    elif isinstance(condition, Similar) and condition.audience:
        inner = (Plan.of(library[condition.audience], tables, library).root,)
    below = ",".join(node.key for node in inner)
    own = condition.kind if isinstance(condition, All | AnyOf | Not) else canonical(condition)
    return Node(path, condition, inner, f"{own}({below})" if inner else own)


class Evaluator:
    """Evaluates plans over the tables of one build.

    Args:
        tables: the build's.
        threads: how many look at events at a time.
    """

    def __init__(self, tables: Tables, threads: int = 2) -> None:
        self.tables, self._threads = tables, threads
        self._masks: OrderedDict[str, Mask] = OrderedDict()
        self._lock = Lock()

    def members(self, plan: Plan) -> Mask:
        """Who is in the audience, bool [n_users]: who meets the condition and may be in any."""
        return self.masks(plan)[plan.root.key] & self.tables.open

    def masks(self, *plans: Plan) -> dict[str, Mask]:
        """Who meets each condition of ``plans``, by key; whether they may be in any or not."""
        nodes = {node.key: node for plan in plans for node in plan.root.walk()}
        with self._lock:
            found = {key: self._masks[key] for key in nodes if key in self._masks}
        new = self._scanned([n for n in nodes.values() if n.key not in found and is_scan(n)])
        found |= new
        for node in nodes.values():  # what a node rests on stands before it
            if node.key not in found:
                found[node.key] = new[node.key] = self._combined(node, found)
        self._keep(new)
        return found

    def _keep(self, masks: Mapping[str, Mask]) -> None:
        with self._lock:
            for key, mask in masks.items():
                self._masks[key] = mask
            while len(self._masks) > KEPT:
                self._masks.popitem(last=False)

    def _combined(self, node: Node, found: Mapping[str, Mask]) -> Mask:
        masks = [found[inner.key] for inner in node.inner]
        condition = node.condition
        if isinstance(condition, All):
            return reduce(np.logical_and, masks)
        if isinstance(condition, AnyOf):
            return reduce(np.logical_or, masks)
        if isinstance(condition, Not):
            return ~masks[0]
        if isinstance(condition, InAudience):
            return masks[0] & self.tables.open
        return self.column(node, found).members()

    def column(self, node: Node, found: Mapping[str, Mask]) -> Column:
        """How a condition on columns is decided, what it rests on being found already."""
        condition: Any = node.condition
        if not isinstance(condition, Similar):
            return column_of(condition, self.tables)
        if condition.audience:
            return similar_to(condition, self.tables, found[node.inner[0].key] & self.tables.open)
        examples = np.zeros(len(self.tables), np.bool_)
        examples[self.tables.users.to_rows(condition.users, missing="drop")] = True
        return similar_to(condition, self.tables, examples)

    def _scanned(self, nodes: Iterable[Node]) -> dict[str, Mask]:
        """All conditions on events, in one pass over them."""
        scans = {node.key: scan_of(node.condition, self.tables) for node in nodes}  # type: ignore[arg-type]
        masks = {key: np.zeros(len(self.tables), np.bool_) for key in scans}
        if not scans:
            return {}

        def look(ends: tuple[int, int]) -> None:
            span = self.tables.events.span(*ends)
            for key, scan in scans.items():
                masks[key][slice(*ends)] = scan.met(scan.measure(span))

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(look, self.tables.events.chunks()))
        return masks

    def scan(self, node: Node) -> Scan:
        """How a condition on events is decided."""
        return scan_of(node.condition, self.tables)  # type: ignore[arg-type]


def is_scan(node: Node) -> bool:
    """Whether a condition is on events."""
    return isinstance(node.condition, Bought | NotBought | Share | Sequence)
