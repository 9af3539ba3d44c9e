"""A definition as Cypher that an analyst can run, for what the graph holds.

Each condition on events becomes one ``OPTIONAL MATCH`` whose count, money or share is carried on;
the tree of the definition is the ``WHERE`` at the end. Where customers stand (stage, RFM, value,
risk, rhythm) is read off their edge to their stage. Look-alikes have no Cypher and are named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from audiences.conditions import (
    All,
    AnyOf,
    Attribute,
    Bought,
    Churn,
    InAudience,
    Likes,
    Not,
    NotBought,
    Rfm,
    Rhythm,
    Segment,
    Sequence,
    Share,
    Similar,
    Stage,
    Value,
    What,
)
from audiences.events import DAY
from audiences.plan import Node, Plan
from audiences.scans import seconds_before
from audiences.tables import Tables
from audiences.wording import text_of
from graph.schema import EVENT_EDGES
from loaders.errors import AudienceError

__all__ = ["Dialect", "cypher"]

Dialect = Literal["embedded", "neo4j"]


def cypher(plan: Plan, tables: Tables, dialect: Dialect = "embedded") -> str:
    """The query that gives the ids of ``plan``'s members, sorted.

    Suppressed customers and those without consent are known to Coterie alone; the query says so in
    a comment. Windows end at the moment of the build's last event, which stands in it.

    Args:
        plan: the audience.
        tables: the build's, for categories below others and the last event.
        dialect: which engine's words for times.

    Raises:
        AudienceError: a condition is on what the graph does not hold; every one is named.
    """
    lacking = [n for n in plan.root.walk() if not _in_graph(n)]
    if lacking:
        raise AudienceError([(n.path, f"the graph does not hold: {_asks(n)}") for n in lacking])
    writer = _Writer(tables, dialect)
    where = writer.test(plan.root)
    note = (
        f"// {plan.definition.name}, as of build {tables.build}; "
        "customers on the suppression list or without consent are not left out here"
    )
    start = "MATCH (u:User) WHERE NOT coalesce(u.anonymous, false)"
    end = [f"WITH {writer.carried()}", f"WHERE {where}", "RETURN u.id AS user_id ORDER BY user_id"]
    return "\n".join([note, start, *writer.stages, *end])


def _in_graph(node: Node) -> bool:
    return not isinstance(node.condition, Similar)


def _asks(node: Node) -> str:
    return f"{text_of(node.condition)}; take it out, or use coterie audiences members"


def quoted(text: str) -> str:
    """A literal of text."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _list(values: tuple[str, ...]) -> str:
    return f"[{', '.join(map(quoted, values))}]"


@dataclass
class _Writer:
    """Collects the stages of one query."""

    tables: Tables
    dialect: Dialect
    stages: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)

    def carried(self) -> str:
        """What every stage hands on."""
        return ", ".join(["u", *self.names])

    def test(self, node: Node) -> str:
        """The expression that holds for members."""
        condition = node.condition
        if isinstance(condition, All | AnyOf):
            word = " AND " if isinstance(condition, All) else " OR "
            return f"({word.join(self.test(n) for n in node.inner)})"
        if isinstance(condition, Not):
            return f"NOT {self.test(node.inner[0])}"
        if isinstance(condition, InAudience):
            return self.test(node.inner[0])
        if node.key not in self.known:
            writers: dict[type, Callable[[Any], str]] = {
                Segment: self._segment,
                Attribute: self._attribute,
                Bought: self._bought,
                NotBought: self._bought,
                Sequence: self._sequence,
                Share: self._share,
                Likes: self._likes,
                Stage: self._in_stage,
                Rfm: self._cell,
                Value: self._standing,
                Churn: self._standing,
                Rhythm: self._standing,
            }
            self.known[node.key] = writers[type(condition)](condition)
        return self.known[node.key]

    def _stage(self, match: str, **aggregates: str) -> list[str]:
        """Add a stage; gives the names of its aggregates."""
        number = len(self.stages) + 1
        names = [f"{name}{number}" for name in aggregates]
        made = [f"{text} AS {name}" for name, text in zip(names, aggregates.values(), strict=True)]
        self.stages.append(f"OPTIONAL MATCH {match}\nWITH {', '.join([self.carried(), *made])}")
        self.names += names
        return names

    def _time(self, second: int) -> str:
        moment = datetime.fromtimestamp(second, UTC)
        if self.dialect == "neo4j":
            return f"datetime('{moment:%Y-%m-%dT%H:%M:%SZ}')"
        return f"timestamp('{moment:%Y-%m-%d %H:%M:%S}')"

    def _later(self, event: str, days: float) -> str:
        seconds = round(days * DAY)
        if self.dialect == "neo4j":
            return f"{event}.at + duration({{seconds: {seconds}}})"
        return f"{event}.at + interval('{seconds} seconds')"

    def _products(self, what: What, node: str) -> list[str]:
        """Tests of product ``node``; ids are compared, so no further match is needed."""
        tests = []
        if what.product:
            tests.append(f"{node}.id IN {_list(what.product)}")
        if what.category:
            below = _list(self.tables.below(what.category))
            tests.append(f"EXISTS {{ MATCH ({node})-[:IN_CATEGORY]->(k) WHERE k.id IN {below} }}")
        if what.brand:
            brands = _list(what.brand)
            tests.append(f"EXISTS {{ MATCH ({node})-[:OF_BRAND]->(b) WHERE b.id IN {brands} }}")
        return tests

    def _window(self, event: str, days: float | None, until: float = 0.0) -> list[str]:
        now, tests = self.tables.now, []
        if days is not None:
            tests.append(f"{event}.at >= {self._time(seconds_before(now, days))}")
        if until:
            # The last second of the window counts as a whole.
            tests.append(f"{event}.at < {self._time(seconds_before(now, until) + 1)}")
        return tests

    def _bought(self, condition: Bought | NotBought) -> str:
        tests = self._products(condition, "p") + self._window(
            "e", condition.days, condition.until_days
        )
        aggregates = {"times": "count(DISTINCT coalesce(e.order_id, e.event_id))"}
        value = getattr(condition, "value", None)
        if value is not None:
            aggregates["value"] = "round(coalesce(sum(e.value), 0.0), 2)"
        names = self._stage(self._events("e", "p", condition.event, tests), **aggregates)
        if isinstance(condition, NotBought):
            return f"{names[0]} = 0"
        enough = f"{names[0]} >= {condition.times}"
        return enough if value is None else f"({enough} AND {names[1]} >= {value})"

    def _events(self, event: str, product: str, kind: str, tests: list[str]) -> str:
        edge = EVENT_EDGES[kind].name
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        return f"(u)-[{event}:{edge}]->({product}:Product){where}"

    def _sequence(self, condition: Sequence) -> str:
        second = condition.then or condition.then_not
        assert second is not None
        within = condition.within_days
        follows = [f"f.at > e.at AND f.at <= {self._later('e', within)}"]
        follows += self._products(second, "q")
        if condition.same_product:
            follows.append("q.id = p.id")
        inner = f"EXISTS {{ MATCH {self._events('f', 'q', second.event, follows)} }}"
        tests = self._products(condition.first, "p") + self._window("e", condition.days)
        if condition.then_not:
            tests += [f"e.at < {self._time(seconds_before(self.tables.now, within) + 1)}"]
        tests.append(inner if condition.then else f"NOT {inner}")
        match = self._events("e", "p", condition.first.event, tests)
        return f"{self._stage(match, times='count(e)')[0]} > 0"

    def _share(self, condition: Share) -> str:
        window = self._window("e", condition.days)
        (total,) = self._stage(
            self._events("e", "p", "purchase", window),
            spent="round(coalesce(sum(e.value), 0.0), 2)",
        )
        tests = self._products(condition, "p") + window
        (part,) = self._stage(
            self._events("e", "p", "purchase", tests),
            part="round(coalesce(sum(e.value), 0.0), 2)",
        )
        share = f"round({part} / {total}, 6)"
        ends = f"{share} >= {condition.min} AND {share} <= {condition.max}"
        return f"(CASE WHEN {total} > 0 THEN {ends} ELSE false END)"

    def _likes(self, condition: Likes) -> str:
        tests = [f"l.rank <= {condition.top}", *self._products(condition, "p")]
        match = f"(u)-[l:MAY_LIKE]->(p:Product) WHERE {' AND '.join(tests)}"
        return f"{self._stage(match, liked='count(l)')[0]} > 0"

    def _segment(self, condition: Segment) -> str:
        tests = [f"c.id IN {_list(condition.any_of)}"]
        if condition.min_strength:
            tests.append(f"m.strength >= {condition.min_strength}")
        match = f"(u)-[m:MEMBER_OF]->(c:Community) WHERE {' AND '.join(tests)}"
        return f"{self._stage(match, segments='count(c)')[0]} > 0"

    def _in_stage(self, condition: Stage) -> str:
        match = f"(u)-[:IN_STAGE]->(c:Stage) WHERE c.id IN {_list(condition.any_of)}"
        return f"{self._stage(match, stages='count(c)')[0]} > 0"

    def _cell(self, condition: Rfm) -> str:
        """Cells by their digits: patterns are of three characters, of which ? is any."""
        patterns = "|".join(re.escape(p).replace(r"\?", ".") for p in condition.any_of)
        match = f"(u)-[g:IN_STAGE]->(:Stage) WHERE g.rfm =~ {quoted(patterns)}"
        return f"{self._stage(match, cells='count(g)')[0]} > 0"

    def _standing(self, condition: Value | Churn | Rhythm) -> str:
        """A number of where a customer stands; who has none is on neither side of a bound."""
        (known,) = self._stage("(u)-[g:IN_STAGE]->(:Stage)", known=f"max(g.{condition.of})")
        if condition.of == "orders":  # who is in no stage never bought
            known = f"coalesce({known}, 0)"
        ends = ((">=", condition.min), ("<=", condition.max))
        tests = [f"{known} {sign} {end}" for sign, end in ends if end is not None]
        return f"coalesce({' AND '.join(tests)}, false)"

    def _attribute(self, condition: Attribute) -> str:
        name = f"u.{condition.name}"
        if condition.missing:
            return f"{name} IS NULL"
        numeric = self.tables.attributes[condition.name].dtype.is_numeric()
        if condition.any_of:
            values = [json.dumps(v) if numeric else quoted(str(v)) for v in condition.any_of]
            test = f"{name} IN [{', '.join(values)}]"
        else:
            ends = ((">=", condition.min), ("<=", condition.max))
            tests = [f"{name} {sign} {end}" for sign, end in ends if end is not None]
            test = " AND ".join(tests)
        return f"coalesce({test}, false)"
